//! What can be wrong with a table of codes, and on which line.

use std::io;
use std::path::PathBuf;

/// Why a table was refused. Lines count from 1, the header's; codes are as the table writes them, cut at
/// [`MAX_CODE_BYTES`](crate::MAX_CODE_BYTES).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file's table was refused, or the file could not be read.
    #[error("cannot use the nomenclature {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<Error>,
    },
    /// The bytes could not be read.
    #[error("cannot read the table")]
    Read(#[source] io::Error),
    /// The table is longer than it may be.
    #[error("the table has more than {limit_bytes} bytes")]
    TooLarge {
        /// [`MAX_TABLE_BYTES`](crate::MAX_TABLE_BYTES).
        limit_bytes: u64,
    },
    /// The table has more rows than it may have.
    #[error("the table has more than {limit} rows")]
    TooManyRows {
        /// [`MAX_ROWS`](crate::MAX_ROWS).
        limit: usize,
    },
    /// Not CSV in UTF-8, or a row with more or fewer cells than the header.
    #[error("the table is not plain CSV")]
    Csv(#[source] csv::Error),
    /// The header lacks a column.
    #[error("the header has no column `{column}`")]
    MissingColumn {
        /// The column that is looked for.
        column: &'static str,
    },
    /// The header names a column twice.
    #[error("the header has the column `{column}` twice")]
    RepeatedColumn {
        /// The column that stands twice.
        column: &'static str,
    },
    /// There is a header and nothing under it.
    #[error("the table has no rows")]
    Empty,
    /// A code is empty, too long, or holds blanks or control characters, or no letter and no digit.
    #[error("line {line}: `{code}` cannot be a code")]
    BadCode {
        /// Line of the row.
        line: u64,
        /// The code, or the display code.
        code: String,
    },
    /// A row has no title.
    #[error("line {line}: `{code}` has no title")]
    EmptyTitle {
        /// Line of the row.
        line: u64,
        /// The row's code.
        code: String,
    },
    /// Two rows would answer to the same code, whatever the case of its letters.
    #[error("line {line}: `{code}` stands on line {first_line} already")]
    DuplicateCode {
        /// Line of the second row.
        line: u64,
        /// The code, or the display code.
        code: String,
        /// Line of the first row.
        first_line: u64,
    },
    /// A row's parent is not in the table.
    #[error("line {line}: `{code}` has the parent `{parent}`, which is not in the table")]
    UnknownParent {
        /// Line of the row.
        line: u64,
        /// The row's code.
        code: String,
        /// The parent as the row writes it.
        parent: String,
    },
    /// A row's level is not the one that its depth in the tree has.
    #[error("line {line}: `{code}` is a `{found}` where a `{expected}` is expected")]
    WrongLevel {
        /// Line of the row.
        line: u64,
        /// The row's code.
        code: String,
        /// The level of the other rows at this depth.
        expected: String,
        /// The row's level.
        found: String,
    },
    /// A row's level is empty, or is the level of rows higher in the tree.
    #[error("line {line}: `{code}` cannot have the level `{level}`")]
    BadLevel {
        /// Line of the row.
        line: u64,
        /// The row's code.
        code: String,
        /// The row's level.
        level: String,
    },
    /// The tree is deeper than it may be.
    #[error("line {line}: `{code}` is deeper than {limit} levels")]
    TooManyLevels {
        /// Line of the row.
        line: u64,
        /// The row's code.
        code: String,
        /// [`MAX_LEVELS`](crate::MAX_LEVELS).
        limit: usize,
    },
    /// A row is its own ancestor.
    #[error("line {line}: `{code}` is among its own ancestors")]
    Cycle {
        /// Line of the row.
        line: u64,
        /// The row's code.
        code: String,
    },
}
