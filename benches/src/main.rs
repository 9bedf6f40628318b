//! Times prediction beside the official fastText and the `fasttext` crate.
//!
//! Every peer is a process of its own that holds the model and is asked for
//! one round after another, so that load times and memory are its own and the
//! rounds of all peers alternate. The answers are compared before any time is
//! taken. `make bench` prepares the model and runs it.

mod answers;
mod compare;
mod machine;
mod peer;
mod worker;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Times prediction beside the official fastText and the fasttext crate.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run every peer and print the table.
    Compare(Compare),
    /// Be one peer: load, then answer what the standard input asks.
    Worker {
        /// Which program answers.
        kind: worker::Kind,
        /// The model.
        model: PathBuf,
        /// The texts, one a line.
        texts: PathBuf,
    },
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
        Command::Worker { kind, model, texts } => worker::run(kind, &model, &texts),
    }
}
