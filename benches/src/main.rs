//! Measures prediction and training beside the official fastText and the
//! `fasttext` crate.
//!
//! For prediction, every peer is a process of its own that holds the model and
//! is asked for one round after another, so that load times and memory are its
//! own and the rounds of all peers alternate. The answers are compared before
//! any time is taken. `make bench` prepares the model and runs it. What is in
//! `training` is run by `make bench-train`.

mod answers;
mod compare;
mod growth;
mod journal;
mod machine;
mod peer;
mod training;
mod worker;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use training::{CrateTrain, Timed, Training};

/// Measures prediction and training beside the official fastText and the
/// fasttext crate.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Time prediction: run every peer and print the table.
    Compare(Compare),
    /// Be one peer: load, then answer what the standard input asks.
    Worker {
        /// Which program answers.
        kind: worker::Kind,
        /// The model.
        model: PathBuf,
        /// The texts, one a line.
        texts: PathBuf,
        /// Texts that are asked about in one call [default: all].
        #[arg(long, default_value_t = usize::MAX)]
        call: usize,
    },
    /// Time prediction as models, texts and calls grow.
    Growth(growth::Growth),
    /// Time answers of the service with and without a journal.
    Journal(journal::JournalCost),
    /// Time training: every program in turn.
    TrainTimes(Training),
    /// Compare what codape and the official program make of public benchmarks.
    TrainAccuracy(Training),
    /// Compare models with what they are compressed to.
    TrainCompressed(Training),
    /// Train on more and more lines: time and memory.
    TrainScale(Training),
    /// Train with the fasttext crate.
    TrainCrate(CrateTrain),
    /// Run one program and print what it took.
    Timed(Timed),
}

/// What is compared.
#[derive(Debug, clap::Args)]
struct Compare {
    /// The model.
    #[arg(long)]
    model: PathBuf,
    /// The texts, one a line.
    #[arg(long)]
    texts: PathBuf,
    /// A Python that has the official fastText, built as pip builds it.
    #[arg(long)]
    python: PathBuf,
    /// A Python whose fastText is built for this very processor.
    #[arg(long)]
    native_python: Option<PathBuf>,
    /// The official program as the system packages it.
    #[arg(long)]
    program: Option<PathBuf>,
    /// The script that a Python runs as a peer.
    #[arg(long)]
    script: PathBuf,
    /// Rounds that are timed.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Worker {
            kind,
            model,
            texts,
            call,
        } => worker::run((kind, call), &model, &texts),
        Command::Growth(arguments) => arguments.run(),
        Command::Journal(arguments) => journal::run(&arguments),
        Command::TrainTimes(arguments) => training::times(&arguments),
        Command::TrainAccuracy(arguments) => training::accuracy(&arguments),
        Command::TrainCompressed(arguments) => training::compressed(&arguments),
        Command::TrainScale(arguments) => training::scale(&arguments),
        Command::TrainCrate(arguments) => arguments.run(),
        Command::Timed(arguments) => arguments.run(),
    }
}
