//! Options of quantization, under the names that fastText gives them.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use codape_fasttext::{QuantizeOptions, TrainOptions};

use super::AccessArgs;

/// Make a model small
///
/// Keeps numbers as codes, and with `--cutoff` only the most important words
/// and n-grams. The file is the one that `fasttext quantize` makes, and opens
/// there.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape quantize --input model.bin --output model.ftz --qnorm\n  \
    codape quantize --input model.bin --output model.ftz --qnorm --qout --cutoff 100000\n  \
    codape quantize --input model.bin --output model.ftz --qnorm --cutoff 100000 \\\n    \
    --retrain --text train.txt")]
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

    /// Train again what the cutoff keeps, so that it makes up for the rest
    #[arg(long, requires_all = ["text", "cutoff"])]
    pub retrain: bool,

    #[command(flatten)]
    pub retraining: RetrainArgs,

    #[command(flatten)]
    pub access: AccessArgs,
}

/// How what a cutoff keeps is trained again.
#[derive(Debug, Args)]
#[command(next_help_heading = "Retraining")]
pub struct RetrainArgs {
    /// The labelled lines, as a rule those that the model was trained on
    #[arg(long, value_name = "FILE", requires = "retrain")]
    pub text: Option<PathBuf>,

    /// Times that the text is read
    #[arg(long, default_value_t = 5, requires = "retrain")]
    pub epoch: u32,

    /// Learning rate at the start
    #[arg(long, default_value_t = 0.1, requires = "retrain")]
    pub lr: f64,

    /// Threads [default: as many as there are processors]
    #[arg(long, requires = "retrain")]
    pub thread: Option<NonZeroUsize>,

    /// How labels start
    #[arg(
        long,
        value_name = "PREFIX",
        default_value = "__label__",
        requires = "retrain"
    )]
    pub label: String,
}

impl RetrainArgs {
    /// The options of the engine.
    pub fn options(&self) -> TrainOptions {
        let defaults = TrainOptions::default();
        TrainOptions {
            lr: self.lr,
            epoch: self.epoch,
            threads: self.thread.unwrap_or(defaults.threads),
            label_prefix: self.label.clone(),
            ..defaults
        }
    }
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
