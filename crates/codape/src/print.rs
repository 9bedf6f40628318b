//! What the commands print for a person or for a program.

use std::fmt::Display;
use std::io::{self, Write};

use comfy_table::{ContentArrangement, Row, Table, presets};

/// Prints rows as a table without lines, no wider than the terminal.
pub fn table<R: Into<Row>>(rows: impl IntoIterator<Item = R>) -> anyhow::Result<()> {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .add_rows(rows);
    if let Some((width, _)) = terminal_size::terminal_size() {
        table.set_width(width.0);
    }
    if table.is_empty() {
        return Ok(());
    }
    line(table.trim_fmt())
}

/// Prints a line on standard output.
pub fn line(text: impl Display) -> anyhow::Result<()> {
    writeln!(io::stdout().lock(), "{text}")?;
    Ok(())
}

/// Prints a value as one line of JSON.
pub fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string(value)?)
}
