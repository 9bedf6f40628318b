//! How good a model is on the lines that were held out.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;

/// The programs that measure.
#[derive(Clone, Copy, Debug)]
pub struct Judges<'a> {
    pub official: &'a Path,
    pub codape: &'a Path,
}

/// What was measured, with one label for each line.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Score {
    /// Lines with a label that the model knows.
    pub examples: u64,
    /// P@1, from 0 to 1.
    pub precision: f64,
    /// R@1, from 0 to 1.
    pub recall: f64,
    /// Whether the official program and `codape test` say the same.
    #[serde(skip)]
    pub is_agreed: bool,
}

impl Judges<'_> {
    /// Measures a model. The official program rounds to three digits; the
    /// score is codape's, which has them all, and says whether the two agree.
    pub fn score(&self, model: &Path, valid: &Path) -> anyhow::Result<Score> {
        let official = said(Command::new(self.official).arg("test").args([model, valid]))?;
        let ours = || {
            let mut command = Command::new(self.codape);
            command.arg("test").arg("--model").arg(model).arg(valid);
            command
        };
        let plain = said(&mut ours())?;
        let json = said(ours().arg("--json"))?;
        let score: Score = serde_json::from_str(&json).context("`codape test --json`")?;
        Ok(Score {
            is_agreed: plain == official,
            ..score
        })
    }
}

/// What a program prints.
fn said(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?)
}
