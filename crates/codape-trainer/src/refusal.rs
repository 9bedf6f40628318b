//! Rows that are not used, and the list of them.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use codape_table::RowProblem;

use crate::TrainerError;
use crate::cells::harmless;
use crate::error::io_error;

/// Why a row is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The file is wrong there.
    Unreadable(RowProblem),
    /// There is no text.
    MissingText,
    /// There is no code.
    MissingCode,
    /// The nomenclature does not know the code.
    UnknownCode(String),
    /// Cleaning leaves nothing of the text.
    EmptyText,
    /// A categorical value would not be one word of the line.
    FeatureValue(String),
    /// A word of the line would be taken for a label.
    LabelInText,
}

/// The kinds of [`Refusal`], to count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// [`Refusal::Unreadable`].
    Unreadable,
    /// [`Refusal::MissingText`].
    MissingText,
    /// [`Refusal::MissingCode`].
    MissingCode,
    /// [`Refusal::UnknownCode`].
    UnknownCode,
    /// [`Refusal::EmptyText`].
    EmptyText,
    /// [`Refusal::FeatureValue`].
    FeatureValue,
    /// [`Refusal::LabelInText`].
    LabelInText,
}

impl fmt::Display for RefusalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "the row cannot be read",
            Self::MissingText => "the text is missing",
            Self::MissingCode => "the code is missing",
            Self::UnknownCode => "the nomenclature does not know the code",
            Self::EmptyText => "cleaning leaves nothing of the text",
            Self::FeatureValue => "a categorical value is not one word",
            Self::LabelInText => "a word of the text starts as labels do",
        })
    }
}

impl Refusal {
    /// The kind of refusal.
    #[must_use]
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::Unreadable(_) => RefusalKind::Unreadable,
            Self::MissingText => RefusalKind::MissingText,
            Self::MissingCode => RefusalKind::MissingCode,
            Self::UnknownCode(_) => RefusalKind::UnknownCode,
            Self::EmptyText => RefusalKind::EmptyText,
            Self::FeatureValue(_) => RefusalKind::FeatureValue,
            Self::LabelInText => RefusalKind::LabelInText,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(problem) => problem.fmt(f),
            Self::UnknownCode(code) => write!(f, "{}: {code:?}", self.kind()),
            Self::FeatureValue(problem) => f.write_str(problem),
            _ => self.kind().fmt(f),
        }
    }
}

/// The file of refused rows: `row`, `reason`, `text`.
pub(crate) struct RefusedFile {
    path: PathBuf,
    file: csv::Writer<File>,
}

impl RefusedFile {
    pub(crate) fn create(path: &Path) -> Result<Self, TrainerError> {
        let file = File::create(path).map_err(io_error("write", path))?;
        let mut refused = Self {
            path: path.to_owned(),
            file: csv::Writer::from_writer(file),
        };
        refused.write(["row", "reason", "text"])?;
        Ok(refused)
    }

    pub(crate) fn add(
        &mut self,
        row: u64,
        refusal: &Refusal,
        text: &str,
    ) -> Result<(), TrainerError> {
        let reason = refusal.to_string();
        self.write([&row.to_string(), &harmless(&reason), &harmless(text)])
    }

    pub(crate) fn finish(mut self) -> Result<(), TrainerError> {
        self.file.flush().map_err(io_error("write", &self.path))
    }

    fn write(&mut self, cells: [&str; 3]) -> Result<(), TrainerError> {
        self.file
            .write_record(cells)
            .map_err(|error| io_error("write", &self.path)(error.into()))
    }
}
