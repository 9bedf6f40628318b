//! Reading a table of codes: bounded, cell by cell, before anything is made of it.
//!
//! The format is what an office can type in a spreadsheet: UTF-8 with or without a byte-order mark,
//! columns apart by commas, semicolons or tabs (the header's first decides), in any order, others
//! ignored.

use std::io::Read;

use crate::error::Error;
use crate::fold::clip;

/// The longest table that is read, in bytes.
pub const MAX_TABLE_BYTES: u64 = 32 << 20;
/// The most rows that a table may have.
pub const MAX_ROWS: usize = 100_000;
/// The longest code, in bytes.
pub const MAX_CODE_BYTES: usize = 64;

/// One row, its cells checked on their own.
pub(crate) struct Row {
    pub(crate) line: u64,
    pub(crate) code: String,
    pub(crate) display: String,
    pub(crate) level: String,
    /// Empty for a root.
    pub(crate) parent: String,
    pub(crate) title: String,
}

struct Columns {
    code: usize,
    display: Option<usize>,
    level: usize,
    parent: usize,
    title: usize,
}

impl Columns {
    fn find(header: &csv::StringRecord) -> Result<Self, Error> {
        let optional = |column: &'static str| {
            let mut found =
                (0..header.len()).filter(|i| header[*i].trim().eq_ignore_ascii_case(column));
            match (found.next(), found.next()) {
                (_, Some(_)) => Err(Error::RepeatedColumn { column }),
                (first, None) => Ok(first),
            }
        };
        let required = |column| optional(column)?.ok_or(Error::MissingColumn { column });
        Ok(Self {
            code: required("code")?,
            display: optional("display")?,
            level: required("level")?,
            parent: required("parent")?,
            title: required("title")?,
        })
    }
}

/// Reads every row, in the table's order.
pub(crate) fn read(reader: impl Read) -> Result<Vec<Row>, Error> {
    let mut bytes = Vec::new();
    reader
        .take(MAX_TABLE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(Error::Read)?;
    if bytes.len() as u64 > MAX_TABLE_BYTES {
        return Err(Error::TooLarge {
            limit_bytes: MAX_TABLE_BYTES,
        });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);

    let mut table = csv::ReaderBuilder::new()
        .delimiter(delimiter(bytes))
        .from_reader(bytes);
    let columns = Columns::find(table.headers().map_err(Error::Csv)?)?;

    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    while table.read_record(&mut record).map_err(Error::Csv)? {
        if rows.len() == MAX_ROWS {
            return Err(Error::TooManyRows { limit: MAX_ROWS });
        }
        rows.push(row(&columns, &record)?);
    }
    if rows.is_empty() {
        Err(Error::Empty)
    } else {
        Ok(rows)
    }
}

fn row(columns: &Columns, record: &csv::StringRecord) -> Result<Row, Error> {
    let line = record.position().map_or(0, csv::Position::line);
    // The reader's own trimming copies every row.
    let cell = |column: usize| record[column].trim();
    let code = cell(columns.code);
    if !is_code(code) || code.contains(char::is_whitespace) {
        return Err(Error::BadCode {
            line,
            code: shown(code),
        });
    }
    let display = match columns.display.map(cell) {
        None | Some("") => code,
        Some(display) if is_code(display) => display,
        Some(display) => {
            return Err(Error::BadCode {
                line,
                code: shown(display),
            });
        }
    };
    let title = cell(columns.title);
    if title.is_empty() {
        return Err(Error::EmptyTitle {
            line,
            code: shown(code),
        });
    }
    Ok(Row {
        line,
        code: code.to_owned(),
        display: display.to_owned(),
        level: cell(columns.level).to_owned(),
        parent: cell(columns.parent).to_owned(),
        title: title.to_owned(),
    })
}

/// Whichever of the three stands first in the first line that has one; a comma if none does.
fn delimiter(bytes: &[u8]) -> u8 {
    let header = bytes.iter().skip_while(|b| b.is_ascii_whitespace());
    let mut header = header.take_while(|b| !matches!(b, b'\n' | b'\r'));
    header
        .find(|b| matches!(b, b',' | b';' | b'\t'))
        .copied()
        .unwrap_or(b',')
}

/// Whether a cell can be a code or the way in which one is written (which may hold blanks).
fn is_code(cell: &str) -> bool {
    cell.len() <= MAX_CODE_BYTES
        && cell.contains(char::is_alphanumeric)
        && !cell.contains(char::is_control)
}

/// A cell as an error shows it.
pub(crate) fn shown(cell: &str) -> String {
    clip(cell, MAX_CODE_BYTES).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_decides_what_parts_the_columns() {
        assert_eq!(delimiter(b"code,level\na;b"), b',');
        assert_eq!(delimiter(b"code;level\na,b"), b';');
        assert_eq!(delimiter(b"\r\ncode\tlevel"), b'\t');
        assert_eq!(delimiter(b"code\na;b"), b',');
        assert_eq!(delimiter(b""), b',');
    }

    #[test]
    fn a_table_without_end_is_refused() {
        let endless = std::io::repeat(b'a');
        assert!(matches!(
            read(endless),
            Err(Error::TooLarge {
                limit_bytes: MAX_TABLE_BYTES
            })
        ));
    }

    #[test]
    fn too_many_rows_are_refused() {
        let mut table = String::from("code,level,parent,title\n");
        for i in 0..=MAX_ROWS {
            table.push_str(&format!("{i},item,,t\n"));
        }
        assert!(matches!(
            read(table.as_bytes()),
            Err(Error::TooManyRows { limit: MAX_ROWS })
        ));
    }
}
