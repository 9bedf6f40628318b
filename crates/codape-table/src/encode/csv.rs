//! Rows as lines of CSV.

use arrow_array::{RecordBatch, StringArray};
use arrow_schema::Schema;

use super::Cells;
use super::cells::Column;
use crate::EncodeError;
use crate::rows::unquoted;

/// Writes CSV: UTF-8, lines that end with a line feed, quotes where need be.
#[derive(Debug)]
pub(super) struct CsvWriter {
    delimiter: u8,
    cells: Cells,
}

impl CsvWriter {
    pub(super) fn new(delimiter: u8, cells: Cells) -> Self {
        Self { delimiter, cells }
    }

    pub(super) fn head(&self, schema: &Schema, bytes: &mut Vec<u8>) {
        for (place, field) in schema.fields().iter().enumerate() {
            self.part(place, bytes);
            self.string(field.name(), bytes);
        }
        self.end(schema.fields().len(), bytes);
    }

    pub(super) fn rows(&self, rows: &RecordBatch, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        // Strings of JSON lose their quotes.
        let schema = rows.schema_ref();
        let of_json: Vec<Option<StringArray>> = schema
            .fields()
            .iter()
            .zip(rows.columns())
            .map(|(field, values)| {
                let column = Column::new(field, values)?;
                Ok(match column {
                    Column::Json(values) => Some(unquoted(values)),
                    _ => None,
                })
            })
            .collect::<Result<_, EncodeError>>()?;
        let columns: Vec<Column<'_>> = schema
            .fields()
            .iter()
            .zip(rows.columns())
            .zip(&of_json)
            .map(|((field, values), of_json)| match of_json {
                Some(text) => Ok(Column::Text(text)),
                None => Column::new(field, values),
            })
            .collect::<Result<_, EncodeError>>()?;
        let mut text = String::new();
        for row in 0..rows.num_rows() {
            for (place, column) in columns.iter().enumerate() {
                self.part(place, bytes);
                match column {
                    Column::Text(values) if column.is_null(row) || values.value(row).is_empty() => {
                    }
                    Column::Text(values) => self.string(values.value(row), bytes),
                    column => {
                        text.clear();
                        column.text(row, &mut text);
                        self.quote(&text, bytes);
                    }
                }
            }
            self.end(columns.len(), bytes);
        }
        Ok(())
    }

    fn part(&self, place: usize, bytes: &mut Vec<u8>) {
        if place > 0 {
            bytes.push(self.delimiter);
        }
    }

    /// Ends a line. One of a single empty value would be taken for no row.
    fn end(&self, columns: usize, bytes: &mut Vec<u8>) {
        if columns == 1 && bytes.last().is_none_or(|&byte| byte == b'\n') {
            bytes.extend_from_slice(b"\"\"");
        }
        bytes.push(b'\n');
    }

    /// Appends a text that somebody wrote.
    fn string(&self, text: &str, bytes: &mut Vec<u8>) {
        if self.cells == Cells::Safe && is_formula(text) {
            self.quote(&format!("'{text}"), bytes);
        } else {
            self.quote(text, bytes);
        }
    }

    fn quote(&self, text: &str, bytes: &mut Vec<u8>) {
        let is_special =
            |&byte: &u8| byte == self.delimiter || matches!(byte, b'"' | b'\n' | b'\r');
        if !text.as_bytes().iter().any(is_special) {
            bytes.extend_from_slice(text.as_bytes());
            return;
        }
        bytes.push(b'"');
        for (place, part) in text.split('"').enumerate() {
            if place > 0 {
                bytes.extend_from_slice(b"\"\"");
            }
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes.push(b'"');
    }
}

/// Whether a spreadsheet would run a cell of this text, after the advice of OWASP
/// on CSV injection. Numbers are none, whatever their sign.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && text.parse::<f64>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_told_from_a_number() {
        for text in ["=1+1", "+33 1 23", "-a", "@SUM(A1)", "\tx", "-", "\r=1"] {
            assert!(is_formula(text), "{text:?}");
        }
        for text in ["-3.5", "+1e5", "a=b", "", " =1"] {
            assert!(!is_formula(text), "{text:?}");
        }
    }
}
