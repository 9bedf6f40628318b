//! Rows as lines of JSON.

use arrow_array::RecordBatch;

use super::cells::{Column, object};
use crate::EncodeError;

/// Appends one object a row, its fields in the order of the columns.
pub(super) fn rows(rows: &RecordBatch, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
    let columns: Vec<(String, Column<'_>)> = rows
        .schema_ref()
        .fields()
        .iter()
        .zip(rows.columns())
        .map(|(field, values)| {
            let name = serde_json::Value::from(field.name().as_str()).to_string();
            Ok((name, Column::new(field, values)?))
        })
        .collect::<Result<_, EncodeError>>()?;
    for row in 0..rows.num_rows() {
        object(&columns, row, bytes);
        bytes.push(b'\n');
    }
    Ok(())
}
