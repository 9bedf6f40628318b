//! Readers for files of cases, one JSON object a line.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Every case of a file of JSON lines.
///
/// # Panics
///
/// Where the file cannot be read or a line is not such a case: a test cannot
/// go on without its data.
#[must_use]
pub fn read_jsonl<T: DeserializeOwned>(path: &Path) -> Vec<T> {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .enumerate()
        .map(|(i, line)| {
            serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("{}:{}: {error}", path.display(), i + 1))
        })
        .collect()
}

/// One answer of the official program, in `conformance/engine/`.
#[derive(Clone, Debug, Deserialize)]
pub struct EngineCase {
    /// The line of text.
    pub input: String,
    /// The labels, best first.
    pub labels: Vec<String>,
    /// Their probabilities.
    pub probs: Vec<f64>,
}

/// One answer of the official program that the repository holds: the line may
/// be any bytes.
#[derive(Clone, Debug, Deserialize)]
pub struct GoldenCase {
    /// The line of text in hexadecimal digits.
    pub line_hex: String,
    /// How many labels were asked for.
    pub k: usize,
    /// The least probability asked for.
    pub threshold: f32,
    /// The labels, best first.
    pub labels: Vec<String>,
    /// Their probabilities: decimal numbers that stand for one `f32` each.
    pub probs: Vec<f32>,
    /// The sentence vector of the line.
    pub vector: Vec<f32>,
}

impl GoldenCase {
    /// The line of text.
    ///
    /// # Panics
    ///
    /// Where `line_hex` holds no hexadecimal digits.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        (0..self.line_hex.len() / 2)
            .map(|i| u8::from_str_radix(&self.line_hex[2 * i..2 * i + 2], 16))
            .collect::<Result<_, _>>()
            .unwrap_or_else(|error| panic!("{}: {error}", self.line_hex))
    }
}
