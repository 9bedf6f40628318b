//! Rows with all their columns, out of tables of every kind.

mod csv;
mod json_lines;
mod parquet;
mod text;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::encode::Format;
use crate::encoding::{Encoding, Latin1Reader};
use crate::reader::{HEAD_BYTES, looks_like};
use crate::{Delimiter, RefusedRow, TableError};

pub use text::{column_as_text, nearest_name};
pub(crate) use text::{is_json, unquoted};

/// The key of a field's metadata that marks values which are JSON.
pub(crate) const JSON_KEY: &str = "codape:json";

/// Some rows of a table with all its columns, and the rows that could not be
/// read among them.
#[derive(Debug)]
pub struct Rows {
    /// For each row, its line in a CSV or JSON-lines file, the first being 1; its
    /// number in a Parquet file, from 1.
    pub numbers: Vec<u64>,
    /// The values. A missing one is null; so is an empty one of a CSV file.
    pub columns: RecordBatch,
    /// The rows that are not among `columns`, in the table's order.
    pub refused: Vec<RefusedRow>,
}

/// Where a table is read from.
pub enum RowInput {
    /// A file, from its beginning.
    File(File),
    /// Bytes that come once; never those of a Parquet file, which is read from
    /// its end.
    Stream(Box<dyn Read + Send>),
}

/// How a table is read.
#[derive(Clone, Debug, Default)]
pub struct RowSettings {
    /// What parts the values of a CSV file.
    pub delimiter: Delimiter,
    /// The encoding of a CSV or JSON-lines file.
    pub encoding: Encoding,
    /// Names of columns that should be there: they help to tell the delimiter.
    pub hints: Vec<String>,
    /// The columns of JSON lines, where they are known; else the fields of the
    /// first lines, up to a batch, in the order in which they appear.
    pub fields: Option<Vec<String>>,
}

/// Reads a table with all its columns, in batches.
#[derive(Debug)]
pub struct RowReader {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Csv(csv::CsvRows),
    JsonLines(Box<json_lines::JsonRows>),
    Parquet(Box<parquet::ParquetRows>),
}

impl RowReader {
    /// Opens a table; `name` is what errors call it. Its first bytes tell of
    /// which kind it is: `PAR1` Parquet, `{` JSON lines, else CSV.
    ///
    /// # Errors
    ///
    /// [`TableError`], which names the table and what to do.
    pub fn open(name: &Path, input: RowInput, settings: &RowSettings) -> Result<Self, TableError> {
        let io_error = |source| TableError::Io {
            path: name.to_owned(),
            source,
        };
        let total_bytes = match &input {
            RowInput::File(file) => file.metadata().map_err(io_error)?.len(),
            RowInput::Stream(_) => 0,
        };
        let mut head = Vec::new();
        let (mut rest, file): (Box<dyn Read + Send>, _) = match input {
            RowInput::File(file) => {
                let same = file.try_clone().map_err(io_error)?;
                (Box::new(file), Some(same))
            }
            RowInput::Stream(stream) => (stream, None),
        };
        (&mut rest)
            .take(HEAD_BYTES as u64)
            .read_to_end(&mut head)
            .map_err(io_error)?;
        if head.starts_with(b"PAR1") {
            let Some(file) = file else {
                return Err(TableError::NotATable {
                    path: name.to_owned(),
                    looks: "Parquet, which is read from a file alone",
                });
            };
            let rows = parquet::ParquetRows::new(name, file)?;
            return Ok(Self {
                kind: Kind::Parquet(Box::new(rows)),
            });
        }
        if let Some(looks) = looks_like(&head) {
            return Err(TableError::NotATable {
                path: name.to_owned(),
                looks,
            });
        }
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
        let first = text
            .iter()
            .find(|byte| !byte.is_ascii_whitespace())
            .copied();
        let whole = std::io::Cursor::new(head).chain(rest);
        let source: Box<dyn Read + Send> = match settings.encoding {
            Encoding::Utf8 => Box::new(whole),
            Encoding::Latin1 => Box::new(Latin1Reader::new(whole)),
        };
        let named = (PathBuf::from(name), total_bytes);
        let kind = match first {
            Some(b'{') => {
                let rows = json_lines::JsonRows::new(source, named, settings.fields.clone())?;
                Kind::JsonLines(Box::new(rows))
            }
            Some(b'[') => {
                return Err(TableError::NotATable {
                    path: name.to_owned(),
                    looks: "a JSON array, or a CSV file whose header begins with [: \
                            write one object a line",
                });
            }
            _ => Kind::Csv(csv::CsvRows::new(source, named, settings)?),
        };
        Ok(Self { kind })
    }

    /// The columns of all batches.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        match &self.kind {
            Kind::Csv(csv) => csv.schema(),
            Kind::JsonLines(json) => json.schema(),
            Kind::Parquet(parquet) => parquet.schema(),
        }
    }

    /// The kind of the table.
    #[must_use]
    pub fn format(&self) -> Format {
        match &self.kind {
            Kind::Csv(_) => Format::Csv,
            Kind::JsonLines(_) => Format::JsonLines,
            Kind::Parquet(_) => Format::Parquet,
        }
    }

    /// What parts the values of a CSV file.
    #[must_use]
    pub fn delimiter(&self) -> Option<u8> {
        match &self.kind {
            Kind::Csv(csv) => Some(csv.delimiter()),
            Kind::JsonLines(_) | Kind::Parquet(_) => None,
        }
    }

    /// The next rows; `None` after the last. Where one batch ends and the next
    /// begins depends on the table alone.
    ///
    /// # Errors
    ///
    /// [`TableError`] where reading cannot go on. Nothing more is to be had
    /// from the reader then.
    pub fn next_rows(&mut self) -> Result<Option<Rows>, TableError> {
        match &mut self.kind {
            Kind::Csv(csv) => csv.next_rows(),
            Kind::JsonLines(json) => json.next_rows(),
            Kind::Parquet(parquet) => parquet.next_rows(),
        }
    }

    /// How much of the table was read, from 0 to 1; 1 throughout for a stream.
    #[must_use]
    pub fn done(&self) -> f64 {
        match &self.kind {
            Kind::Csv(csv) => csv.done(),
            Kind::JsonLines(json) => json.done(),
            Kind::Parquet(parquet) => parquet.done(),
        }
    }
}
