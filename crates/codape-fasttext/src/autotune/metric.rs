//! What a search for options aims at.

use std::fmt;
use std::str::FromStr;

use crate::{Meter, Model, Of, Scores};

/// What is to be as high as possible on the validation text.
///
/// It is read from, and written as, the names of the reference: `f1`,
/// `f1:LABEL`, `precisionAtRecall:30`, `precisionAtRecall:30:LABEL`,
/// `recallAtPrecision:30`, `recallAtPrecision:30:LABEL`.
#[derive(Clone, Debug, PartialEq)]
pub struct AutotuneMetric {
    measure: Measure,
    label: Option<String>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Measure {
    F1,
    /// Percent of recall.
    PrecisionAtRecall(f64),
    /// Percent of precision.
    RecallAtPrecision(f64),
}

/// A metric that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown metric {found:?}: expected f1, precisionAtRecall:PERCENT or recallAtPrecision:PERCENT, \
     each with :LABEL after it for one label"
)]
pub struct MetricError {
    /// What was found.
    pub found: String,
}

impl Default for AutotuneMetric {
    /// The F1 score of all labels.
    fn default() -> Self {
        Self {
            measure: Measure::F1,
            label: None,
        }
    }
}

impl FromStr for AutotuneMetric {
    type Err = MetricError;

    fn from_str(text: &str) -> Result<Self, MetricError> {
        let error = || MetricError {
            found: text.to_owned(),
        };
        let (name, rest) = match text.split_once(':') {
            None => (text, None),
            Some((name, rest)) => (name, Some(rest)),
        };
        let percent = |rest: Option<&str>| {
            let percent: f64 = rest?.parse().ok()?;
            (0.0..=100.0).contains(&percent).then_some(percent)
        };
        let (measure, label) = match name {
            "f1" => (Measure::F1, rest),
            "precisionAtRecall" | "recallAtPrecision" => {
                let (number, label) = match rest.and_then(|rest| rest.split_once(':')) {
                    None => (rest, None),
                    Some((number, label)) => (Some(number), Some(label)),
                };
                let percent = percent(number).ok_or_else(error)?;
                let measure = if name == "precisionAtRecall" {
                    Measure::PrecisionAtRecall(percent)
                } else {
                    Measure::RecallAtPrecision(percent)
                };
                (measure, label)
            }
            _ => return Err(error()),
        };
        if label == Some("") {
            return Err(error());
        }
        Ok(Self {
            measure,
            label: label.map(str::to_owned),
        })
    }
}

impl fmt::Display for AutotuneMetric {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.measure {
            Measure::F1 => formatter.write_str("f1"),
            Measure::PrecisionAtRecall(percent) => write!(formatter, "precisionAtRecall:{percent}"),
            Measure::RecallAtPrecision(percent) => write!(formatter, "recallAtPrecision:{percent}"),
        }?;
        match &self.label {
            None => Ok(()),
            Some(label) => write!(formatter, ":{label}"),
        }
    }
}

impl AutotuneMetric {
    /// The label that it is about, with its prefix; `None` for all.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// What a meter must keep for it.
    pub(super) fn scores(&self) -> Scores {
        match self.measure {
            Measure::F1 => Scores::Dropped,
            Measure::PrecisionAtRecall(_) | Measure::RecallAtPrecision(_) => Scores::Kept,
        }
    }

    /// The label as the model numbers it; `None` where it does not know it.
    pub(super) fn of(&self, model: &Model) -> Option<Of> {
        let Some(label) = &self.label else {
            return Some(Of::All);
        };
        let dictionary = model.dictionary();
        let id = dictionary.find(label.as_bytes())?;
        let id = id.checked_sub(dictionary.word_count() as u32)?;
        Some(Of::Label(id))
    }

    /// The score, 0 to 1 (`Autotune::getMetricScore`).
    pub(super) fn score(&self, meter: &Meter, of: Of) -> f64 {
        match self.measure {
            Measure::F1 => meter.counts(of).f1().unwrap_or(0.0),
            Measure::PrecisionAtRecall(recall) => meter.precision_at_recall(of, recall / 100.0),
            Measure::RecallAtPrecision(precision) => {
                meter.recall_at_precision(of, precision / 100.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_reference_are_read_and_written() {
        for name in [
            "f1",
            "f1:__label__baking",
            "f1:__label__a:b",
            "precisionAtRecall:30",
            "precisionAtRecall:30:__label__baking",
            "recallAtPrecision:99.5",
            "recallAtPrecision:0:x",
        ] {
            assert_eq!(name.parse::<AutotuneMetric>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn other_names_are_refused() {
        for name in [
            "",
            "F1",
            "f1:",
            "accuracy",
            "precisionAtRecall",
            "precisionAtRecall:",
            "precisionAtRecall:x",
            "precisionAtRecall:101",
            "recallAtPrecision:NaN",
            "recallAtPrecision:30:",
        ] {
            let error = name.parse::<AutotuneMetric>().unwrap_err();
            assert_eq!(error.found, name);
        }
    }
}
