//! All columns of a Parquet file, as they are.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_schema::SchemaRef;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaData;

use super::Rows;
use crate::parquet::{check_compression, external, guarded};
use crate::{ROWS_PER_BATCH, TableError};

/// The bytes of values that a batch should not pass, by the mean of a row.
const BYTES_PER_BATCH: u64 = 8 << 20;

/// Reads a Parquet file.
pub(super) struct ParquetRows {
    path: PathBuf,
    schema: SchemaRef,
    total_rows: u64,
    rows_read: u64,
    /// `None` once it failed: it may then be in any state.
    batches: Option<ParquetRecordBatchReader>,
}

impl fmt::Debug for ParquetRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetRows")
            .field("path", &self.path)
            .field("total_rows", &self.total_rows)
            .finish_non_exhaustive()
    }
}

impl ParquetRows {
    pub(super) fn new(path: &Path, file: File) -> Result<Self, TableError> {
        let builder = guarded(path, || ParquetRecordBatchReaderBuilder::try_new(file))?;
        let schema = builder.schema().clone();
        for (place, field) in schema.fields().iter().enumerate() {
            let is_same = |other: &arrow_schema::FieldRef| other.name() == field.name();
            if schema.fields().iter().take(place).any(is_same) {
                return Err(TableError::RepeatedColumn {
                    path: path.to_owned(),
                    column: field.name().clone(),
                });
            }
        }
        check_compression(path, builder.metadata(), |_| true)?;
        let total_rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let rows = rows_per_batch(builder.metadata());
        let batches = guarded(path, || builder.with_batch_size(rows).build())?;
        Ok(Self {
            path: path.to_owned(),
            schema,
            total_rows,
            rows_read: 0,
            batches: Some(batches),
        })
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(super) fn done(&self) -> f64 {
        if self.total_rows == 0 {
            return 1.0;
        }
        (self.rows_read as f64 / self.total_rows as f64).min(1.0)
    }

    pub(super) fn next_rows(&mut self) -> Result<Option<Rows>, TableError> {
        let Some(mut batches) = self.batches.take() else {
            return Ok(None);
        };
        let next = guarded(&self.path, || batches.next().transpose().map_err(external))?;
        let Some(columns) = next else {
            return Ok(None);
        };
        self.batches = Some(batches);
        let rows = columns.num_rows() as u64;
        let numbers = (self.rows_read + 1..=self.rows_read + rows).collect();
        self.rows_read += rows;
        Ok(Some(Rows {
            numbers,
            columns,
            refused: Vec::new(),
        }))
    }
}

/// The rows of a batch: fewer where rows are long, as the longest row group
/// tells.
fn rows_per_batch(metadata: &ParquetMetaData) -> usize {
    let mean = metadata.row_groups().iter().map(|group| {
        let bytes = u64::try_from(group.total_byte_size()).unwrap_or(0);
        let rows = u64::try_from(group.num_rows()).unwrap_or(0);
        bytes / rows.max(1)
    });
    let most = BYTES_PER_BATCH / mean.max().unwrap_or(0).max(1);
    usize::try_from(most)
        .unwrap_or(ROWS_PER_BATCH)
        .clamp(1, ROWS_PER_BATCH)
}
