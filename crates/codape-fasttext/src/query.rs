//! What is asked of a model, and what it answers.

use crate::QueryError;

/// What is asked for: how many labels, and how probable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Query {
    k: usize,
    threshold: f32,
}

impl Query {
    /// Asks for the `k` best labels whose probability is at least
    /// `threshold`; a threshold of 0 keeps all. A `k` above the number of
    /// labels asks for all of them.
    ///
    /// # Errors
    ///
    /// If `k` is 0 or `threshold` is not a number.
    pub fn new(k: usize, threshold: f32) -> Result<Self, QueryError> {
        if k == 0 {
            return Err(QueryError::NoLabels);
        }
        if threshold.is_nan() {
            return Err(QueryError::ThresholdNotANumber);
        }
        Ok(Self { k, threshold })
    }

    /// The most labels that an answer has.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }

    /// The least probability that an answer has.
    #[must_use]
    pub fn threshold(&self) -> f32 {
        self.threshold
    }
}

/// A label of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The label, in `0..Dictionary::label_count()`.
    pub label: u32,
    /// Its probability. The reference adds 1e-5 before it takes a logarithm,
    /// so that it runs from 1e-5 to a little over 1.
    pub probability: f32,
}
