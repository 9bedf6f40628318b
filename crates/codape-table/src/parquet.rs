//! Parquet files: rows out of column chunks, every value as text.

use std::fmt;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_cast::{can_cast_types, cast};
use arrow_schema::{ArrowError, DataType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use crate::batch::{Batch, RefusedRow, RowProblem};
use crate::{ROWS_PER_BATCH, TableError, columns};

/// Reads a Parquet file.
pub(crate) struct ParquetReader {
    path: PathBuf,
    wanted: Vec<String>,
    total_rows: u64,
    rows_read: u64,
    /// `None` once it failed: it may then be in any state.
    batches: Option<ParquetRecordBatchReader>,
}

impl fmt::Debug for ParquetReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetReader")
            .field("path", &self.path)
            .field("total_rows", &self.total_rows)
            .finish_non_exhaustive()
    }
}

impl ParquetReader {
    pub(crate) fn new(path: &Path, file: File, wanted: &[String]) -> Result<Self, TableError> {
        let builder = guarded(path, || ParquetRecordBatchReaderBuilder::try_new(file))?;
        let schema = builder.schema().clone();
        let names: Vec<String> = schema
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let mut places = columns::find(path, &names, wanted)?;
        for &place in &places {
            let field = schema.field(place);
            if !becomes_text(field.data_type()) {
                return Err(TableError::ColumnType {
                    path: path.to_owned(),
                    column: field.name().clone(),
                    found: field.data_type().to_string(),
                });
            }
        }
        check_compression(path, builder.metadata(), |name| {
            wanted.iter().any(|column| column == name)
        })?;
        places.sort_unstable();
        places.dedup();
        let mask = ProjectionMask::roots(builder.parquet_schema(), places);
        let total_rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let batches = guarded(path, || {
            builder
                .with_projection(mask)
                .with_batch_size(ROWS_PER_BATCH)
                .build()
        })?;
        Ok(Self {
            path: path.to_owned(),
            wanted: wanted.to_vec(),
            total_rows,
            rows_read: 0,
            batches: Some(batches),
        })
    }

    /// How much of the file was read, from 0 to 1.
    pub(crate) fn done(&self) -> f64 {
        if self.total_rows == 0 {
            return 1.0;
        }
        (self.rows_read as f64 / self.total_rows as f64).min(1.0)
    }

    pub(crate) fn next_batch(&mut self) -> Result<Option<Batch>, TableError> {
        let Some(mut batches) = self.batches.take() else {
            return Ok(None);
        };
        let Some(columns) = guarded(&self.path, || {
            let next = batches.next().transpose()?;
            next.map(|rows| as_text(&rows, &self.wanted)).transpose()
        })?
        else {
            return Ok(None);
        };
        self.batches = Some(batches);
        let rows = columns.first().map_or(0, |(source, _)| source.len());
        let mut batch = Batch::new(self.wanted.len());
        for row in 0..rows {
            let number = self.rows_read + row as u64 + 1;
            // What is there and did not become text: bytes that are not UTF-8.
            let lost = columns
                .iter()
                .position(|(source, text)| source.is_valid(row) && text.is_null(row));
            if let Some(column) = lost {
                batch.refuse(RefusedRow {
                    number,
                    problem: RowProblem::NotUtf8 {
                        column: self.wanted[column].clone(),
                    },
                    excerpt: String::new(),
                });
                continue;
            }
            batch.push(
                number,
                columns.iter().map(|(_, text)| {
                    if text.is_valid(row) {
                        text.value(row)
                    } else {
                        ""
                    }
                }),
            );
        }
        self.rows_read += rows as u64;
        Ok(Some(batch))
    }
}

/// A column as it came and as text.
type Column = (arrow_array::ArrayRef, StringArray);

/// The columns of a batch as text, in the order in which they were asked for.
fn as_text(rows: &RecordBatch, wanted: &[String]) -> Result<Vec<Column>, ParquetError> {
    wanted
        .iter()
        .map(|name| {
            let source = rows.column_by_name(name).ok_or_else(|| {
                ParquetError::General(format!("the column {name:?} is in the schema only"))
            })?;
            let text = cast(source, &DataType::Utf8).map_err(external)?;
            Ok((source.clone(), text.as_string::<i32>().clone()))
        })
        .collect()
}

pub(crate) fn external(error: ArrowError) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// Whether values of this type have a form as text.
pub(crate) fn becomes_text(kind: &DataType) -> bool {
    let kind = match kind {
        DataType::Dictionary(_, values) => values,
        other => other,
    };
    !kind.is_nested() && can_cast_types(kind, &DataType::Utf8)
}

/// Refuses methods of compression that are not built in, before a row is read.
pub(crate) fn check_compression(
    path: &Path,
    metadata: &ParquetMetaData,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<(), TableError> {
    for chunk in metadata
        .row_groups()
        .iter()
        .flat_map(|group| group.columns())
    {
        let name = chunk.column_path().string();
        let is_read = matches!(
            chunk.compression(),
            Compression::UNCOMPRESSED
                | Compression::SNAPPY
                | Compression::GZIP(_)
                | Compression::LZ4
                | Compression::LZ4_RAW
                | Compression::ZSTD(_)
        );
        if !is_read && is_wanted(&name) {
            return Err(TableError::Compression {
                path: path.to_owned(),
                column: name,
                found: chunk.compression().to_string(),
            });
        }
    }
    Ok(())
}

/// Calls into the Parquet parser. It checks much, but some lengths and offsets
/// of a damaged file still end in a panic of an index or a slice; such a file
/// must be an error here. What was called is not used again after a panic, so
/// that no half-made state is ever seen.
pub(crate) fn guarded<T>(
    path: &Path,
    call: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T, TableError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(source)) => Err(TableError::Parquet {
            path: path.to_owned(),
            source,
        }),
        Err(_) => Err(TableError::Damaged {
            path: path.to_owned(),
        }),
    }
}
