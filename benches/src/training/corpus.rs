//! Texts to train on and texts to measure with, from tables of labelled texts.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use codape_testkit::SplitMix64;

/// The seed of the shuffle before a tenth is held out.
const SHUFFLE: u64 = 1;

/// A table of labelled texts.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// The file, below the folder of data.
    pub path: &'static str,
    /// The column of the text.
    pub text: &'static str,
    /// The column of the label.
    pub label: &'static str,
}

/// Where a corpus comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// One table: texts that differ, of which a tenth is held out.
    Tenth(Table),
    /// A table to train on and another to measure with.
    Two { train: Table, valid: Table },
    /// Lines that are ready; the first `train` of them are trained on.
    Lines { path: &'static str, train: usize },
}

/// The lines of a corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corpus {
    pub train: Vec<String>,
    pub valid: Vec<String>,
}

/// The files of a corpus.
#[derive(Clone, Debug)]
pub struct Files {
    pub train: PathBuf,
    pub valid: PathBuf,
}

impl Corpus {
    /// Reads a corpus below the folder of data.
    pub fn read(data: &Path, source: Source) -> anyhow::Result<Self> {
        let corpus = match source {
            Source::Tenth(table) => Self::holding_out_a_tenth(lines(data, table)?),
            Source::Two { train, valid } => Self {
                train: lines(data, train)?,
                valid: lines(data, valid)?,
            },
            Source::Lines { path, train } => {
                let path = data.join(path);
                let text = std::fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
                let valid = lines.split_off(train.min(lines.len()));
                Self {
                    train: lines,
                    valid,
                }
            }
        };
        ensure!(
            !corpus.train.is_empty() && !corpus.valid.is_empty(),
            "{source:?} has too few lines"
        );
        Ok(corpus)
    }

    /// Keeps one of equal lines, shuffles them, and takes the first tenth to
    /// measure with.
    fn holding_out_a_tenth(lines: Vec<String>) -> Self {
        let mut seen = HashSet::new();
        let mut lines: Vec<_> = lines
            .into_iter()
            .filter(|line| seen.insert(line.clone()))
            .collect();
        let mut random = SplitMix64::new(SHUFFLE);
        for i in (1..lines.len()).rev() {
            lines.swap(i, random.below(i + 1));
        }
        let train = lines.split_off(lines.len() / 10);
        Self {
            train,
            valid: lines,
        }
    }

    /// Writes the two files into a folder.
    pub fn write(&self, folder: &Path) -> anyhow::Result<Files> {
        let files = Files {
            train: folder.join("train.txt"),
            valid: folder.join("valid.txt"),
        };
        for (path, lines) in [(&files.train, &self.train), (&files.valid, &self.valid)] {
            let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
            std::fs::write(path, text)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(files)
    }
}

/// The lines of a table below the folder of data, as fastText wants them.
pub fn lines(data: &Path, table: Table) -> anyhow::Result<Vec<String>> {
    let path = data.join(table.path);
    let shown = path.display();
    let mut reader =
        csv::Reader::from_path(&path).with_context(|| format!("cannot read {shown}"))?;
    let headers = reader.headers()?.clone();
    let column = |name: &str| {
        let mut headers = headers.iter();
        let at = headers.position(|header| header == name);
        at.with_context(|| format!("{shown} has no column {name}"))
    };
    let (text, label) = (column(table.text)?, column(table.label)?);
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.with_context(|| shown.to_string())?;
        let cleaned = clean(&record[text]);
        if !cleaned.is_empty() {
            let label = record[label].split_whitespace().collect::<Vec<_>>();
            lines.push(format!("__label__{} {cleaned}", label.join("_")));
        }
    }
    Ok(lines)
}

/// The text in lower case, with what is neither letter nor digit set apart.
fn clean(text: &str) -> String {
    let mut apart = String::with_capacity(text.len() + 8);
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() || c.is_whitespace() {
            apart.push(c);
        } else {
            apart.extend([' ', c, ' ']);
        }
    }
    apart.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_is_set_apart() {
        assert_eq!(
            clean(" Éclair (bakery),\nretail-sale "),
            "éclair ( bakery ) , retail - sale"
        );
        assert_eq!(clean(" \t"), "");
    }

    #[test]
    fn a_tenth_is_held_out() {
        let line = |i: usize| format!("__label__{} text {i}", i % 7);
        let twice: Vec<_> = (0..100).chain(0..100).map(line).collect();
        let corpus = Corpus::holding_out_a_tenth(twice.clone());
        assert_eq!(corpus, Corpus::holding_out_a_tenth(twice));
        assert_eq!((corpus.train.len(), corpus.valid.len()), (90, 10));
        let mut all = [corpus.train, corpus.valid].concat();
        all.sort();
        let mut expected: Vec<_> = (0..100).map(line).collect();
        expected.sort();
        assert_eq!(all, expected);
    }
}
