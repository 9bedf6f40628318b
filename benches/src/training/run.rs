//! One model, from its training to its score.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Training;
use super::corpus::Files;
use super::options::Options;
use super::score::{Judges, Score};
use super::timed::{self, Usage};
use super::trainer::{Job, Trainer};

/// What `st_blocks` counts in.
const BLOCK_BYTES: u64 = 512;

/// What was measured of a model.
#[derive(Clone, Copy, Debug)]
pub struct Trained {
    pub usage: Usage,
    /// What the file takes of the disk: holes are not counted.
    pub disk_bytes: u64,
    pub score: Score,
}

/// Trains a model: its file, and what that took.
pub fn make(
    arguments: &Training,
    trainer: &Trainer,
    options: &Options,
    files: &Files,
    seed: u32,
) -> anyhow::Result<(PathBuf, Usage)> {
    let model = arguments.scratch.join("model.bin");
    let job = Job {
        options,
        threads: arguments.threads,
        seed,
        train: &files.train,
        model: &model,
    };
    let usage = timed::run(&trainer.command_line(job), arguments.threads.get())?;
    Ok((model, usage))
}

/// Trains a model, measures it and deletes it.
pub fn train(
    arguments: &Training,
    trainer: &Trainer,
    options: &Options,
    files: &Files,
    seed: u32,
) -> anyhow::Result<Trained> {
    let (model, usage) = make(arguments, trainer, options, files, seed)?;
    let disk_bytes = fs::metadata(&model)
        .with_context(|| format!("{} wrote no model", trainer.name()))?
        .blocks()
        * BLOCK_BYTES;
    let judges = Judges {
        official: &arguments.plain,
        codape: &arguments.codape,
    };
    let score = judges.score(&model, &files.valid)?;
    delete(&model)?;
    // The official program writes its vectors as text too.
    delete(&model.with_extension("vec"))?;
    say(&format!(
        "{}, seed {seed}: {:.2} s, P@1 {:.3}",
        trainer.name(),
        usage.seconds,
        score.precision
    ));
    Ok(Trained {
        usage,
        disk_bytes,
        score,
    })
}

fn delete(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot delete {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Says how far things are; what the benchmark is for goes to standard output.
pub fn say(line: &str) {
    // Nothing is lost where nobody listens.
    let _ = writeln!(std::io::stderr(), "{line}");
}
