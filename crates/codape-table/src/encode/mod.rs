//! Rows as bytes of a CSV, JSON-lines or Parquet file.

mod cells;
mod csv;
mod json;
mod parquet;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::EncodeError;

pub use parquet::assemble_parquet;

/// A kind of table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Values with something between them, a line a row, a header.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// The kind that a file's name tells, by its extension.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "jsonl" | "ndjson" | "json" => Some(Self::JsonLines),
            "parquet" | "pq" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// The extension of a file of this kind.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            Self::Parquet => "parquet",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Csv => "CSV",
            Self::JsonLines => "JSON lines",
            Self::Parquet => "Parquet",
        })
    }
}

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::JsonLines),
            "parquet" => Ok(Self::Parquet),
            _ => Err("expected csv, jsonl or parquet"),
        }
    }
}

/// What becomes of cells of a CSV file that a spreadsheet would run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cells {
    /// They are written as they are.
    #[default]
    AsTheyAre,
    /// A text that begins with `=`, `+`, `-`, `@`, a tab or a line's end, and is
    /// no number, gets a `'` before it.
    Safe,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeOptions {
    /// The kind of the file.
    pub format: Format,
    /// What parts the values of a CSV file.
    pub delimiter: u8,
    /// What becomes of formulas in a CSV file.
    pub cells: Cells,
}

/// Turns rows into the bytes of a file, piece by piece.
///
/// The bytes of CSV and JSON lines are the file's own. Those of Parquet are
/// parts, one a call of [`Encoder::end_part`], each a file of one row group;
/// [`assemble_parquet`] makes one file of them.
#[derive(Debug)]
pub struct Encoder {
    schema: SchemaRef,
    options: EncodeOptions,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Csv(csv::CsvWriter),
    JsonLines,
    Parquet(Box<parquet::PartWriter>),
}

impl Encoder {
    /// An encoder of rows with these columns.
    #[must_use]
    pub fn new(schema: SchemaRef, options: EncodeOptions) -> Self {
        let kind = match options.format {
            Format::Csv => Kind::Csv(csv::CsvWriter::new(options.delimiter, options.cells)),
            Format::JsonLines => Kind::JsonLines,
            Format::Parquet => Kind::Parquet(Box::new(parquet::PartWriter::new(&schema))),
        };
        Self {
            schema,
            options,
            kind,
        }
    }

    /// The kind of the file.
    #[must_use]
    pub fn format(&self) -> Format {
        self.options.format
    }

    /// Appends what precedes all rows: a CSV file's header.
    pub fn head(&self, bytes: &mut Vec<u8>) {
        if let Kind::Csv(csv) = &self.kind {
            csv.head(&self.schema, bytes);
        }
    }

    /// Appends rows to `bytes`; those of Parquet are kept until the part ends.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn rows(&mut self, rows: &RecordBatch, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        match &mut self.kind {
            Kind::Csv(csv) => csv.rows(rows, bytes),
            Kind::JsonLines => json::rows(rows, bytes),
            Kind::Parquet(part) => part.rows(rows),
        }
    }

    /// Appends the part of a Parquet file whose rows are kept, even if these are
    /// none; nothing for the other kinds.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Parquet`].
    pub fn end_part(&mut self, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        match &mut self.kind {
            Kind::Parquet(part) => part.end(bytes),
            Kind::Csv(_) | Kind::JsonLines => Ok(()),
        }
    }
}
