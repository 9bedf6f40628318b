//! Files of records: written so that their bytes follow from their rows, and read
//! whatever they are.

use std::fmt::Debug;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::coalesce::BatchCoalescer;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{ChunkReader, Length};

use super::rows::entries;
use crate::archive::{NewFile, ReadAt};
use crate::record::Entry;

/// The rows of a row group.
const GROUP_ROWS: usize = 131_072;
/// The rows that are written and read at once.
const BATCH_ROWS: usize = 8_192;
/// What the footer calls the ranges of sequence numbers.
const RANGES: &str = "codape.ranges";

/// Why a Parquet file is not one of records.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParquetProblem {
    /// The disk or the server refused something.
    #[error("its bytes are not to be had")]
    Io(#[source] io::Error),
    /// It is damaged, or not a Parquet file.
    #[error("it cannot be read as Parquet")]
    Parquet(#[source] ParquetError),
    /// It is damaged in a way that stops its parser.
    #[error("its parser gave up")]
    Damaged,
    /// It is a Parquet file of something else.
    #[error("it is not a file of records: {problem}")]
    Other {
        /// What is missing.
        problem: &'static str,
    },
}

impl From<ParquetError> for ParquetProblem {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(source) => match source.downcast::<io::Error>() {
                Ok(source) => Self::Io(*source),
                Err(source) => Self::Parquet(ParquetError::External(source)),
            },
            error => Self::Parquet(error),
        }
    }
}

/// The bytes of a file of an archive, as the parser wants them.
#[derive(Clone, Debug)]
pub(crate) struct Source(pub(crate) Arc<dyn ReadAt>);

impl Length for Source {
    fn len(&self) -> u64 {
        self.0.length()
    }
}

impl ChunkReader for Source {
    type T = Onward;

    fn get_read(&self, start: u64) -> Result<Onward, ParquetError> {
        Ok(Onward(self.clone(), start))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<bytes::Bytes, ParquetError> {
        let is_inside = start
            .checked_add(length as u64)
            .is_some_and(|end| end <= self.0.length());
        if !is_inside {
            return Err(ParquetError::EOF("a part lies behind the end".to_owned()));
        }
        let mut bytes = vec![0; length];
        self.0
            .read_exact_at(start, &mut bytes)
            .map_err(|error| ParquetError::External(Box::new(error)))?;
        Ok(bytes.into())
    }
}

/// The bytes of a file from a place on.
#[derive(Debug)]
pub(crate) struct Onward(Source, u64);

impl Read for Onward {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.0.0.length().saturating_sub(self.1);
        let read = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        self.0.0.read_exact_at(self.1, &mut buffer[..read])?;
        self.1 += read as u64;
        Ok(read)
    }
}

/// What a file's footer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct About {
    /// Its rows.
    pub(crate) rows: u64,
    /// The sequence numbers that were taken into it, whether this partition had
    /// records of them or not: from the first to before the second, in order.
    pub(crate) ranges: Vec<(u64, u64)>,
}

impl About {
    /// Whether any sequence number of a range was taken in.
    pub(crate) fn overlaps(&self, (from, to): (u64, u64)) -> bool {
        let mut ranges = self.ranges.iter();
        ranges.any(|&(first, next)| first < to && from < next)
    }

    /// The parts of a range that none of these files has taken in, in order.
    pub(crate) fn missing((from, to): (u64, u64), files: &[&Self]) -> Vec<(u64, u64)> {
        let mut taken: Vec<(u64, u64)> = files
            .iter()
            .flat_map(|file| file.ranges.iter().copied())
            .collect();
        taken.sort_unstable();
        let mut missing = Vec::new();
        let mut at = from;
        for (first, next) in taken {
            if at < first.min(to) {
                missing.push((at, first.min(to)));
            }
            at = at.max(next);
        }
        if at < to {
            missing.push((at, to));
        }
        missing
    }

    /// Notes a range that lies behind the others.
    pub(crate) fn extend(&mut self, (from, to): (u64, u64)) {
        match self.ranges.last_mut() {
            Some((_, next)) if *next == from => *next = to,
            _ => self.ranges.push((from, to)),
        }
    }

    /// The sequence number behind all ranges.
    pub(crate) fn next(&self) -> u64 {
        self.ranges.last().map_or(0, |&(_, next)| next)
    }

    fn parse(text: &str) -> Option<Vec<(u64, u64)>> {
        let range = |range: &str| {
            let (from, to) = range.split_once('-')?;
            Some((from.parse().ok()?, to.parse().ok()?))
        };
        text.split(',').map(range).collect()
    }

    fn ranges_text(&self) -> String {
        let ranges: Vec<String> = self
            .ranges
            .iter()
            .map(|(from, to)| format!("{from}-{to}"))
            .collect();
        ranges.join(",")
    }
}

impl Source {
    /// Reads the footer.
    pub(crate) fn about(&self) -> Result<About, ParquetProblem> {
        let builder = self.open()?;
        let metadata = builder.metadata().file_metadata();
        let ranges = metadata
            .key_value_metadata()
            .into_iter()
            .flatten()
            .find(|pair| pair.key == RANGES)
            .and_then(|pair| About::parse(pair.value.as_deref()?));
        Ok(About {
            rows: u64::try_from(metadata.num_rows()).map_err(|_| ParquetProblem::Damaged)?,
            ranges: ranges.ok_or(ParquetProblem::Other {
                problem: "its footer names no sequence numbers",
            })?,
        })
    }

    fn open(&self) -> Result<ParquetRecordBatchReaderBuilder<Self>, ParquetProblem> {
        guarded(|| ParquetRecordBatchReaderBuilder::try_new(self.clone()))
    }

    /// Reads the rows, in order.
    pub(crate) fn batches(
        &self,
        mut visit: impl FnMut(&RecordBatch) -> Result<(), ParquetProblem>,
    ) -> Result<(), ParquetProblem> {
        let builder = self.open()?;
        let mut batches: ParquetRecordBatchReader =
            guarded(|| builder.with_batch_size(BATCH_ROWS).build())?;
        while let Some(batch) = guarded(|| {
            let next = batches.next().transpose();
            next.map_err(|error| ParquetError::External(Box::new(error)))
        })? {
            visit(&batch)?;
        }
        Ok(())
    }
}

/// Reads the records of a file, in order of their sequence numbers.
///
/// # Errors
///
/// [`ParquetProblem`], also of what `visit` says.
pub fn read_entries(
    file: Arc<dyn ReadAt>,
    mut visit: impl FnMut(&Entry<'_>) -> Result<(), ParquetProblem>,
) -> Result<(), ParquetProblem> {
    Source(file).batches(|batch| {
        let entries = entries(batch).ok_or(ParquetProblem::Other {
            problem: "its columns are others",
        })?;
        entries.iter().try_for_each(&mut visit)
    })
}

/// Calls into the parser, which checks much; some lengths of a damaged file still
/// end in a panic. What was called is not used again then.
fn guarded<T>(call: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetProblem> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(ParquetProblem::from),
        Err(_) => Err(ParquetProblem::Damaged),
    }
}

/// A file that is being written.
pub(crate) struct Draft {
    writer: ArrowWriter<Sink>,
    coalescer: BatchCoalescer,
    rows: u64,
}

/// A new file of an archive, as the writer wants it.
struct Sink(Box<dyn NewFile>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Draft {
    /// Begins a file with these columns.
    pub(crate) fn new(file: Box<dyn NewFile>, schema: SchemaRef) -> Result<Self, ParquetProblem> {
        let place = |name| {
            schema
                .index_of(name)
                .ok()
                .and_then(|i| i32::try_from(i).ok())
        };
        let sorting = place("sequence").map(|column_idx| {
            vec![SortingColumn {
                column_idx,
                descending: false,
                nulls_first: false,
            }]
        });
        let properties = WriterProperties::builder()
            .set_created_by("codape".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_sorting_columns(sorting)
            .build();
        let coalescer = BatchCoalescer::new(Arc::clone(&schema), BATCH_ROWS);
        let writer = ArrowWriter::try_new(Sink(file), schema, Some(properties))?;
        Ok(Self {
            writer,
            coalescer,
            rows: 0,
        })
    }

    /// Adds rows behind those that are there. However they are dealt to batches,
    /// the bytes are the same.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetProblem> {
        self.rows += batch.num_rows() as u64;
        let pushed = self.coalescer.push_batch(batch.clone());
        pushed.map_err(|error| ParquetError::External(Box::new(error)))?;
        self.write_completed()
    }

    fn write_completed(&mut self) -> Result<(), ParquetProblem> {
        while let Some(batch) = self.coalescer.next_completed_batch() {
            self.writer.write(&batch)?;
        }
        Ok(())
    }

    /// Writes the footer, and gives the file its name. Returns its rows.
    pub(crate) fn publish(mut self, about: &About) -> Result<u64, ParquetProblem> {
        let finished = self.coalescer.finish_buffered_batch();
        finished.map_err(|error| ParquetError::External(Box::new(error)))?;
        self.write_completed()?;
        self.writer
            .append_key_value_metadata(KeyValue::new(RANGES.to_owned(), about.ranges_text()));
        let Sink(file) = self.writer.into_inner()?;
        file.publish().map_err(ParquetProblem::Io)?;
        Ok(self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_file_has_is_missing() {
        let about = |ranges: &[(u64, u64)]| About {
            rows: 0,
            ranges: ranges.to_vec(),
        };
        let (one, other) = (about(&[(21, 61), (70, 80)]), about(&[(1, 5), (60, 65)]));
        let missing = |range| About::missing(range, &[&one, &other]);
        assert_eq!(missing((1, 90)), [(5, 21), (65, 70), (80, 90)]);
        assert_eq!(missing((3, 4)), []);
        assert_eq!(missing((6, 10)), [(6, 10)]);
        assert_eq!(missing((62, 66)), [(65, 66)]);
        assert_eq!(About::missing((7, 9), &[]), [(7, 9)]);
        assert!(one.overlaps((60, 62)) && !one.overlaps((61, 70)));
    }
}
