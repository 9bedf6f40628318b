//! The table, read once: what is refused, what is trained on, what is kept
//! aside.
//!
//! The side of a row follows from its line alone, hashed with the seed: not
//! from the order of the rows, nor from the number of threads. Equal lines
//! fall on the same side, so that nothing is evaluated that was learnt word
//! for word.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use codape_coder::{Declaration, LineScratch};
use codape_nomenclature::Entry;
use codape_table::{Batch, TableReader};
use rayon::prelude::*;

use crate::TrainerError;
use crate::declarations::{Reading, shown_text};
use crate::error::io_error;
use crate::hash::{hash, unit};
use crate::progress::{Observer, Stage, tell};
use crate::refusal::{Refusal, RefusalKind, RefusedFile};

/// What a table held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Data {
    /// All rows, header aside.
    pub rows: u64,
    /// The rows that are not trained on, by kind.
    pub refused_by_kind: BTreeMap<RefusalKind, u64>,
    /// The declarations to train on, by code.
    pub training_by_code: BTreeMap<String, u64>,
    /// The declarations kept aside.
    pub test: u64,
    /// The codes that have only their title to be learnt from.
    pub titles: u64,
    /// The codes whose examples are repeated.
    pub oversampled: u64,
    /// The examples that a model is trained on: declarations, titles and
    /// repetitions.
    pub examples: u64,
}

impl Data {
    /// The rows that are not trained on.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused_by_kind.values().sum()
    }

    /// The declarations to train on.
    #[must_use]
    pub fn training(&self) -> u64 {
        self.training_by_code.values().sum()
    }
}

/// Where the parts of the table go.
pub(crate) struct Parts {
    /// Labelled lines to train on.
    pub(crate) training: PathBuf,
    /// Declarations kept aside: code, text, categorical values.
    pub(crate) test: PathBuf,
    /// The refused rows.
    pub(crate) refused: PathBuf,
}

/// A row that is used.
struct Used<'r, 'n> {
    declaration: Declaration<'r>,
    entry: Entry<'n>,
    /// The line to learn; `None` where the row is kept aside.
    line: Option<String>,
}

/// Reads the table, and fills the parts.
pub(crate) fn prepare(
    (path, mut table): (&Path, TableReader),
    reading: &Reading<'_>,
    parts: &Parts,
    observer: &mut Observer<'_>,
) -> Result<Data, TrainerError> {
    let mut data = Data::default();
    let create = |path: &Path| File::create(path).map_err(io_error("write", path));
    let mut training = BufWriter::with_capacity(1 << 20, create(&parts.training)?);
    let mut test = csv::Writer::from_writer(create(&parts.test)?);
    let mut refused = RefusedFile::create(&parts.refused)?;
    let test_error = |error: csv::Error| io_error("write", &parts.test)(error.into());

    while let Some(batch) = table.next_batch().map_err(TrainerError::Table)? {
        let mut refusals: Vec<(u64, Refusal, &str)> = batch
            .refused()
            .iter()
            .map(|row| {
                let refusal = Refusal::Unreadable(row.problem.clone());
                (row.number, refusal, &*row.excerpt)
            })
            .collect();
        for (row, used) in batch.rows().zip(used_rows(&batch, reading)) {
            match used {
                Err(refusal) => refusals.push((row.number(), refusal, shown_text(row))),
                Ok(used) => {
                    let code = used.entry.code();
                    if let Some(line) = used.line {
                        *count_of(&mut data.training_by_code, code) += 1;
                        let label = &reading.recipe.label_prefix;
                        writeln!(training, "{label}{code} {line}")
                            .map_err(io_error("write", &parts.training))?;
                    } else {
                        data.test += 1;
                        let Declaration { text, categorical } = used.declaration;
                        let values = categorical.iter().map(|value| value.unwrap_or_default());
                        test.write_record([code, text].into_iter().chain(values))
                            .map_err(test_error)?;
                    }
                }
            }
        }
        data.rows += (batch.len() + batch.refused().len()) as u64;
        refusals.sort_by_key(|(number, ..)| *number);
        for (number, refusal, text) in refusals {
            *data.refused_by_kind.entry(refusal.kind()).or_default() += 1;
            refused.add(number, &refusal, text)?;
        }
        tell(observer, Stage::Reading, table.done(), data.rows)?;
    }
    training
        .flush()
        .map_err(io_error("write", &parts.training))?;
    test.flush().map_err(io_error("write", &parts.test))?;
    refused.finish()?;
    check(path, &data, reading.recipe.test_share)?;
    Ok(data)
}

/// The rows of a batch, cleaned on all threads, in their order.
fn used_rows<'b, 'n>(
    batch: &'b Batch,
    reading: &Reading<'n>,
) -> Vec<Result<Used<'b, 'n>, Refusal>> {
    let recipe = reading.recipe;
    (0..batch.len())
        .into_par_iter()
        .map_init(LineScratch::default, |scratch, index| {
            let row = batch.row(index).expect("the batch has this row");
            let (declaration, entry) = reading.declaration(row)?;
            let line = reading.line(&declaration, scratch)?;
            let is_test = unit(hash(recipe.seed, line.as_bytes())) < recipe.test_share;
            let line = (!is_test).then(|| line.to_owned());
            Ok(Used {
                declaration,
                entry,
                line,
            })
        })
        .collect()
}

/// The count of a code, which is only copied when it is new.
fn count_of<'c>(counts: &'c mut BTreeMap<String, u64>, code: &str) -> &'c mut u64 {
    if !counts.contains_key(code) {
        counts.insert(code.to_owned(), 0);
    }
    counts.get_mut(code).expect("the code was inserted")
}

/// Refuses a table from which no model can be made.
fn check(path: &Path, data: &Data, share: f64) -> Result<(), TrainerError> {
    let path = path.to_owned();
    if data.rows == 0 {
        return Err(TrainerError::NoRows { path });
    }
    let rows = data.rows - data.refused();
    if rows == 0 {
        let (reason, &count) = data
            .refused_by_kind
            .iter()
            .max_by_key(|(_, count)| **count)
            .expect("all rows were refused for some reason");
        return Err(TrainerError::NoUsableRow {
            path,
            rows: data.rows,
            reason: reason.to_string(),
            count,
        });
    }
    let mut codes = data.training_by_code.iter();
    match (codes.next(), codes.next()) {
        (None, _) => return Err(TrainerError::NoTrainingRow { rows, share }),
        (Some((code, &examples)), None) => {
            return Err(TrainerError::OneCode {
                code: code.clone(),
                examples,
            });
        }
        _ => {}
    }
    if data.test == 0 && share > 0.0 {
        return Err(TrainerError::NoTestRow { rows, share });
    }
    Ok(())
}
