//! Options of quantization, under the names that fastText gives them.

use std::path::PathBuf;

use clap::Args;
use codape_fasttext::QuantizeOptions;

use super::AccessArgs;

/// Make a model small
///
/// Keeps numbers as codes, and with `--cutoff` only the most important words
/// and n-grams. The file is the one that `fasttext quantize` makes, and opens
/// there.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape quantize --input model.bin --output model.ftz --qnorm\n  \
    codape quantize --input model.bin --output model.ftz --qnorm --qout --cutoff 100000")]
pub struct Quantize {
    /// The model, a `.bin` file
    #[arg(long, value_name = "MODEL.bin")]
    pub input: PathBuf,

    /// The small model to write, a `.ftz` file
    #[arg(long, value_name = "MODEL.ftz")]
    pub output: PathBuf,

    /// Keep the lengths of vectors apart, one byte each
    #[arg(long)]
    pub qnorm: bool,

    /// Quantize the labels' vectors too
    #[arg(long)]
    pub qout: bool,

    /// Words and n-grams to keep [default: all]
    #[arg(long, value_name = "N")]
    pub cutoff: Option<usize>,

    /// Numbers that one byte stands for
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub dsub: usize,

    #[command(flatten)]
    pub access: AccessArgs,
}

impl Quantize {
    /// The options of the engine; there, as in fastText, a cutoff of 0 is
    /// none.
    pub fn options(&self) -> QuantizeOptions {
        QuantizeOptions {
            dsub: self.dsub,
            qnorm: self.qnorm,
            qout: self.qout,
            cutoff: self.cutoff.filter(|cutoff| *cutoff > 0),
        }
    }
}
