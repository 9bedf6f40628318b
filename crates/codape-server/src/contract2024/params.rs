//! The query strings of the contract.

use std::borrow::Cow;

use crate::contract2024::field_error::{FieldError, Input, Loc};
use crate::contract2024::lax::{self, IntProblem};

/// What every route takes: how many suggestions, from which probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Echoes {
    /// `nb_echos_max`, at least 1.
    pub(crate) at_most: usize,
    /// `prob_min`, never NaN.
    pub(crate) prob_min: f64,
}

/// The parameters of `GET /predict`.
#[derive(Debug, PartialEq)]
pub(crate) struct PredictParams<'q> {
    pub(crate) text_description: Cow<'q, str>,
    pub(crate) type_liasse: Option<Cow<'q, str>>,
    pub(crate) nature: Option<Cow<'q, str>>,
    pub(crate) surface: Option<Cow<'q, str>>,
    pub(crate) event: Option<Cow<'q, str>>,
    pub(crate) echoes: Echoes,
}

/// Raw parameters by name; of a name that comes twice the last counts, unknown
/// names are left alone.
#[derive(Default)]
struct Raw<'q> {
    text_description: Option<Cow<'q, str>>,
    type_liasse: Option<Cow<'q, str>>,
    nature: Option<Cow<'q, str>>,
    surface: Option<Cow<'q, str>>,
    event: Option<Cow<'q, str>>,
    nb_echos_max: Option<Cow<'q, str>>,
    prob_min: Option<Cow<'q, str>>,
}

impl<'q> Raw<'q> {
    fn parse(query: &'q str) -> Self {
        let mut raw = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let field = match &*name {
                "text_description" => &mut raw.text_description,
                "type_liasse" => &mut raw.type_liasse,
                "nature" => &mut raw.nature,
                "surface" => &mut raw.surface,
                "event" => &mut raw.event,
                "nb_echos_max" => &mut raw.nb_echos_max,
                "prob_min" => &mut raw.prob_min,
                _ => continue,
            };
            *field = Some(value);
        }
        raw
    }

    /// Reads both numbers; errors are in the order of the contract.
    fn echoes(&self, errors: &mut Vec<FieldError>) -> Echoes {
        let mut echoes = Echoes {
            at_most: 5,
            prob_min: 0.01,
        };
        if let Some(text) = &self.nb_echos_max {
            let loc = vec![Loc::Name("query"), Loc::Name("nb_echos_max")];
            let input = Input::Text(text.to_string());
            match lax::int(text) {
                Ok(value) if value < 1 => errors.push(FieldError::below_one(loc, input)),
                Ok(value) => match i32::try_from(value).map(usize::try_from) {
                    Ok(Ok(value)) => echoes.at_most = value,
                    _ => errors.push(FieldError::above_i32(loc, input)),
                },
                Err(IntProblem::Parsing) => errors.push(FieldError::int_parsing(loc, input)),
                Err(IntProblem::Size) => errors.push(FieldError::int_parsing_size(loc, input)),
            }
        }
        if let Some(text) = &self.prob_min {
            let loc = vec![Loc::Name("query"), Loc::Name("prob_min")];
            let input = Input::Text(text.to_string());
            match lax::float(text) {
                Some(value) if value.is_nan() => errors.push(FieldError::finite_number(loc, input)),
                Some(value) => echoes.prob_min = value,
                None => errors.push(FieldError::float_parsing(loc, input)),
            }
        }
        echoes
    }
}

impl<'q> PredictParams<'q> {
    /// Reads the query string of `GET /predict`.
    pub(crate) fn parse(query: &'q str) -> Result<Self, Vec<FieldError>> {
        let mut raw = Raw::parse(query);
        let mut errors = Vec::new();
        if raw.text_description.is_none() {
            let loc = vec![Loc::Name("query"), Loc::Name("text_description")];
            errors.push(FieldError::missing(loc, Input::Null));
        }
        let echoes = raw.echoes(&mut errors);
        match raw.text_description.take() {
            Some(text_description) if errors.is_empty() => Ok(Self {
                text_description,
                type_liasse: raw.type_liasse,
                nature: raw.nature,
                surface: raw.surface,
                event: raw.event,
                echoes,
            }),
            _ => Err(errors),
        }
    }
}

impl Echoes {
    /// Reads the query string of a batch. The errors are handed over with what
    /// could be read, for those of the body come in the same answer.
    pub(crate) fn parse(query: &str) -> (Self, Vec<FieldError>) {
        let mut errors = Vec::new();
        let echoes = Raw::parse(query).echoes(&mut errors);
        (echoes, errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(query: &str) -> String {
        let params = PredictParams::parse(query).unwrap();
        params.text_description.into_owned()
    }

    /// Answers of FastAPI 0.165.0 with Starlette 1.10.0.
    #[test]
    fn strings_are_decoded_as_starlette_decodes_them() {
        assert_eq!(text("text_description"), "");
        assert_eq!(text("text_description=%FF%C3"), "\u{fffd}\u{fffd}");
        assert_eq!(text("text_description=a+b%2Bc%20d"), "a b+c d");
        assert_eq!(text("text_description=%"), "%");
        assert_eq!(text("text_description=%zz&a;b=c"), "%zz");
        assert_eq!(
            text("text_description=a;nb_echos_max=3"),
            "a;nb_echos_max=3"
        );
        assert_eq!(text("&&text_description=%C3%A9&=3"), "é");
        assert_eq!(text("text_description=a&text_description=b"), "b");
    }

    #[test]
    fn an_absent_value_and_an_empty_one_differ() {
        let params = PredictParams::parse("text_description=a&nature=").unwrap();
        assert_eq!(params.nature.as_deref(), Some(""));
        assert_eq!(params.event, None);
        let defaults = Echoes {
            at_most: 5,
            prob_min: 0.01,
        };
        assert_eq!(params.echoes, defaults);
    }

    #[test]
    fn errors_come_in_the_order_of_the_contract() {
        let errors = PredictParams::parse("prob_min=b&nb_echos_max=a").unwrap_err();
        let json = serde_json::to_value(&errors).unwrap();
        let kinds: Vec<_> = (0..3).map(|i| json[i]["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["missing", "int_parsing", "float_parsing"]);
    }

    #[test]
    fn numbers_that_the_real_service_failed_on_are_refused() {
        for (query, kind) in [
            ("nb_echos_max=0", "greater_than_equal"),
            ("nb_echos_max=-1", "greater_than_equal"),
            ("nb_echos_max=2147483648", "less_than_equal"),
            ("nb_echos_max=99999999999999999999999", "less_than_equal"),
            ("prob_min=nan", "finite_number"),
        ] {
            let (_, errors) = Echoes::parse(query);
            let json = serde_json::to_value(&errors).unwrap();
            assert_eq!(json[0]["type"], kind, "{query}");
        }
        let (echoes, errors) = Echoes::parse("nb_echos_max=2147483647&prob_min=-inf");
        assert!(errors.is_empty());
        assert_eq!(echoes.at_most, 2_147_483_647);
        assert_eq!(echoes.prob_min, f64::NEG_INFINITY);
    }
}
