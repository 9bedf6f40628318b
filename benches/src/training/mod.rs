//! Training beside its peers: `times` for how long it takes, `accuracy` for
//! how good the models are on public benchmarks, `compressed` for what is left
//! of that when they are compressed, and `scale` for what it takes as the text
//! grows.
//!
//! A model is trained by a whole process (`trainer`, `timed`) on a file that
//! `corpus` wrote, and measured by the official program and by codape
//! (`score`), which must agree.

mod accuracy;
mod compressed;
mod corpus;
mod crate_trainer;
mod options;
mod perturb;
mod run;
mod scale;
mod score;
mod table;
mod timed;
mod times;
mod trainer;

use std::num::NonZeroUsize;
use std::path::PathBuf;

pub use crate_trainer::CrateTrain;
pub use timed::Timed;

/// What all parts of the training benchmark are run with.
#[derive(Debug, clap::Args)]
pub struct Training {
    /// The folder of shared data.
    #[arg(long)]
    shared: PathBuf,
    /// A folder for texts and models; models are deleted once measured.
    #[arg(long)]
    scratch: PathBuf,
    /// The program `codape`.
    #[arg(long)]
    codape: PathBuf,
    /// The official program, built for this very processor: it trains.
    #[arg(long)]
    native: PathBuf,
    /// The official program, built for any processor of the family: it
    /// measures every model.
    #[arg(long)]
    plain: PathBuf,
    /// The official program as the system packages it: it is timed too.
    #[arg(long)]
    system: Option<PathBuf>,
    /// Models of each kind, each trained with a seed of its own, from 1 on.
    #[arg(long, default_value_t = 3)]
    seeds: u32,
    /// Threads of every training.
    #[arg(long, default_value_t = NonZeroUsize::MIN.saturating_add(1))]
    threads: NonZeroUsize,
    /// Epochs in place of those that belong to the options, to try things out.
    #[arg(long)]
    epochs: Option<u32>,
    /// Only what has this in its name.
    #[arg(long, default_value = "")]
    only: String,
}

/// Times training.
pub fn times(arguments: &Training) -> anyhow::Result<()> {
    times::run(arguments)
}

/// Compares the models on public benchmarks.
pub fn accuracy(arguments: &Training) -> anyhow::Result<()> {
    accuracy::run(arguments)
}

/// Compares models with what they are compressed to.
pub fn compressed(arguments: &Training) -> anyhow::Result<()> {
    compressed::run(arguments)
}

/// Measures time and memory on more and more lines.
pub fn scale(arguments: &Training) -> anyhow::Result<()> {
    scale::run(arguments)
}
