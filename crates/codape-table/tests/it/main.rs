//! Tables on disk, read back.

#![allow(clippy::unwrap_used, reason = "all of a test is test code")]

mod csv;
mod parquet;
mod rows;

use std::io::Write;

use codape_table::{Delimiter, TableError, TableReader};
use tempfile::NamedTempFile;

/// A row as tests compare it: its number and values.
type Row = (u64, Vec<Option<String>>);

/// All rows of a table, and those that were refused with the reason.
type Rows = (Vec<Row>, Vec<(u64, String)>);

/// A file of these bytes.
fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn names(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|&name| name.to_owned()).collect()
}

fn read(file: &NamedTempFile, columns: &[&str]) -> Result<Rows, TableError> {
    let mut table = TableReader::open_with(file.path(), &names(columns), Delimiter::Guessed)?;
    let (mut rows, mut refused) = (Vec::new(), Vec::new());
    while let Some(batch) = table.next_batch()? {
        for row in batch.rows() {
            let values = (0..columns.len())
                .map(|column| row.get(column).map(str::to_owned))
                .collect();
            rows.push((row.number(), values));
        }
        for row in batch.refused() {
            refused.push((row.number, row.problem.to_string()));
        }
    }
    assert!((table.done() - 1.0).abs() < 1e-9);
    Ok((rows, refused))
}

fn row(number: u64, values: &[&str]) -> Row {
    let values = values
        .iter()
        .map(|&value| (!value.is_empty()).then(|| value.to_owned()))
        .collect();
    (number, values)
}
