//! Golden tests: declarations whose code a model must find.

use std::path::Path;

use codape_coder::{CodeOptions, Coder, Declaration, LineScratch, Scratch};
use codape_table::TableReader;

use crate::TrainerError;
use crate::declarations::Reading;

/// The most golden tests of a file: each is a line of the report and two
/// metrics.
const MOST_TESTS: usize = 1000;

/// A declaration whose code a model must find.
#[derive(Debug, Clone)]
pub(crate) struct GoldenTest {
    text: String,
    categorical: Vec<Option<String>>,
    code: String,
}

/// What a model makes of a golden test.
#[derive(Debug, Clone, PartialEq)]
pub struct GoldenResult {
    /// The description.
    pub text: String,
    /// The code that it has.
    pub expected: String,
    /// The code that was suggested first.
    pub suggested: Option<String>,
    /// The confidence index.
    pub confidence: f64,
}

impl GoldenTest {
    pub(crate) fn declaration(&self) -> Declaration<'_> {
        Declaration {
            text: &self.text,
            categorical: self.categorical.iter().map(Option::as_deref).collect(),
        }
    }
}

impl GoldenResult {
    /// Whether the code was found.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.suggested.as_ref() == Some(&self.expected)
    }
}

/// Reads the tests of a table with the columns of the recipe. Each must be
/// usable: what is wrong with one is said before the training, not after it.
pub(crate) fn read(path: &Path, reading: &Reading<'_>) -> Result<Vec<GoldenTest>, TrainerError> {
    let refuse = |row, reason: String| TrainerError::Golden {
        path: path.to_owned(),
        row,
        reason,
    };
    let columns = reading.recipe.column_names();
    let mut table = TableReader::open(path, &columns).map_err(TrainerError::Table)?;
    let mut tests = Vec::new();
    let mut scratch = LineScratch::default();
    while let Some(batch) = table.next_batch().map_err(TrainerError::Table)? {
        if let Some(row) = batch.refused().first() {
            return Err(refuse(row.number, row.problem.to_string()));
        }
        for row in batch.rows() {
            let refuse = |refusal: crate::Refusal| refuse(row.number(), refusal.to_string());
            let (declaration, entry) = reading.declaration(row).map_err(refuse)?;
            reading.line(&declaration, &mut scratch).map_err(refuse)?;
            let categorical = declaration.categorical.iter();
            tests.push(GoldenTest {
                text: declaration.text.to_owned(),
                categorical: categorical.map(|value| value.map(str::to_owned)).collect(),
                code: entry.code().to_owned(),
            });
        }
        if tests.len() > MOST_TESTS {
            break;
        }
    }
    if tests.is_empty() || tests.len() > MOST_TESTS {
        return Err(TrainerError::GoldenCount {
            path: path.to_owned(),
            found: tests.len(),
            most: MOST_TESTS,
        });
    }
    Ok(tests)
}

/// Runs the tests in order.
pub(crate) fn run(tests: &[GoldenTest], coder: &Coder) -> Result<Vec<GoldenResult>, TrainerError> {
    let options = CodeOptions::new(1).map_err(TrainerError::Code)?;
    let mut scratch = Scratch::default();
    let run_one = |test: &GoldenTest| {
        let coding = coder
            .code(&test.declaration(), options, &mut scratch)
            .map_err(TrainerError::Code)?;
        Ok(GoldenResult {
            text: test.text.clone(),
            expected: test.code.clone(),
            suggested: coding.best().map(|best| best.code.to_owned()),
            confidence: coding.confidence,
        })
    };
    tests.iter().map(run_one).collect()
}
