//! How far the making of a package is.

use std::ops::ControlFlow;

use codape_fasttext::TrainProgress;

use crate::TrainerError;

/// What the trainer is at.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Stage {
    /// Reading the table, cleaning, splitting.
    Reading,
    /// Mixing the examples, rare codes repeated.
    Mixing,
    /// Training the model.
    Training(TrainProgress),
    /// Making the model smaller.
    Quantizing,
    /// Coding the part that was kept aside.
    Evaluating,
}

/// How far the making of a package is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// What the trainer is at.
    pub stage: Stage,
    /// How much of this stage is done, 0 to 1.
    pub done: f64,
    /// The declarations or examples of this stage so far.
    pub rows: u64,
}

/// Is told how far the making of a package is, and may break it off.
pub type Observer<'a> = dyn FnMut(&Progress) -> ControlFlow<()> + Send + 'a;

/// Tells the observer; where it breaks off, that is the error.
pub(crate) fn tell(
    observer: &mut Observer<'_>,
    stage: Stage,
    done: f64,
    rows: u64,
) -> Result<(), TrainerError> {
    match observer(&Progress { stage, done, rows }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(TrainerError::Stopped),
    }
}
