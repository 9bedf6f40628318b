//! Options of testing a model.

use std::path::PathBuf;

use clap::Args;

use super::AccessArgs;

/// Measure a model on labelled lines
///
/// Each line holds its labels (`__label__5610C`) among its words. Prints the
/// number of lines, precision and recall among the k best labels, as
/// `fasttext test` does; lines without a label that the model knows are passed
/// over.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape test --model model.bin valid.txt\n  \
    codape test --model model.ftz -k 5 --per-label valid.txt\n  \
    codape test --model model.bin --json valid.txt")]
pub struct Test {
    /// The model: a `.bin` or `.ftz` file of fastText
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,

    /// Labels to predict for each line; -1 predicts all of them
    #[arg(
        short,
        value_name = "K",
        default_value_t = 1,
        allow_negative_numbers = true
    )]
    pub k: i64,

    /// Leave out labels below this probability
    #[arg(long, value_name = "T", default_value_t = 0.0)]
    pub threshold: f32,

    /// Print F1 score, precision and recall of each label too
    #[arg(long)]
    pub per_label: bool,

    /// Print everything as one JSON object
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub access: AccessArgs,

    /// The labelled lines [default: standard input]
    #[arg(value_name = "FILE")]
    pub input: Option<PathBuf>,
}
