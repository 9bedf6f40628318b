//! All columns of a CSV file, as text.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::{RowSettings, Rows};
use crate::TableError;
use crate::columns::Wanted;
use crate::csv::CsvReader;

/// Reads a CSV file.
#[derive(Debug)]
pub(super) struct CsvRows {
    reader: Box<CsvReader>,
    schema: SchemaRef,
}

impl CsvRows {
    pub(super) fn new(
        source: Box<dyn Read + Send>,
        named: (PathBuf, u64),
        settings: &RowSettings,
    ) -> Result<Self, TableError> {
        let wanted = Wanted::All(&settings.hints);
        let reader = CsvReader::new(source, named, wanted, settings.delimiter)?;
        let fields: Vec<Field> = reader
            .header()
            .iter()
            .map(|name| Field::new(name, DataType::Utf8, true))
            .collect();
        Ok(Self {
            reader: Box::new(reader),
            schema: Arc::new(Schema::new(fields)),
        })
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(super) fn delimiter(&self) -> u8 {
        self.reader.delimiter()
    }

    pub(super) fn done(&self) -> f64 {
        self.reader.done()
    }

    pub(super) fn next_rows(&mut self) -> Result<Option<Rows>, TableError> {
        let Some(mut batch) = self.reader.next_batch()? else {
            return Ok(None);
        };
        let width = self.schema.fields().len();
        let bytes = batch.text_bytes() / width.max(1);
        let mut builders: Vec<StringBuilder> = (0..width)
            .map(|_| StringBuilder::with_capacity(batch.len(), bytes))
            .collect();
        for row in batch.rows() {
            for (column, builder) in builders.iter_mut().enumerate() {
                builder.append_option(row.get(column));
            }
        }
        let columns = builders
            .iter_mut()
            .map(|builder| Arc::new(builder.finish()) as ArrayRef)
            .collect();
        Ok(Some(Rows {
            numbers: batch.numbers().to_vec(),
            columns: RecordBatch::try_new(Arc::clone(&self.schema), columns)
                .expect("each column has a value a row"),
            refused: batch.take_refused(),
        }))
    }
}
