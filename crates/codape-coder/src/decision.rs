//! When a code is assigned without a person.

/// A confidence index from which the first code is assigned.
///
/// Any finite number: 0 codes everything, a number above 1 nothing.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Threshold(f64);

/// The threshold is not a finite number.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a threshold of {found} is not a finite number")]
pub struct ThresholdError {
    /// What was given.
    pub found: f64,
}

/// Who assigns the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// The first suggestion is the code.
    Automatic,
    /// A person chooses.
    Review,
}

impl Threshold {
    /// A threshold of `confidence`.
    ///
    /// # Errors
    ///
    /// Where it is NaN or infinite.
    pub fn new(confidence: f64) -> Result<Self, ThresholdError> {
        if confidence.is_finite() {
            Ok(Self(confidence))
        } else {
            Err(ThresholdError { found: confidence })
        }
    }

    /// The confidence index from which a code is assigned.
    #[must_use]
    pub fn confidence(self) -> f64 {
        self.0
    }

    /// Automatic at or above the threshold, review below it, and review for a
    /// confidence that is not a number.
    #[must_use]
    pub fn decide(self, confidence: f64) -> Decision {
        if confidence >= self.0 {
            Decision::Automatic
        } else {
            Decision::Review
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_itself_is_automatic() {
        let threshold = Threshold::new(0.6).unwrap();
        assert_eq!(threshold.decide(0.6), Decision::Automatic);
        assert_eq!(threshold.decide(0.599_999), Decision::Review);
        assert_eq!(threshold.decide(f64::NAN), Decision::Review);
    }

    #[test]
    fn a_threshold_is_finite() {
        assert!(Threshold::new(f64::NAN).is_err());
        assert!(Threshold::new(f64::INFINITY).is_err());
    }
}
