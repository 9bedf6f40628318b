//! JSON lines: the fields of objects, one object a line.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{JSON_KEY, Rows};
use crate::{MAX_ROW_BYTES, ROWS_PER_BATCH, RefusedRow, RowProblem, TableError};

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 256 << 10;
/// Bytes of lines after which a batch is full whatever its rows.
const BYTES_PER_BATCH: usize = 8 << 20;
/// Characters of a refused line that are shown.
const EXCERPT_CHARS: usize = 200;
/// The most columns: objects with names of their own are no table.
const MOST_COLUMNS: usize = 10_000;

/// Reads JSON lines. Each value is kept as it is written, as JSON.
pub(super) struct JsonRows {
    path: PathBuf,
    total_bytes: u64,
    source: BufReader<Box<dyn Read + Send>>,
    /// Bytes that were read, and lines.
    offset: u64,
    line: u64,
    schema: SchemaRef,
    /// The place of each column.
    places: HashMap<String, usize>,
    /// The lines that told the columns, until they are given.
    first: Option<Lines>,
}

/// Lines of the file, one behind the other.
#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    /// For each, its number and where it ends.
    ends: Vec<(u64, usize)>,
    refused: Vec<RefusedRow>,
}

impl Lines {
    fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|&(_, end)| end));
        starts
            .zip(&self.ends)
            .map(|(start, &(number, end))| (number, &self.text[start..end]))
    }
}

/// The fields of an object in their order, each value as it is written.
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    fields.push((name, value));
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// A field's name, borrowed where nothing in it is escaped.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl fmt::Debug for JsonRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonRows")
            .field("path", &self.path)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

impl JsonRows {
    pub(super) fn new(
        source: Box<dyn Read + Send>,
        (path, total_bytes): (PathBuf, u64),
        fields: Option<Vec<String>>,
    ) -> Result<Self, TableError> {
        let mut reader = Self {
            path,
            total_bytes,
            source: BufReader::with_capacity(CHUNK_BYTES, source),
            offset: 0,
            line: 0,
            schema: Arc::new(Schema::empty()),
            places: HashMap::new(),
            first: None,
        };
        let fields = match fields {
            Some(fields) => fields,
            None => {
                let first = reader.read_lines()?;
                let fields = names(&first);
                reader.first = Some(first);
                fields
            }
        };
        if fields.len() > MOST_COLUMNS {
            return Err(TableError::NotATable {
                path: reader.path,
                looks: "no table: its objects have too many different fields",
            });
        }
        let is_json = HashMap::from([(JSON_KEY.to_owned(), "1".to_owned())]);
        let columns: Vec<Field> = fields
            .iter()
            .map(|name| Field::new(name, DataType::Utf8, true).with_metadata(is_json.clone()))
            .collect();
        reader.schema = Arc::new(Schema::new(columns));
        reader.places = (0..)
            .zip(fields)
            .map(|(place, name)| (name, place))
            .collect();
        Ok(reader)
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(super) fn done(&self) -> f64 {
        if self.total_bytes == 0 {
            return 1.0;
        }
        (self.offset as f64 / self.total_bytes as f64).min(1.0)
    }

    pub(super) fn next_rows(&mut self) -> Result<Option<Rows>, TableError> {
        let lines = match self.first.take() {
            Some(first) => first,
            None => self.read_lines()?,
        };
        if lines.ends.is_empty() && lines.refused.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.parse(lines)))
    }

    fn parse(&self, mut lines: Lines) -> Rows {
        let mut refused = std::mem::take(&mut lines.refused);
        let width = self.schema.fields().len();
        let bytes = lines.text.len() / width.max(1);
        let mut builders: Vec<StringBuilder> = (0..width)
            .map(|_| StringBuilder::with_capacity(lines.ends.len(), bytes))
            .collect();
        let mut numbers = Vec::with_capacity(lines.ends.len());
        let mut values: Vec<Option<&RawValue>> = vec![None; width];
        for (number, line) in lines.iter() {
            match self.take(line, &mut values) {
                Ok(()) => {
                    numbers.push(number);
                    for (builder, value) in builders.iter_mut().zip(&values) {
                        builder.append_option(value.map(RawValue::get));
                    }
                }
                Err(problem) => refused.push(RefusedRow {
                    number,
                    problem,
                    excerpt: excerpt(line),
                }),
            }
        }
        refused.sort_by_key(|row| row.number);
        let columns = builders
            .iter_mut()
            .map(|builder| Arc::new(builder.finish()) as ArrayRef)
            .collect();
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(numbers.len()));
        Rows {
            columns: RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
                .expect("each column has a value a row"),
            numbers,
            refused,
        }
    }

    /// The values of a line; of a name that stands twice, the last.
    fn take<'l>(
        &self,
        line: &'l [u8],
        values: &mut [Option<&'l RawValue>],
    ) -> Result<(), RowProblem> {
        let text = std::str::from_utf8(line).map_err(|_| RowProblem::LineNotUtf8)?;
        let Object(fields) = serde_json::from_str(text).map_err(|_| RowProblem::NotAnObject)?;
        values.fill(None);
        for (name, value) in fields {
            let Some(&place) = self.places.get(&*name) else {
                return Err(RowProblem::UnknownField {
                    field: name.into_owned(),
                });
            };
            values[place] = (value.get() != "null").then_some(value);
        }
        Ok(())
    }

    /// The lines of a batch, those without a character left out.
    fn read_lines(&mut self) -> Result<Lines, TableError> {
        let mut lines = Lines::default();
        while lines.ends.len() + lines.refused.len() < ROWS_PER_BATCH
            && lines.text.len() < BYTES_PER_BATCH
        {
            let start = lines.text.len();
            let read = self.read_line(&mut lines.text);
            let read = read.map_err(|source| TableError::Io {
                path: self.path.clone(),
                source,
            })?;
            let Some(bytes) = read else {
                break;
            };
            let line = &lines.text[start..];
            if bytes > MAX_ROW_BYTES {
                let refused = RefusedRow {
                    number: self.line,
                    problem: RowProblem::TooLong,
                    excerpt: excerpt(line),
                };
                lines.text.truncate(start);
                lines.refused.push(refused);
            } else if line.iter().all(u8::is_ascii_whitespace) {
                lines.text.truncate(start);
            } else {
                lines.ends.push((self.line, lines.text.len()));
            }
        }
        Ok(lines)
    }

    /// Appends the next line, but not more than a row may have, and returns how
    /// long it is; `None` at the end of the file.
    fn read_line(&mut self, text: &mut Vec<u8>) -> std::io::Result<Option<usize>> {
        let start = text.len();
        let mut bytes = 0;
        self.line += 1;
        loop {
            let buffer = self.source.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            let end = memchr::memchr(b'\n', buffer);
            let part = &buffer[..end.unwrap_or(buffer.len())];
            let room = (MAX_ROW_BYTES + 1).saturating_sub(bytes);
            text.extend_from_slice(&part[..part.len().min(room)]);
            bytes += part.len();
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.source.consume(used);
            self.offset += used as u64;
            if end.is_some() {
                if self.line == 1 && text[start..].starts_with(b"\xef\xbb\xbf") {
                    text.drain(start..start + 3);
                }
                return Ok(Some(bytes));
            }
        }
        if self.line == 1 && text[start..].starts_with(b"\xef\xbb\xbf") {
            text.drain(start..start + 3);
        }
        Ok((bytes > 0).then_some(bytes))
    }
}

/// The fields of these lines, in the order in which they appear.
fn names(lines: &Lines) -> Vec<String> {
    let mut known: HashMap<String, usize> = HashMap::new();
    for (_, line) in lines.iter() {
        let Ok(Object(fields)) = serde_json::from_slice(line) else {
            continue;
        };
        for (name, _) in fields {
            if !known.contains_key(&*name) {
                known.insert(name.into_owned(), known.len());
            }
        }
        if known.len() > MOST_COLUMNS {
            break;
        }
    }
    let mut names: Vec<(usize, String)> = known.into_iter().map(|(name, at)| (at, name)).collect();
    names.sort_unstable();
    names.into_iter().map(|(_, name)| name).collect()
}

fn excerpt(line: &[u8]) -> String {
    // A character has at most four bytes.
    let start = &line[..line.len().min(4 * EXCERPT_CHARS)];
    let text = String::from_utf8_lossy(start);
    text.chars().take(EXCERPT_CHARS).collect()
}
