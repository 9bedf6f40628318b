//! The answers of the official fastText that `make reference` writes down.
//!
//! `python/reference.py` says what the files hold.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::locate;

/// Models of the official program, and what it answers.
#[derive(Debug)]
pub struct Reference {
    /// Where the files are.
    pub folder: PathBuf,
    /// The lines of text that were asked about, without a line feed.
    pub lines: Vec<Vec<u8>>,
    /// The words whose vectors were asked for.
    pub words: Vec<Vec<u8>>,
    /// The models.
    pub models: Vec<ReferenceModel>,
}

/// A model of the official program.
#[derive(Clone, Debug, Deserialize)]
pub struct ReferenceModel {
    /// What sets it apart, in a word.
    pub name: String,
    /// The model's file in the folder.
    pub file: String,
    /// `supervised`, `cbow` or `skipgram`.
    pub kind: String,
    /// Numbers in a vector.
    pub dim: usize,
    /// The labels in the model's order.
    pub labels: Vec<String>,
    /// What was asked of it; nothing of models of word vectors.
    pub questions: Vec<Question>,
    /// The lines whose vectors were asked for.
    pub vector_lines: Stride,
    /// The file of the vectors of labels as if they were words, if it has
    /// such vectors.
    pub label_vectors: Option<String>,
}

/// Every `step`-th line.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Stride {
    /// From one line to the next.
    pub step: usize,
}

/// One question asked about many lines.
#[derive(Clone, Debug, Deserialize)]
pub struct Question {
    /// The number of labels; -1 for all.
    pub k: i64,
    /// The least probability.
    pub threshold: f32,
    /// How many lines were asked about.
    pub lines: usize,
    /// The first of them.
    #[serde(default)]
    pub from: usize,
    /// From one to the next.
    #[serde(default = "one")]
    pub step: usize,
    /// The file with the answers.
    pub file: String,
}

/// A line, and the answer: labels by their numbers, and probabilities, best
/// first.
pub type Asked<'a> = (&'a [u8], Vec<(u32, f32)>);

fn one() -> usize {
    1
}

#[derive(Deserialize)]
struct Manifest {
    models: Vec<ReferenceModel>,
}

impl Reference {
    /// The data of `make reference`; `None`, which is said on the standard
    /// error, where there is none.
    ///
    /// # Panics
    ///
    /// Where the data is there but is not what the script writes.
    #[must_use]
    pub fn find(test: &str) -> Option<Self> {
        let folder = locate::reference(test)?;
        let manifest = folder.join("manifest.json");
        let manifest: Manifest = serde_json::from_slice(&read(&manifest))
            .unwrap_or_else(|error| panic!("{}: {error}", manifest.display()));
        Some(Self {
            lines: strings(&read(&folder.join("lines.bin"))),
            words: strings(&read(&folder.join("words.bin"))),
            models: manifest.models,
            folder,
        })
    }

    /// The bytes of a file in the folder.
    ///
    /// # Panics
    ///
    /// Where it cannot be read.
    #[must_use]
    pub fn file(&self, name: &str) -> Vec<u8> {
        read(&self.folder.join(name))
    }

    /// The lines that a question was asked about, each with the answer.
    ///
    /// # Panics
    ///
    /// Where the file of answers does not fit the question.
    #[must_use]
    pub fn answers(&self, question: &Question) -> Vec<Asked<'_>> {
        let bytes = self.file(&question.file);
        let mut rest = &bytes[..];
        let lines = self.lines[question.from..].iter().step_by(question.step);
        let answers: Vec<_> = lines
            .take(question.lines)
            .map(|line| {
                let count = u16::from_le_bytes(take(&mut rest));
                let one = |_| {
                    let label = u32::from_le_bytes(take(&mut rest));
                    (label, f32::from_le_bytes(take(&mut rest)))
                };
                (&line[..], (0..count).map(one).collect())
            })
            .collect();
        assert!(rest.is_empty(), "{}: too long", question.file);
        assert_eq!(answers.len(), question.lines, "{}", question.file);
        answers
    }

    /// Rows of `dim` floats.
    ///
    /// # Panics
    ///
    /// Where the file cannot be read or is no matrix of that width.
    #[must_use]
    pub fn vectors(&self, file: &str, dim: usize) -> Vec<Vec<f32>> {
        let bytes = self.file(file);
        let mut rest = &bytes[..];
        let mut rows = Vec::new();
        while !rest.is_empty() {
            rows.push(
                (0..dim)
                    .map(|_| f32::from_le_bytes(take(&mut rest)))
                    .collect(),
            );
        }
        rows
    }
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (head, tail) = rest.split_first_chunk().expect("the file ends in a number");
    *rest = tail;
    *head
}

fn strings(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = bytes;
    let count = u32::from_le_bytes(take(&mut rest));
    (0..count)
        .map(|_| {
            let len = u32::from_le_bytes(take(&mut rest)) as usize;
            let (string, tail) = rest.split_at(len);
            rest = tail;
            string.to_vec()
        })
        .collect()
}
