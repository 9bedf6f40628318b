//! Answers of a peer, as it writes them to a file: a line for each text, with
//! `label probability` pairs between tabs, best first.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, ensure};

/// How many labels are asked for.
pub const K: usize = 5;
/// How far the probabilities of codape may be from the official program's.
pub const TOLERANCE: f32 = 1e-6;

/// The answer for one text.
pub type Answer = Vec<(String, f32)>;

/// Appends one answer to what will be the file.
pub fn push<'a>(file: &mut String, answer: impl IntoIterator<Item = (&'a str, f32)>) {
    for (i, (label, probability)) in answer.into_iter().enumerate() {
        let tab = if i == 0 { "" } else { "\t" };
        // Rust prints the shortest number that reads back to the same bits.
        let _ = write!(file, "{tab}{label} {probability}");
    }
    file.push('\n');
}

/// Reads a file of answers.
pub fn read(path: &Path) -> anyhow::Result<Vec<Answer>> {
    let file = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    file.lines()
        .map(|line| {
            let pairs = line.split('\t').filter(|pair| !pair.is_empty());
            pairs.map(parse).collect()
        })
        .collect()
}

fn parse(pair: &str) -> anyhow::Result<(String, f32)> {
    let (label, probability) = pair.rsplit_once(' ').context("an answer without a space")?;
    Ok((label.to_owned(), probability.parse()?))
}

/// How the answers of a peer agree with the official program's.
#[derive(Clone, Copy, Debug)]
pub struct Agreement {
    pub texts: usize,
    /// Texts with the same labels in the same order.
    pub same_labels: usize,
    /// Of these, the texts whose probabilities are within [`TOLERANCE`].
    pub close: usize,
}

impl Agreement {
    /// Compares answers text by text.
    pub fn of(found: &[Answer], expected: &[Answer]) -> anyhow::Result<Self> {
        ensure!(
            found.len() == expected.len(),
            "{} answers for {} texts",
            found.len(),
            expected.len()
        );
        let mut agreement = Self {
            texts: found.len(),
            same_labels: 0,
            close: 0,
        };
        for (found, expected) in found.iter().zip(expected) {
            let labels = |answer: &Answer| -> Vec<String> {
                answer.iter().map(|(label, _)| label.clone()).collect()
            };
            if labels(found) != labels(expected) {
                continue;
            }
            agreement.same_labels += 1;
            let mut pairs = found.iter().zip(expected);
            let is_close = pairs.all(|((_, a), (_, b))| (a - b).abs() <= TOLERANCE);
            agreement.close += usize::from(is_close);
        }
        Ok(agreement)
    }

    /// Whether every answer agrees.
    pub fn is_full(self) -> bool {
        self.close == self.texts
    }
}
