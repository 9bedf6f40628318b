//! The file of refused rows: which, and why.

use std::fmt;

use codape_trainer::cells;

/// Characters of a row that are shown.
const EXCERPT_CHARS: usize = 200;

/// A row that has no code, or could not be read at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The file that it is from.
    pub file: String,
    /// Its line in a CSV or JSON-lines file, its number in a Parquet file.
    pub row: u64,
    /// What is wrong.
    pub reason: String,
    /// How it, or its text, begins.
    pub excerpt: String,
}

impl Refusal {
    /// The beginning of a text.
    pub fn excerpt_of(text: &str) -> String {
        text.chars().take(EXCERPT_CHARS).collect()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {} of {}: {}", self.row, self.file, self.reason)
    }
}

/// The header of the file.
pub const HEADER: &str = "file,row,reason,excerpt\n";

/// The lines of the file for some rows. They are harmless in a spreadsheet.
pub fn lines(refusals: &[Refusal]) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for refusal in refusals {
        let row = refusal.row.to_string();
        let [file, reason, excerpt] =
            [&refusal.file, &refusal.reason, &refusal.excerpt].map(|text| cells::harmless(text));
        writer.write_record([&file, &row, &reason, &excerpt])?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}
