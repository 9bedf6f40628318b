//! Some rows of a table, in memory.

use std::fmt;

use crate::MAX_ROW_BYTES;

/// Some rows of a table, in its order, and those that were refused among them.
#[derive(Debug, Default)]
pub struct Batch {
    columns: usize,
    numbers: Vec<u64>,
    /// For each row, its cells: where in `text` a value ends, or that there is
    /// none.
    cells: Vec<Cell>,
    text: String,
    refused: Vec<RefusedRow>,
}

/// A value's place in the text of its batch; empty means missing.
#[derive(Clone, Copy, Debug)]
struct Cell {
    start: usize,
    end: usize,
}

/// A row of a [`Batch`].
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    batch: &'a Batch,
    index: usize,
}

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRow {
    /// The line of a CSV file where the row starts, the header's being 1; the
    /// row of a Parquet file, from 1.
    pub number: u64,
    /// What is wrong with it.
    pub problem: RowProblem,
    /// How it begins, what is not text replaced; empty for Parquet.
    pub excerpt: String,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowProblem {
    /// More or fewer values than the header has names.
    FieldCount {
        /// The columns of the header.
        expected: usize,
        /// The values of the row.
        found: usize,
    },
    /// The line is not a JSON object.
    NotAnObject,
    /// A JSON object has a field that is not among the table's columns.
    UnknownField {
        /// The field's name.
        field: String,
    },
    /// The line is not UTF-8.
    LineNotUtf8,
    /// A value is not UTF-8.
    NotUtf8 {
        /// The column's name.
        column: String,
    },
    /// A quote opens and is not closed before the file ends.
    UnclosedQuote,
    /// The row is longer than [`MAX_ROW_BYTES`]: most likely for a quote that
    /// is not closed.
    TooLong,
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FieldCount { expected, found } => {
                write!(f, "{found} values, the header has {expected} columns")
            }
            Self::NotAnObject => f.write_str("not a JSON object"),
            Self::UnknownField { field } => write!(
                f,
                "the field {field:?} is not in the first lines, which tell the columns"
            ),
            Self::LineNotUtf8 => f.write_str("the line is not UTF-8"),
            Self::NotUtf8 { column } => write!(f, "the value of {column:?} is not UTF-8"),
            Self::UnclosedQuote => f.write_str("a quote is not closed"),
            Self::TooLong => write!(
                f,
                "longer than {MAX_ROW_BYTES} bytes: a quote may not be closed"
            ),
        }
    }
}

impl Batch {
    pub(crate) fn new(columns: usize) -> Self {
        Self {
            columns,
            ..Self::default()
        }
    }

    /// Appends a row of one value a column; an empty one is missing.
    pub(crate) fn push<'v>(&mut self, number: u64, values: impl Iterator<Item = &'v str>) {
        self.numbers.push(number);
        for value in values {
            let start = self.text.len();
            self.text.push_str(value);
            self.cells.push(Cell {
                start,
                end: self.text.len(),
            });
        }
        debug_assert_eq!(self.cells.len(), self.columns * self.numbers.len());
    }

    /// The refused rows, taken out.
    pub(crate) fn take_refused(&mut self) -> Vec<RefusedRow> {
        std::mem::take(&mut self.refused)
    }

    /// The numbers of the usable rows.
    pub(crate) fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    pub(crate) fn refuse(&mut self, refused: RefusedRow) {
        self.refused.push(refused);
    }

    /// Bytes of all values.
    pub(crate) fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// The usable rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether no row is usable; some may have been refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// A usable row by its place in the batch, if there is one.
    #[must_use]
    pub fn row(&self, index: usize) -> Option<Row<'_>> {
        (index < self.len()).then_some(Row { batch: self, index })
    }

    /// The usable rows, in the table's order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (0..self.len()).map(|index| Row { batch: self, index })
    }

    /// The rows that were refused, in the table's order.
    #[must_use]
    pub fn refused(&self) -> &[RefusedRow] {
        &self.refused
    }
}

impl<'a> Row<'a> {
    /// The line of a CSV file where the row starts, the header's being 1; the
    /// row of a Parquet file, from 1.
    #[must_use]
    pub fn number(self) -> u64 {
        self.batch.numbers[self.index]
    }

    /// The value of the column that was asked for at this place; `None` where
    /// it is null or empty.
    ///
    /// # Panics
    ///
    /// If fewer columns were asked for.
    #[must_use]
    pub fn get(self, column: usize) -> Option<&'a str> {
        assert!(
            column < self.batch.columns,
            "{column} columns were not asked for"
        );
        let Cell { start, end } = self.batch.cells[self.index * self.batch.columns + column];
        (start < end).then(|| &self.batch.text[start..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_is_missing() {
        let mut batch = Batch::new(2);
        batch.push(2, ["a", ""].into_iter());
        batch.push(5, ["", "é"].into_iter());
        let rows: Vec<_> = batch
            .rows()
            .map(|row| (row.number(), row.get(0), row.get(1)))
            .collect();
        assert_eq!(rows, [(2, Some("a"), None), (5, None, Some("é"))]);
        assert!(batch.row(2).is_none());
    }
}
