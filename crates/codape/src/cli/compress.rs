//! Options of `codape compress`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use codape_fasttext::PackedRows;

/// Make a model that answers faster from a quarter of the memory
///
/// Keeps the rows of the input matrix in fewer bits, and adds up the rows of
/// each known word. The file is codape's own, which fastText does not open;
/// probabilities differ in the third digit. To make a model as small as can be
/// instead, there is `codape quantize`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape compress --input package --output package-compressed --test held-out.txt\n  \
    codape compress --input model.bin --output model.codape --rows bf16")]
pub struct Compress {
    /// The directory of a package, or a `.bin` file
    #[arg(long, value_name = "PACKAGE | MODEL.bin")]
    pub input: PathBuf,

    /// What to write: a directory for a package, a file for a model
    #[arg(long, value_name = "PATH")]
    pub output: PathBuf,

    /// Bits of a number
    #[arg(long, value_name = "FORMAT", default_value = "int8")]
    pub rows: RowsArg,

    /// Labelled lines, as `codape test` takes them: say how often both models
    /// find the label
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
}

/// Bits of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RowsArg {
    /// 8, and 32 for each row
    Int8,
    /// 16
    Bf16,
}

impl From<RowsArg> for PackedRows {
    fn from(rows: RowsArg) -> Self {
        match rows {
            RowsArg::Int8 => Self::Int8,
            RowsArg::Bf16 => Self::Bf16,
        }
    }
}
