//! Why a table cannot be read.

use std::io;
use std::path::PathBuf;

use crate::MAX_ROW_BYTES;

/// Why a table cannot be read. What is wrong with one row only is a
/// [`RowProblem`](crate::RowProblem).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The system refused the file.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file has not even a header.
    #[error("{} is empty, expected a header and rows", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else than a table of UTF-8 text or a Parquet file.
    #[error("{} is {looks}", path.display())]
    NotATable {
        /// The file.
        path: PathBuf,
        /// What it looks like, and what to do about it.
        looks: &'static str,
    },
    /// The header of a CSV file cannot be used.
    #[error("the header of {} is {problem}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A column that was asked for does not exist.
    #[error(
        "{} has no column {column:?}{}; it has {}",
        path.display(),
        nearest.as_ref().map(|name| format!(", did you mean {name:?}?")).unwrap_or_default(),
        quoted(columns)
    )]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        column: String,
        /// The name that is most like it, if one is.
        nearest: Option<String>,
        /// The columns that exist.
        columns: Vec<String>,
    },
    /// A column that was asked for exists twice.
    #[error("{} has two columns {column:?}: rename one", path.display())]
    RepeatedColumn {
        /// The file.
        path: PathBuf,
        /// The name.
        column: String,
    },
    /// A column of a Parquet file holds no values that could be text.
    #[error("the column {column:?} of {} is of type {found}, expected text, numbers, dates or booleans", path.display())]
    ColumnType {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Its type.
        found: String,
    },
    /// A column of a Parquet file is compressed in a way that is not read.
    #[error(
        "the column {column:?} of {} is compressed with {found}: \
         write the file again with snappy, zstd, gzip, lz4_raw or no compression",
        path.display()
    )]
    Compression {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The method.
        found: String,
    },
    /// So many rows are too long that reading on is of no use.
    #[error(
        "{count} rows of {} are longer than {MAX_ROW_BYTES} bytes, the last at line {line}: \
         its quotes are not those of a CSV file",
        path.display()
    )]
    TooManyLongRows {
        /// The file.
        path: PathBuf,
        /// The rows that are too long.
        count: usize,
        /// Where the last of them starts.
        line: u64,
    },
    /// The Parquet file is damaged, or uses what this version does not know.
    #[error("cannot read {} as Parquet", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        source: parquet::errors::ParquetError,
    },
    /// The Parquet file is damaged in a way that stops its parser.
    #[error("{} is not a sound Parquet file: its parser gave up", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// Why rows cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A column's values have no form in the output.
    #[error("the column {column:?} of type {found} cannot be written")]
    Column {
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// What the formatter said.
        source: arrow_schema::ArrowError,
    },
    /// The Parquet writer refuses the rows.
    #[error("cannot write Parquet")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// The system refused a file.
    #[error("cannot write")]
    Io(#[from] io::Error),
}

fn quoted(names: &[String]) -> String {
    /// A file of thousands of columns is named by its first.
    const SHOWN: usize = 40;
    let mut list: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|name| format!("{name:?}"))
        .collect();
    if names.len() > SHOWN {
        list.push(format!("and {} more", names.len() - SHOWN));
    }
    list.join(", ")
}
