//! Tables of any length, CSV, JSON lines and Parquet, read and written.
//!
//! A table is read in batches and never held whole. A [`TableReader`] gives the
//! columns that are asked for, every value as text or as missing; a
//! [`RowReader`] gives all columns as they are, for tables that are passed on
//! with more columns, which an [`Encoder`] writes. A row that cannot be
//! used is refused with its number and its reason, and reading goes on behind
//! it: one bad line must not cost a night's work.
//!
//! It knows files and columns. It must not know models, cleaning,
//! nomenclatures or what a column means.
//!
//! ```no_run
//! use codape_table::TableReader;
//!
//! let columns = ["libelle".to_owned(), "code".to_owned()];
//! let mut table = TableReader::open("declarations.parquet".as_ref(), &columns)?;
//! while let Some(batch) = table.next_batch()? {
//!     for row in batch.rows() {
//!         println!("{}: {:?} {:?}", row.number(), row.get(0), row.get(1));
//!     }
//!     for refused in batch.refused() {
//!         println!("{}: {}", refused.number, refused.problem);
//!     }
//! }
//! # Ok::<(), codape_table::TableError>(())
//! ```

mod batch;
mod columns;
mod csv;
mod encode;
mod encoding;
mod error;
mod parquet;
mod reader;
mod rows;

pub use batch::{Batch, RefusedRow, Row, RowProblem};
pub use encode::{Cells, EncodeOptions, Encoder, Format, assemble_parquet};
pub use encoding::Encoding;
pub use error::{EncodeError, TableError};
pub use reader::{Delimiter, TableReader};
pub use rows::{RowInput, RowReader, RowSettings, Rows, column_as_text, nearest_name};

/// The most bytes of one row of a CSV file. A quote that is never closed
/// would take the rest of the file for one row.
pub const MAX_ROW_BYTES: usize = 1 << 20;

/// The most rows of a batch.
pub const ROWS_PER_BATCH: usize = 8192;
