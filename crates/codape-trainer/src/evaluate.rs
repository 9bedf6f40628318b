//! The new coder, asked about the declarations that were kept aside.

use std::fs::File;
use std::path::Path;

use codape_coder::{CodeOptions, Coder, Declaration, Evaluation};

use crate::TrainerError;
use crate::error::io_error;
use crate::progress::{Observer, Stage, tell};

/// Declarations that are coded together.
const BATCH: usize = 4096;

/// Codes the `rows` declarations in `test`, as `prepare` writes them.
pub(crate) fn evaluate<'c>(
    coder: &'c Coder,
    (test, rows): (&Path, u64),
    observer: &mut Observer<'_>,
) -> Result<Evaluation<'c>, TrainerError> {
    let options = CodeOptions::new(codape_coder::RANKS).map_err(TrainerError::Code)?;
    let mut evaluation = Evaluation::new(coder.nomenclature());
    let file = File::open(test).map_err(io_error("read", test))?;
    let mut table = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(file);
    let mut records = table.records();
    loop {
        let batch: Result<Vec<_>, _> = records.by_ref().take(BATCH).collect();
        let batch = batch.map_err(|error| io_error("read", test)(error.into()))?;
        if batch.is_empty() {
            return Ok(evaluation);
        }
        let declarations: Vec<_> = batch
            .iter()
            .map(|record| Declaration {
                text: &record[1],
                categorical: record
                    .iter()
                    .skip(2)
                    .map(|value| (!value.is_empty()).then_some(value))
                    .collect(),
            })
            .collect();
        let answers = coder.code_batch(&declarations, options);
        for (record, coding) in batch.iter().zip(answers) {
            evaluation.add(&record[0], &coding.map_err(TrainerError::Code)?);
        }
        let done = evaluation.declarations();
        tell(
            observer,
            Stage::Evaluating,
            done as f64 / rows.max(1) as f64,
            done,
        )?;
    }
}
