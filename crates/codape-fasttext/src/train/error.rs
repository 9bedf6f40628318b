//! Why a training fails.

use std::io;
use std::path::PathBuf;

/// Why no model was trained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// An option is out of its range, or contradicts another.
    #[error("{option} is {found}, expected {expected}")]
    Option {
        /// The option, by the reference's name.
        option: &'static str,
        /// What it is.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// No label is left in the dictionary.
    #[error("the text has no label: no token that occurs often enough starts with {prefix:?}")]
    NoLabels {
        /// How a label starts.
        prefix: String,
    },
    /// No word is left in the dictionary, and no n-gram either.
    #[error("the text has no word that occurs often enough")]
    NoWords,
    /// A number is no longer finite.
    #[error("the loss is no longer a finite number after {examples} examples: lower lr, {lr} now")]
    Diverged {
        /// The examples so far.
        examples: u64,
        /// The learning rate at the start.
        lr: f64,
    },
    /// The model to go on from cannot be trained.
    #[error("this model cannot be trained further: {reason}")]
    NotTrainable {
        /// Why not.
        reason: String,
    },
    /// A file of word vectors that cannot be used.
    #[error("cannot use the word vectors of {path}: {problem}")]
    PretrainedVectors {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The text cannot be read.
    #[error("cannot read the text")]
    Read(#[source] io::Error),
    /// There is no memory for the matrices.
    #[error("there is no memory for the matrices: lower dim or bucket")]
    Memory(#[source] io::Error),
    /// The observer asked to stop.
    #[error("the training was stopped")]
    Stopped,
}

/// Why a model could not be written. Nothing is left under its name then, or
/// what was there before.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}")]
pub struct SaveError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}
