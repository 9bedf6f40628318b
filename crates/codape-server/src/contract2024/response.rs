//! The answers, written straight from what the coder lends: keys in the
//! contract's order, probabilities as Python's float of the model's `f32`.

use codape_coder::{Coding, Nomenclature, Suggestion};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::error::ApiError;
use crate::model::ModelIdentity;

/// `{"1": {…}, "2": {…}, "IC": …}`: the suggestions from a probability on.
pub(crate) struct Answer<'a> {
    coding: &'a Coding<'a>,
    prob_min: f64,
}

impl<'a> Answer<'a> {
    /// The answer, unless even the best suggestion is below `prob_min`.
    pub(crate) fn new(coding: &'a Coding<'a>, prob_min: f64) -> Result<Self, ApiError> {
        match coding.best() {
            None => Err(no_suggestion()),
            Some(best) if f64::from(best.probability) < prob_min => Err(ApiError::BadRequest(
                "The minimal probability requested is higher than the highest prediction \
                 probability of the model."
                    .to_owned(),
            )),
            Some(_) => Ok(Self { coding, prob_min }),
        }
    }
}

/// The 400 where the model knows nothing of a line, not even its end.
fn no_suggestion() -> ApiError {
    ApiError::BadRequest("The model has no suggestion for this description.".to_owned())
}

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let shown = self
            .coding
            .suggestions
            .iter()
            .filter(|suggestion| f64::from(suggestion.probability) >= self.prob_min);
        for (rank, suggestion) in (1_u32..).zip(shown) {
            map.serialize_entry(&rank, &Echo(suggestion))?;
        }
        map.serialize_entry("IC", &self.coding.confidence)?;
        map.end()
    }
}

struct Echo<'a>(&'a Suggestion<'a>);

impl Serialize for Echo<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("code", self.0.code)?;
        map.serialize_entry("probabilite", &f64::from(self.0.probability))?;
        map.serialize_entry("libelle", &self.0.title())?;
        map.end()
    }
}

/// `{"code", "probabilite", "IC", "result"}`: what the model says of a line
/// whose code is known. `result` is whether the two are the same code, however
/// the known one is written (`5610C`, `56.10C`).
#[derive(serde::Serialize)]
pub(crate) struct Evaluated<'a> {
    code: &'a str,
    probabilite: f64,
    #[serde(rename = "IC")]
    ic: f64,
    result: bool,
}

impl<'a> Evaluated<'a> {
    /// Compares the best suggestion with the code that is known.
    pub(crate) fn new(
        coding: &'a Coding<'a>,
        known: &str,
        nomenclature: &Nomenclature,
    ) -> Result<Self, ApiError> {
        let best = coding.best().ok_or_else(no_suggestion)?;
        let entry = |code| nomenclature.get(code).map(|entry| entry.id());
        let is_same = || entry(known).is_some_and(|id| entry(best.code) == Some(id));
        Ok(Self {
            code: best.code,
            probabilite: f64::from(best.probability),
            ic: coding.confidence,
            result: best.code == known || is_same(),
        })
    }
}

/// The answer of `GET /`.
pub(crate) struct Root<'a>(pub(crate) &'a ModelIdentity);

impl Serialize for Root<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("Message", "Codification de l'APE")?;
        map.serialize_entry("Model_name", &self.0.name)?;
        let version = match self.0.asked.is_empty() {
            true => &self.0.version,
            false => &self.0.asked,
        };
        map.serialize_entry("Model_version", version)?;
        map.serialize_entry("Metrics", &RunMetrics(self.0))?;
        map.end()
    }
}

/// The run's metrics; a test's result is 1 where it passed.
struct RunMetrics<'a>(&'a ModelIdentity);

impl Serialize for RunMetrics<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0.metrics.iter() {
            if !name.contains("Result") {
                map.serialize_entry(name, &value)?;
            } else if value == 1.0 {
                map.serialize_entry(name, "Passed")?;
            } else {
                map.serialize_entry(name, "Failed")?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coding(probabilities: &[f32]) -> Coding<'static> {
        let suggestion = |&probability| Suggestion {
            code: "9602A",
            entry: Nomenclature::naf_rev2().get("9602A"),
            probability,
        };
        Coding {
            line: String::new(),
            suggestions: probabilities.iter().map(suggestion).collect(),
            confidence: 0.25,
        }
    }

    #[test]
    fn ten_comes_after_nine_and_ic_last() {
        let coding = coding(&[0.5; 11]);
        let json = serde_json::to_string(&Answer::new(&coding, 0.01).ok().unwrap()).unwrap();
        let place = |key: &str| json.find(&format!("\"{key}\":")).unwrap();
        assert!(place("2") < place("9") && place("9") < place("10"));
        assert!(place("11") < place("IC"));
        assert!(
            json.starts_with(r#"{"1":{"code":"9602A","probabilite":0.5,"libelle":"Coiffure"}"#)
        );
    }

    #[test]
    fn prob_min_hides_codes_and_not_the_confidence() {
        let coding = coding(&[0.5, 0.25]);
        let shown = serde_json::to_value(Answer::new(&coding, 0.3).ok().unwrap()).unwrap();
        assert_eq!(shown.as_object().unwrap().len(), 2);
        assert_eq!(shown["IC"], 0.25);
        assert!(Answer::new(&coding, 0.5).is_ok());
        assert!(Answer::new(&coding, 0.51).is_err());
    }

    #[test]
    fn a_probability_is_the_double_of_its_float() {
        let coding = coding(&[0.1]);
        let shown = serde_json::to_value(Answer::new(&coding, 0.0).ok().unwrap()).unwrap();
        assert_eq!(shown["1"]["probabilite"], 0.100_000_001_490_116_12);
    }

    #[test]
    fn nothing_to_suggest_is_said() {
        assert!(Answer::new(&coding(&[]), 0.0).is_err());
    }
}
