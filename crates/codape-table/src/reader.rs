//! One reader for all kinds of tables.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::columns::Wanted;
use crate::csv::CsvReader;
use crate::parquet::ParquetReader;
use crate::{Batch, TableError};

/// The bytes of a file's start that its kind is told by.
pub(crate) const HEAD_BYTES: usize = 8192;

/// What parts the values of a CSV file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delimiter {
    /// Whichever of `,`, `;`, tab and `|` the header speaks for.
    #[default]
    Guessed,
    /// This byte.
    Given(u8),
}

/// Reads a table from its first row to its last.
#[derive(Debug)]
pub struct TableReader {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Csv(Box<CsvReader>),
    Parquet(Box<ParquetReader>),
}

impl TableReader {
    /// Opens a table and finds the columns that are asked for; the values of a
    /// row are in their order. The first bytes of the file tell Parquet from
    /// CSV, not its name.
    ///
    /// A CSV file is UTF-8, with a header, values in double quotes where need
    /// be, with or without a byte-order mark. What parts its values is guessed.
    ///
    /// # Errors
    ///
    /// [`TableError`], which names the file and what to do.
    pub fn open(path: &Path, columns: &[String]) -> Result<Self, TableError> {
        Self::open_with(path, columns, Delimiter::Guessed)
    }

    /// [`open`](Self::open) with what parts the values of a CSV file.
    ///
    /// # Errors
    ///
    /// [`TableError`], which names the file and what to do.
    pub fn open_with(
        path: &Path,
        columns: &[String],
        delimiter: Delimiter,
    ) -> Result<Self, TableError> {
        let io_error = |source| TableError::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(io_error)?;
        let mut head = Vec::new();
        (&file)
            .take(HEAD_BYTES as u64)
            .read_to_end(&mut head)
            .map_err(io_error)?;
        let kind = if head.starts_with(b"PAR1") {
            Kind::Parquet(Box::new(ParquetReader::new(path, file, columns)?))
        } else if let Some(looks) = looks_like(&head) {
            return Err(TableError::NotATable {
                path: path.to_owned(),
                looks,
            });
        } else {
            let total_bytes = file.metadata().map_err(io_error)?.len();
            let source = Box::new(std::io::Cursor::new(head).chain(file));
            Kind::Csv(Box::new(CsvReader::new(
                source,
                (PathBuf::from(path), total_bytes),
                Wanted::These(columns),
                delimiter,
            )?))
        };
        Ok(Self { kind })
    }

    /// The next rows; `None` after the last. A batch may have no usable row.
    ///
    /// # Errors
    ///
    /// [`TableError`] where reading cannot go on. Nothing more is to be had
    /// from the reader then.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, TableError> {
        match &mut self.kind {
            Kind::Csv(csv) => csv.next_batch(),
            Kind::Parquet(parquet) => parquet.next_batch(),
        }
    }

    /// How much of the table was read, from 0 to 1.
    #[must_use]
    pub fn done(&self) -> f64 {
        match &self.kind {
            Kind::Csv(csv) => csv.done(),
            Kind::Parquet(parquet) => parquet.done(),
        }
    }
}

/// What a file looks like whose rows cannot be read as UTF-8 text.
pub(crate) fn looks_like(head: &[u8]) -> Option<&'static str> {
    match head {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16: save it as UTF-8"),
        [b'P', b'K', 3, 4, ..] => {
            Some("a spreadsheet or a zip archive: save it as CSV, or unpack it")
        }
        [0x1f, 0x8b, ..] => Some("a gzip archive: unpack it first"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("a Zstandard archive: unpack it first"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Some("an old spreadsheet: save it as CSV"),
        // UTF-16 without a mark has a zero in each ASCII character; a few of them
        // are characters of a text.
        _ if 4 * memchr::memchr_iter(0, head).count() > head.len() => {
            Some("not text, or UTF-16: expected Parquet, or CSV in UTF-8")
        }
        _ => None,
    }
}
