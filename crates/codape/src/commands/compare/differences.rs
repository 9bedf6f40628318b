//! The file of declarations for which the first codes differ.

use std::path::Path;

use anyhow::{Context, anyhow};
use codape_coder::Coding;
use codape_trainer::cells::harmless;

use super::columns::Labelled;
use crate::output::Aside;

/// The columns of the file. `row` is the line of a CSV file where the
/// declaration starts, or its row in a Parquet file; `ic` is the confidence
/// index, 0 to 1.
const HEADER: [&str; 7] = ["row", "text", "code", "a_code", "a_ic", "b_code", "b_ic"];

/// A CSV file that appears once it is whole.
#[derive(Debug)]
pub struct Differences(csv::Writer<Aside>);

impl Differences {
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let mut file = Self(csv::Writer::from_writer(Aside::create(path)?));
        file.write(HEADER.map(str::to_owned))?;
        Ok(file)
    }

    /// Adds a declaration, with what A and B answer.
    pub fn add(&mut self, row: &Labelled<'_>, codings: [&Coding<'_>; 2]) -> anyhow::Result<()> {
        let [a, b] = codings.map(|coding| {
            let code = harmless(coding.first_code().unwrap_or_default());
            (code, format!("{:.4}", coding.confidence))
        });
        self.write([
            row.number.to_string(),
            harmless(row.text),
            harmless(row.gold.unwrap_or_default()),
            a.0,
            a.1,
            b.0,
            b.1,
        ])
    }

    /// Gives the file its name.
    pub fn finish(self) -> anyhow::Result<()> {
        let aside = self
            .0
            .into_inner()
            .map_err(|error| anyhow!(error.into_error()))
            .context("cannot write the declarations that differ")?;
        aside.finish()
    }

    fn write(&mut self, cells: [String; HEADER.len()]) -> anyhow::Result<()> {
        self.0
            .write_record(&cells)
            .context("cannot write the declarations that differ")
    }
}
