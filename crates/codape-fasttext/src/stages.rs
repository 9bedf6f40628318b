//! The stages of a prediction apart, for `benches/stages.rs` alone.

use crate::best::Best;
use crate::features::FeatureScratch;
use crate::loss::Activation;
use crate::{LossName, Model, Prediction, Query};

/// Names the rows of a line, the way from bytes to numbers of rows.
#[derive(Debug, Default)]
pub struct Naming {
    scratch: FeatureScratch,
    rows: Vec<u32>,
}

impl Naming {
    /// The rows that a line stands for.
    pub fn rows(&mut self, model: &Model, line: &[u8]) -> &[u32] {
        self.rows.clear();
        let Self { scratch, rows } = self;
        model
            .features()
            .of_line(line, scratch, |row| rows.push(row));
        rows
    }
}

/// Finds the best of all logits, as without a screen.
#[derive(Debug)]
pub struct Choosing {
    activation: Activation,
    best: Best,
}

impl Choosing {
    /// For the logits of a loss.
    ///
    /// # Panics
    ///
    /// For hierarchical softmax, which has no logits.
    #[must_use]
    pub fn new(loss: LossName) -> Self {
        Self {
            activation: Activation::of(loss).expect("a loss with logits"),
            best: Best::default(),
        }
    }

    /// The best labels, by logits that may be overwritten.
    pub fn best(&mut self, logits: &mut [f32], query: &Query) -> Vec<Prediction> {
        let Self { activation, best } = self;
        best.find(query, |best| activation.find_best(logits, best))
            .unwrap_or_default()
    }
}
