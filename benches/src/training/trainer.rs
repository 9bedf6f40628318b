//! The programs that train.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::options::Options;

/// A program that trains.
#[derive(Clone, Debug)]
pub enum Trainer {
    Codape(PathBuf),
    /// The official program, in one of its builds.
    Official {
        build: &'static str,
        program: PathBuf,
    },
    /// The `fasttext` crate, in this very program.
    Crate(PathBuf),
}

/// One training.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    pub options: &'a Options,
    pub threads: NonZeroUsize,
    pub seed: u32,
    /// The labelled lines.
    pub train: &'a Path,
    /// Where the model goes: a name that ends in `.bin`.
    pub model: &'a Path,
}

impl Trainer {
    /// Its name in tables.
    pub fn name(&self) -> String {
        match self {
            Self::Codape(_) => "codape".to_owned(),
            Self::Official { build, .. } => format!("official, {build}"),
            Self::Crate(_) => "`fasttext` crate".to_owned(),
        }
    }

    /// The command line of a training: the program, then its arguments.
    pub fn command_line(&self, job: Job<'_>) -> Vec<String> {
        // The official program adds the ending by itself.
        let stem = job.model.with_extension("");
        let (program, command, dash, output) = match self {
            Self::Codape(program) => (program, "train", "--", job.model),
            Self::Official { program, .. } => (program, "supervised", "-", &*stem),
            Self::Crate(program) => (program, "train-crate", "--", job.model),
        };
        let path = |path: &Path| path.display().to_string();
        let mut line = vec![path(program), command.to_owned()];
        let pairs = [
            ("input", path(job.train)),
            ("output", path(output)),
            ("thread", job.threads.to_string()),
            ("seed", job.seed.to_string()),
            ("verbose", "0".to_owned()),
        ];
        for (name, value) in pairs {
            line.extend([format!("{dash}{name}"), value]);
        }
        line.extend(job.options.arguments(dash));
        line
    }
}
