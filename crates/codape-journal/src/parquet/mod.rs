//! Parquet files of records: their columns, and reading and writing them.

mod columns;
mod file;
mod rows;

pub use columns::{COLUMNS, Column, schema};
pub(crate) use file::{About, Draft, Source};
pub use file::{ParquetProblem, read_entries};
pub(crate) use rows::{Rows, entries};
