//! CSV files: rows out of a stream of bytes, with their lines.

use std::fmt;
use std::io::Read;
use std::path::PathBuf;

use csv_core::ReadRecordResult;

use crate::batch::{Batch, RefusedRow, RowProblem};
use crate::columns::{self, Wanted};
use crate::{Delimiter, MAX_ROW_BYTES, ROWS_PER_BATCH, TableError};

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 256 << 10;
/// Bytes of values after which a batch is full whatever its rows.
const BYTES_PER_BATCH: usize = 8 << 20;
/// Rows that may be too long before reading stops: after each, reading starts
/// again at the next line, which a hostile file could ask for at every line.
const MAX_LONG_ROWS: usize = 100;
/// Characters of a refused row that are shown.
const EXCERPT_CHARS: usize = 200;
/// What may part values, the most usual first.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// Reads a CSV file.
pub(crate) struct CsvReader {
    path: PathBuf,
    total_bytes: u64,
    bytes: Bytes,
    parser: csv_core::Reader,
    /// The values of the row in hand, one behind the other, and their ends.
    values: Vec<u8>,
    ends: Vec<usize>,
    /// How many values it has.
    fields: usize,
    delimiter: u8,
    header: Vec<String>,
    /// The places of the columns that are asked for.
    wanted: Vec<usize>,
    long_rows: usize,
}

impl fmt::Debug for CsvReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvReader")
            .field("path", &self.path)
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

/// A window on the file: what is behind `start` was dealt with.
struct Bytes {
    source: Box<dyn Read + Send>,
    window: Vec<u8>,
    start: usize,
    at_end: bool,
    /// The line that `start` is on.
    line: u64,
    /// Bytes of the file before `start`.
    offset: u64,
}

/// What was found at the start of the window.
enum Record {
    /// A row of this many bytes; its values are in the reader.
    Row(usize),
    /// A row that cannot be told from what follows it.
    Unbounded(RowProblem),
    /// The end of the file.
    End,
}

impl Bytes {
    fn rest(&self) -> &[u8] {
        &self.window[self.start..]
    }

    /// Reads more; at the end of the file, notes it.
    fn more(&mut self) -> std::io::Result<()> {
        self.window.drain(..self.start);
        self.start = 0;
        let read = (&mut self.source)
            .take(CHUNK_BYTES as u64)
            .read_to_end(&mut self.window)?;
        self.at_end = read == 0;
        Ok(())
    }

    /// Passes over bytes, counting the lines that end in them.
    fn pass(&mut self, bytes: usize) {
        let passed = &self.window[self.start..self.start + bytes];
        let feeds = memchr::memchr_iter(b'\n', passed).count();
        // A carriage return ends a line where no line feed follows it.
        let returns = memchr::memchr_iter(b'\r', passed)
            .filter(|&at| self.window.get(self.start + at + 1) != Some(&b'\n'))
            .count();
        self.line += (feeds + returns) as u64;
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Passes over the rest of the line, however long it is.
    fn pass_line(&mut self) -> std::io::Result<()> {
        loop {
            let rest = self.rest();
            match memchr::memchr2(b'\n', b'\r', rest) {
                Some(end) => {
                    self.pass(end);
                    return Ok(());
                }
                None => self.pass(rest.len()),
            }
            if self.at_end {
                return Ok(());
            }
            self.more()?;
        }
    }

    /// Passes over empty lines and what is left of the last line's end.
    fn pass_line_ends(&mut self) -> std::io::Result<()> {
        loop {
            let ends = self
                .rest()
                .iter()
                .take_while(|byte| matches!(byte, b'\n' | b'\r'))
                .count();
            // Whether a carriage return ends a line shows in what follows.
            let left = self.rest().len() - ends;
            if left == 0 && !self.at_end {
                self.more()?;
                continue;
            }
            self.pass(ends);
            return Ok(());
        }
    }
}

impl CsvReader {
    pub(crate) fn new(
        source: Box<dyn Read + Send>,
        (path, total_bytes): (PathBuf, u64),
        columns: Wanted<'_>,
        delimiter: Delimiter,
    ) -> Result<Self, TableError> {
        let mut reader = Self {
            path,
            total_bytes,
            bytes: Bytes {
                source,
                window: Vec::new(),
                start: 0,
                at_end: false,
                line: 1,
                offset: 0,
            },
            parser: csv_core::Reader::new(),
            values: vec![0; 4096],
            ends: vec![0; 64],
            fields: 0,
            delimiter: b',',
            header: Vec::new(),
            wanted: Vec::new(),
            long_rows: 0,
        };
        reader.read_header(columns.hints(), delimiter)?;
        reader.wanted = columns::places(&reader.path, &reader.header, columns)?;
        Ok(reader)
    }

    /// The names of the columns, in the order of the file.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// What parts the values.
    pub(crate) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// How much of the file was read, from 0 to 1.
    pub(crate) fn done(&self) -> f64 {
        if self.total_bytes == 0 {
            return 1.0;
        }
        (self.bytes.offset as f64 / self.total_bytes as f64).min(1.0)
    }

    pub(crate) fn next_batch(&mut self) -> Result<Option<Batch>, TableError> {
        let mut batch = Batch::new(self.wanted.len());
        while batch.len() + batch.refused().len() < ROWS_PER_BATCH
            && batch.text_bytes() < BYTES_PER_BATCH
        {
            match self.read_record()? {
                Record::End => break,
                Record::Row(bytes) => {
                    if let Err(problem) = self.take_row(&mut batch) {
                        batch.refuse(self.refused(problem, bytes));
                    }
                    self.bytes.pass(bytes);
                }
                Record::Unbounded(problem) => {
                    let line = memchr::memchr2(b'\n', b'\r', self.bytes.rest())
                        .unwrap_or(self.bytes.rest().len());
                    batch.refuse(self.refused(problem, line));
                    self.give_up_line(line)?;
                }
            }
        }
        let is_over = batch.is_empty() && batch.refused().is_empty();
        Ok((!is_over).then_some(batch))
    }

    /// Starts again behind the first line of a row without end, so that one
    /// stray quote costs one line.
    fn give_up_line(&mut self, line_bytes: usize) -> Result<(), TableError> {
        self.long_rows += 1;
        if self.long_rows > MAX_LONG_ROWS {
            return Err(TableError::TooManyLongRows {
                path: self.path.clone(),
                count: self.long_rows,
                line: self.bytes.line,
            });
        }
        self.parser.reset();
        self.bytes.pass(line_bytes);
        self.bytes.pass_line().map_err(|source| TableError::Io {
            path: self.path.clone(),
            source,
        })
    }

    fn refused(&self, problem: RowProblem, bytes: usize) -> RefusedRow {
        let row = &self.bytes.rest()[..bytes];
        // A character has at most four bytes.
        let start = &row[..row.len().min(4 * EXCERPT_CHARS)];
        let text = String::from_utf8_lossy(start);
        RefusedRow {
            number: self.bytes.line,
            problem,
            excerpt: text.trim_end().chars().take(EXCERPT_CHARS).collect(),
        }
    }

    /// Parses the row at the start of the window into `values` and `ends`.
    fn read_record(&mut self) -> Result<Record, TableError> {
        self.read_record_inner().map_err(|source| TableError::Io {
            path: self.path.clone(),
            source,
        })
    }

    fn read_record_inner(&mut self) -> std::io::Result<Record> {
        self.bytes.pass_line_ends()?;
        if self.bytes.rest().is_empty() {
            return Ok(Record::End);
        }
        let (mut parsed, mut written, mut fields) = (0, 0, 0);
        let row = loop {
            let input = &self.bytes.rest()[parsed..];
            let last_try = input.is_empty() && self.bytes.at_end;
            // The parser ends an open quote at the end of the file without a
            // word. A line feed ends every row but one with an open quote.
            let input = if last_try { b"\n" } else { input };
            let (result, read, wrote, ended) = self.parser.read_record(
                input,
                &mut self.values[written..],
                &mut self.ends[fields..],
            );
            parsed += if last_try { 0 } else { read };
            written += wrote;
            fields += ended;
            match result {
                ReadRecordResult::Record => break Record::Row(parsed),
                ReadRecordResult::InputEmpty if last_try => {
                    break Record::Unbounded(RowProblem::UnclosedQuote);
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.values.resize(2 * self.values.len(), 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::End => break Record::End,
            }
            if parsed > MAX_ROW_BYTES {
                break Record::Unbounded(RowProblem::TooLong);
            }
            if matches!(result, ReadRecordResult::InputEmpty) && !self.bytes.at_end {
                self.bytes.more()?;
            }
        };
        self.fields = fields;
        Ok(row)
    }

    /// The values of the row in hand.
    fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let ends = &self.ends[..self.fields];
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts
            .zip(ends)
            .map(|(start, &end)| &self.values[start..end])
    }

    /// Appends the row in hand to the batch.
    fn take_row(&self, batch: &mut Batch) -> Result<(), RowProblem> {
        if self.fields != self.header.len() {
            return Err(RowProblem::FieldCount {
                expected: self.header.len(),
                found: self.fields,
            });
        }
        let values: Result<Vec<&str>, RowProblem> = self
            .fields()
            .zip(&self.header)
            .map(|(value, column)| {
                std::str::from_utf8(value).map_err(|_| RowProblem::NotUtf8 {
                    column: column.clone(),
                })
            })
            .collect();
        let values = values?;
        batch.push(
            self.bytes.line,
            self.wanted.iter().map(|&column| values[column]),
        );
        Ok(())
    }

    /// Reads the header, with the delimiter under which most of the columns
    /// that are asked for, or else most columns at all, are in it.
    fn read_header(&mut self, columns: &[String], delimiter: Delimiter) -> Result<(), TableError> {
        let candidates = match delimiter {
            Delimiter::Given(byte) => vec![byte],
            Delimiter::Guessed => DELIMITERS.to_vec(),
        };
        let mut best: Option<(usize, usize, u8)> = None;
        for byte in candidates {
            let (header, _) = self.parse_header(byte)?;
            let found = columns.iter().filter(|name| header.contains(name)).count();
            if best.is_none_or(|(f, n, _)| (found, header.len()) > (f, n)) {
                best = Some((found, header.len(), byte));
            }
        }
        let (.., byte) = best.expect("there is a candidate");
        let (header, bytes) = self.parse_header(byte)?;
        self.delimiter = byte;
        self.header = header;
        self.bytes.pass(bytes);
        Ok(())
    }

    /// The names in the header if this byte parts them, and its length. The
    /// window stays where it is, behind empty lines.
    fn parse_header(&mut self, delimiter: u8) -> Result<(Vec<String>, usize), TableError> {
        self.parser = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        let path = self.path.clone();
        let refuse = |problem| {
            Err(TableError::Header {
                path: path.clone(),
                problem,
            })
        };
        let bytes = match self.read_record()? {
            Record::Row(bytes) => bytes,
            Record::Unbounded(_) => {
                return refuse("without end: a quote in it is not closed, or it is no CSV file");
            }
            Record::End => {
                return Err(TableError::Empty {
                    path: self.path.clone(),
                });
            }
        };
        let names = self
            .fields()
            .map(|name| std::str::from_utf8(name).map(|name| name.trim().to_owned()))
            .collect();
        match names {
            Ok(names) => Ok((names, bytes)),
            Err(_) => refuse("not UTF-8: save the file as UTF-8"),
        }
    }
}
