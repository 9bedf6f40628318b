//! A column as text, whatever its type.

use std::borrow::Cow;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_cast::cast;
use arrow_schema::{DataType, Field};

use super::JSON_KEY;
use crate::columns;
use crate::parquet::becomes_text;

/// The values of a column as text; null where there is none, and where the
/// value is of a type that has no form as text (a list, say). A string of JSON
/// is what is between its quotes.
///
/// # Panics
///
/// If there are fewer columns.
#[must_use]
pub fn column_as_text(rows: &RecordBatch, column: usize) -> StringArray {
    let values = rows.column(column);
    if is_json(rows.schema_ref().field(column)) {
        return unquoted(values.as_string());
    }
    if let Some(text) = values.as_string_opt::<i32>() {
        return text.clone();
    }
    let text = becomes_text(values.data_type()).then(|| cast(values, &DataType::Utf8));
    match text {
        Some(Ok(text)) => text.as_string().clone(),
        _ => StringArray::new_null(values.len()),
    }
}

/// The name of `names` that is most like `name`, if one is.
#[must_use]
pub fn nearest_name(name: &str, names: &[String]) -> Option<String> {
    columns::nearest(name, names)
}

/// Whether the values of a column are JSON.
pub(crate) fn is_json(field: &Field) -> bool {
    field.metadata().contains_key(JSON_KEY)
}

/// Values of JSON as text.
pub(crate) fn unquoted(json: &StringArray) -> StringArray {
    let mut text = StringBuilder::with_capacity(json.len(), json.value_data().len());
    for value in json {
        let Some(value) = value else {
            text.append_null();
            continue;
        };
        let inside = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
        let string = match inside {
            Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
            Some(_) => serde_json::from_str(value).ok().map(Cow::Owned),
            None => None,
        };
        let string: Option<Cow<'_, str>> = string;
        text.append_value(string.as_deref().unwrap_or(value));
    }
    text.finish()
}
