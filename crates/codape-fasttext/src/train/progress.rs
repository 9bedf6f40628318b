//! How far a training is.

use std::ops::ControlFlow;
use std::time::Duration;

/// What a training is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainPhase {
    /// Reading the text for its words and labels.
    Counting,
    /// Learning.
    Learning,
}

/// How far a training is.
#[derive(Clone, Copy, Debug)]
pub struct TrainProgress {
    /// What it is at.
    pub phase: TrainPhase,
    /// How much of this phase is done, 0 to 1.
    pub done: f64,
    /// Examples learnt from so far; tokens read, while counting.
    pub examples: u64,
    /// The mean loss of the examples so far, in nats; NaN before the first.
    pub loss: f64,
    /// The learning rate now.
    pub lr: f64,
    /// Time since the start of this phase.
    pub elapsed: Duration,
}

/// Is told how far a training is some ten times a second, and may break it off.
pub type Observer<'a> = dyn FnMut(&TrainProgress) -> ControlFlow<()> + Send + 'a;
