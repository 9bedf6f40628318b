//! Values of a column one by one, for files of text.

use std::fmt::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, ListArray, PrimitiveArray, StringArray, StructArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{DataType, Field};

use crate::EncodeError;
use crate::rows::is_json;

/// How dates and the like are written; a value that has no form is an error.
const FORMAT: FormatOptions<'static> = FormatOptions::new().with_display_error(false);

/// A column, ready to be written value by value.
pub(super) enum Column<'a> {
    Text(&'a StringArray),
    /// Values that are JSON already.
    Json(&'a StringArray),
    Float32(&'a PrimitiveArray<Float32Type>),
    Float64(&'a PrimitiveArray<Float64Type>),
    List(&'a ListArray, Box<Column<'a>>),
    Struct(&'a StructArray, Vec<(String, Column<'a>)>),
    /// What is written without quotes in JSON: integers, decimals, booleans.
    Plain(&'a dyn Array, ArrayFormatter<'a>),
    /// All others.
    Shown(&'a dyn Array, ArrayFormatter<'a>),
}

impl<'a> Column<'a> {
    pub(super) fn new(field: &Field, values: &'a ArrayRef) -> Result<Self, EncodeError> {
        Ok(match values.data_type() {
            DataType::Utf8 if is_json(field) => Self::Json(values.as_string()),
            DataType::Utf8 => Self::Text(values.as_string()),
            DataType::Float32 => Self::Float32(values.as_primitive()),
            DataType::Float64 => Self::Float64(values.as_primitive()),
            DataType::List(inner) => {
                let list: &ListArray = values.as_list();
                Self::List(list, Box::new(Self::new(inner, list.values())?))
            }
            DataType::Struct(fields) => {
                let values = values.as_struct();
                let columns = fields.iter().zip(values.columns()).map(|(field, values)| {
                    let name = serde_json::Value::from(field.name().as_str()).to_string();
                    Ok((name, Self::new(field, values)?))
                });
                Self::Struct(values, columns.collect::<Result<_, EncodeError>>()?)
            }
            kind => {
                let shown = ArrayFormatter::try_new(values, &FORMAT);
                let shown = shown.map_err(|source| EncodeError::Column {
                    column: field.name().clone(),
                    found: kind.to_string(),
                    source,
                })?;
                let is_plain =
                    kind.is_integer() || kind.is_decimal() || matches!(kind, DataType::Boolean);
                match is_plain {
                    true => Self::Plain(values, shown),
                    false => Self::Shown(values, shown),
                }
            }
        })
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Text(values) | Self::Json(values) => values.is_null(row),
            Self::Float32(values) => values.is_null(row),
            Self::Float64(values) => values.is_null(row),
            Self::List(values, _) => values.is_null(row),
            Self::Struct(values, _) => values.is_null(row),
            Self::Plain(values, _) | Self::Shown(values, _) => values.is_null(row),
        }
    }

    /// Appends a value as JSON.
    pub(super) fn json(&self, row: usize, bytes: &mut Vec<u8>) {
        if self.is_null(row) {
            bytes.extend_from_slice(b"null");
            return;
        }
        match self {
            Self::Text(values) => string(values.value(row), bytes),
            Self::Json(values) => bytes.extend_from_slice(values.value(row).as_bytes()),
            // JSON has no form for what is not finite: serde_json writes null.
            Self::Float32(values) => number(values.value(row), bytes),
            Self::Float64(values) => number(values.value(row), bytes),
            Self::List(list, inner) => {
                let offsets = list.value_offsets();
                bytes.push(b'[');
                for item in offsets[row]..offsets[row + 1] {
                    if item > offsets[row] {
                        bytes.push(b',');
                    }
                    inner.json(item as usize, bytes);
                }
                bytes.push(b']');
            }
            Self::Struct(_, columns) => object(columns, row, bytes),
            Self::Plain(_, shown) => {
                let mut text = String::new();
                show(shown, row, &mut text);
                bytes.extend_from_slice(text.as_bytes());
            }
            Self::Shown(_, shown) => {
                let mut text = String::new();
                show(shown, row, &mut text);
                string(&text, bytes);
            }
        }
    }

    /// Appends a value as the text of a cell; nothing for a missing one.
    pub(super) fn text(&self, row: usize, text: &mut String) {
        if self.is_null(row) {
            return;
        }
        match self {
            Self::Text(values) => text.push_str(values.value(row)),
            Self::Plain(_, shown) | Self::Shown(_, shown) => show(shown, row, text),
            Self::Float32(values) if !values.value(row).is_finite() => {
                let _ = write!(text, "{}", values.value(row));
            }
            Self::Float64(values) if !values.value(row).is_finite() => {
                let _ = write!(text, "{}", values.value(row));
            }
            Self::Json(_)
            | Self::Float32(_)
            | Self::Float64(_)
            | Self::List(..)
            | Self::Struct(..) => {
                let mut bytes = Vec::new();
                self.json(row, &mut bytes);
                text.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
    }
}

/// Appends a value that has a form; one that has none is left empty.
fn show(shown: &ArrayFormatter<'_>, row: usize, text: &mut String) {
    let length = text.len();
    if write!(text, "{}", shown.value(row)).is_err() {
        text.truncate(length);
    }
}

/// Appends a string of JSON.
pub(super) fn string(text: &str, bytes: &mut Vec<u8>) {
    serde_json::to_writer(bytes, text).expect("a string has a form in JSON");
}

fn number(value: impl Into<Float>, bytes: &mut Vec<u8>) {
    let written = match value.into() {
        Float::F32(value) => serde_json::to_writer(bytes, &value),
        Float::F64(value) => serde_json::to_writer(bytes, &value),
    };
    written.expect("a number has a form in JSON");
}

/// A number of either length: the shortest digits that give it back depend on
/// that.
enum Float {
    F32(f32),
    F64(f64),
}

impl From<f32> for Float {
    fn from(value: f32) -> Self {
        Self::F32(value)
    }
}

impl From<f64> for Float {
    fn from(value: f64) -> Self {
        Self::F64(value)
    }
}

/// Appends a row as an object: columns by their names, which are JSON already.
pub(super) fn object(columns: &[(String, Column<'_>)], row: usize, bytes: &mut Vec<u8>) {
    bytes.push(b'{');
    for (place, (name, column)) in columns.iter().enumerate() {
        if place > 0 {
            bytes.push(b',');
        }
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(b':');
        column.json(row, bytes);
    }
    bytes.push(b'}');
}
