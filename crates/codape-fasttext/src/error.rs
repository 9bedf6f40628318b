//! What can go wrong, with the place where it did.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a model file could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The system refused the file.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a model that can be trusted.
    #[error("{path} is not a usable fastText model")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with its bytes.
        source: FormatError,
    },
}

/// What is wrong with the bytes of a model.
///
/// Offsets are in bytes from the start of the file; fields are named as in
/// the reference's source, with the part of the file before a dot.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The file does not start as a fastText model does.
    #[error(
        "the file starts with {found:02x?} where a fastText model has ba 16 4f 2f{}",
        Guess(found)
    )]
    BadMagic {
        /// The first bytes, at most four.
        found: Vec<u8>,
    },
    /// The file ends inside a field.
    #[error(
        "the file is cut short: {field} at offset {offset} takes {needed} bytes, {available} are left"
    )]
    Truncated {
        /// The field.
        field: &'static str,
        /// Where the field starts.
        offset: usize,
        /// The bytes that it takes.
        needed: u64,
        /// The bytes that are left.
        available: u64,
    },
    /// A field contradicts the format or another field.
    #[error("{field} at offset {offset} is {found}, expected {expected}")]
    Inconsistent {
        /// The field.
        field: &'static str,
        /// Where the field starts.
        offset: usize,
        /// What it holds.
        found: String,
        /// What it may hold.
        expected: String,
    },
    /// The model ends before the file does.
    #[error("{extra} bytes follow the end of the model at offset {offset}")]
    TrailingBytes {
        /// Where the model ends.
        offset: usize,
        /// The bytes after it.
        extra: usize,
    },
}

/// Says what a file that is not a model looks like.
struct Guess<'a>(&'a [u8]);

impl fmt::Display for Guess<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let guess = match self.0 {
            [] => "the file is empty",
            [b'P', b'K', ..] => "it looks like a zip archive",
            [0x1f, 0x8b, ..] => "it looks like a gzip archive: unpack it first",
            [0x80, 2..=5, ..] => "it looks like a Python pickle, which is never read",
            [b'<', ..] => "it looks like a web page: the download failed",
            [b'v', b'e', b'r', b's'] => "it looks like a Git LFS pointer: fetch the file itself",
            _ => return Ok(()),
        };
        write!(f, " ({guess})")
    }
}

/// Why a question cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// No label was asked for.
    #[error("k is 0, expected at least 1")]
    NoLabels,
    /// The threshold is not a number.
    #[error("the threshold is not a number")]
    ThresholdNotANumber,
}

/// Why a model does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PredictError {
    /// Only supervised models have labels to predict.
    #[error("the model is not supervised: it has word vectors and no labels")]
    NotSupervised,
    /// A weight that the text needs is not finite, or so large that a sum is
    /// not: the file is damaged.
    #[error("the model gives no finite number for this text: its file is damaged")]
    NotFinite,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_kind_is_told_by_its_first_bytes() {
        let error = FormatError::BadMagic {
            found: b"<!DO".to_vec(),
        };
        assert_eq!(
            error.to_string(),
            "the file starts with [3c, 21, 44, 4f] where a fastText model has ba 16 4f 2f \
             (it looks like a web page: the download failed)"
        );
    }
}
