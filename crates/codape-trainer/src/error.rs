//! Why no package was made.

use std::io;
use std::path::PathBuf;

use codape_coder::{CodeError, DraftError, PackageError};
use codape_fasttext::{LoadError, QuantizeError, SaveError, TrainError};
use codape_nomenclature::Error as NomenclatureError;
use codape_table::TableError;
use codape_text::ProfileError;

/// Why no package was made. Nothing is left of it then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainerError {
    /// The system refused a file.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A setting is out of its range.
    #[error("{option} is {found}, expected {expected}")]
    Option {
        /// The setting.
        option: &'static str,
        /// What it is.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The package cannot be written.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// The table cannot be read.
    #[error("cannot read the declarations")]
    Table(#[source] TableError),
    /// The cleaning profile is wrong.
    #[error("the cleaning profile is refused")]
    Profile(#[source] ProfileError),
    /// The nomenclature is wrong.
    #[error("the nomenclature is refused")]
    Nomenclature(#[source] NomenclatureError),
    /// The table has a header and nothing more.
    #[error("{} has no rows: training needs declarations with their codes", path.display())]
    NoRows {
        /// The table.
        path: PathBuf,
    },
    /// Every row was refused.
    #[error(
        "none of the {rows} rows of {} can be used; the most frequent reason, {count} times: {reason}",
        path.display()
    )]
    NoUsableRow {
        /// The table.
        path: PathBuf,
        /// Its rows.
        rows: u64,
        /// The most frequent reason.
        reason: String,
        /// How often.
        count: u64,
    },
    /// All examples have the same code.
    #[error(
        "all {examples} examples to train on have the code {code}: a model needs two codes at least"
    )]
    OneCode {
        /// The code.
        code: String,
        /// The examples.
        examples: u64,
    },
    /// No row is left to train on.
    #[error(
        "all {rows} usable rows fell to the test part: lower its share, {share} now, or give more rows"
    )]
    NoTrainingRow {
        /// The usable rows.
        rows: u64,
        /// The share of test rows.
        share: f64,
    },
    /// No row fell to the test part.
    #[error(
        "none of the {rows} usable rows fell to the test part: raise its share, {share} now, \
         or set it to 0 to go without an evaluation"
    )]
    NoTestRow {
        /// The usable rows.
        rows: u64,
        /// The share of test rows.
        share: f64,
    },
    /// The answers to the golden tests cannot be written down.
    #[error("the answers to the golden tests cannot be written down")]
    Answers(#[source] codape_coder::GoldenError),
    /// A golden test cannot be run.
    #[error("row {row} of the golden tests in {} cannot be used: {reason}", path.display())]
    Golden {
        /// The file of golden tests.
        path: PathBuf,
        /// The row.
        row: u64,
        /// Why not.
        reason: String,
    },
    /// There are no golden tests, or too many.
    #[error("{} has {found} golden tests, expected 1 to {most}", path.display())]
    GoldenCount {
        /// The file of golden tests.
        path: PathBuf,
        /// What it has, or more.
        found: usize,
        /// The most that are run.
        most: usize,
    },
    /// The training failed.
    #[error("the training failed")]
    Train(#[source] TrainError),
    /// The model could not be made smaller.
    #[error("the model cannot be quantized")]
    Quantize(#[source] QuantizeError),
    /// The model could not be written.
    #[error("the model cannot be written")]
    Save(#[source] SaveError),
    /// The model that was just written does not open.
    #[error("the new model does not open")]
    Load(#[source] LoadError),
    /// The package that was just written does not open.
    #[error("the new package does not open")]
    Package(#[source] PackageError),
    /// The new coder does not answer.
    #[error("the new coder does not answer")]
    Code(#[source] CodeError),
    /// The observer asked to stop.
    #[error("stopped; nothing was written")]
    Stopped,
}

/// Says what was done to which file when the system refused it.
pub(crate) fn io_error(
    action: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> TrainerError {
    let path = path.into();
    move |source| TrainerError::Io {
        action,
        path,
        source,
    }
}
