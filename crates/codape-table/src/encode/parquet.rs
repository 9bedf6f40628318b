//! Rows as parts of a Parquet file, and a file of parts.
//!
//! The metadata of a Parquet file stands at its end and tells of all row groups:
//! a file that broke off has none, and cannot be gone on with. So each row group
//! is first a small file of its own; in the end their column chunks are copied as
//! they are into the file that was asked for.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::writer::SerializedFileWriter;

use crate::EncodeError;
use crate::parquet::external;
use crate::rows::{is_json, unquoted};

/// Writes rows into parts.
#[derive(Debug)]
pub(super) struct PartWriter {
    schema: SchemaRef,
    writer: Option<ArrowWriter<Vec<u8>>>,
}

impl PartWriter {
    pub(super) fn new(schema: &Schema) -> Self {
        let fields: Vec<Field> = schema
            .fields()
            .iter()
            .map(|field| match is_json(field) {
                true => Field::new(field.name(), DataType::Utf8, true),
                false => field.as_ref().clone(),
            })
            .collect();
        Self {
            schema: Arc::new(Schema::new(fields)),
            writer: None,
        }
    }

    fn writer(&mut self) -> Result<&mut ArrowWriter<Vec<u8>>, EncodeError> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => {
                let properties = properties(&self.schema).build();
                ArrowWriter::try_new(Vec::new(), Arc::clone(&self.schema), Some(properties))?
            }
        };
        Ok(self.writer.insert(writer))
    }

    pub(super) fn rows(&mut self, rows: &RecordBatch) -> Result<(), EncodeError> {
        let columns: Vec<ArrayRef> = rows
            .schema_ref()
            .fields()
            .iter()
            .zip(rows.columns())
            .map(|(field, values)| match is_json(field) {
                true => Arc::new(unquoted(values.as_string())) as ArrayRef,
                false => Arc::clone(values),
            })
            .collect();
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(external)?;
        self.writer()?.write(&rows)?;
        Ok(())
    }

    pub(super) fn end(&mut self, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.writer()?;
        if let Some(writer) = self.writer.take() {
            bytes.append(&mut writer.into_inner()?);
        }
        Ok(())
    }
}

/// ZSTD; the least and the greatest value of each column chunk; no dictionary
/// of numbers with a fraction, of which hardly two are the same.
fn properties(schema: &Schema) -> WriterPropertiesBuilder {
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("codape ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_max_row_group_row_count(None);
    for field in schema.fields() {
        for path in fractions(field, &[]) {
            builder = builder.set_column_dictionary_enabled(path.into(), false);
        }
    }
    builder
}

/// The paths below a field of what are numbers with a fraction.
fn fractions(field: &Field, above: &[String]) -> Vec<Vec<String>> {
    let path = [above, &[field.name().clone()]].concat();
    match field.data_type() {
        DataType::Float32 | DataType::Float64 => vec![path],
        DataType::Struct(fields) => fields
            .iter()
            .flat_map(|field| fractions(field, &path))
            .collect(),
        DataType::List(inner) => {
            let path = [path, vec!["list".to_owned()]].concat();
            fractions(inner, &path)
        }
        _ => Vec::new(),
    }
}

/// Writes one Parquet file of the parts that stand one behind the other in
/// `parts`, each of so many bytes.
///
/// # Errors
///
/// [`EncodeError`], also where a part is not what [`Encoder`](crate::Encoder)
/// wrote.
pub fn assemble_parquet(
    parts: &File,
    lengths: &[u64],
    output: impl Write + Send,
) -> Result<(), EncodeError> {
    let mut writer = None;
    let mut output = Some(output);
    let mut start = 0;
    for &bytes in lengths {
        let part = Part {
            file: parts,
            start,
            bytes,
        };
        start += bytes;
        let metadata = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Skip)
            .parse_and_finish(&part)?;
        if let Some(output) = output.take() {
            let file = metadata.file_metadata();
            let properties = WriterProperties::builder()
                .set_created_by(file.created_by().unwrap_or_default().to_owned())
                .set_offset_index_disabled(true)
                .set_statistics_enabled(EnabledStatistics::Chunk)
                .set_key_value_metadata(file.key_value_metadata().cloned());
            let schema = file.schema_descr().root_schema_ptr();
            let properties = Arc::new(properties.build());
            writer = Some(SerializedFileWriter::new(output, schema, properties)?);
        }
        let Some(writer) = &mut writer else {
            continue;
        };
        for group in metadata.row_groups() {
            let mut copy = writer.next_row_group()?;
            for column in group.columns() {
                let close = ColumnCloseResult {
                    bytes_written: u64::try_from(column.compressed_size()).unwrap_or(0),
                    rows_written: u64::try_from(group.num_rows()).unwrap_or(0),
                    metadata: column.clone(),
                    bloom_filter: None,
                    column_index: None,
                    offset_index: None,
                };
                copy.append_column(&part, close)?;
            }
            copy.close()?;
        }
    }
    if let Some(writer) = writer {
        writer.close()?;
    }
    Ok(())
}

/// A part of the file of parts.
struct Part<'f> {
    file: &'f File,
    start: u64,
    bytes: u64,
}

impl Length for Part<'_> {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for Part<'_> {
    type T = BufReader<File>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(self.start + start))?;
        Ok(BufReader::with_capacity(1 << 20, file))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let mut bytes = Vec::with_capacity(length);
        self.get_read(start)?
            .take(length as u64)
            .read_to_end(&mut bytes)?;
        if bytes.len() < length {
            return Err(ParquetError::EOF("a part was cut short".to_owned()));
        }
        Ok(bytes.into())
    }
}
