//! Arguments of `codape train-coder`. Its training options have fastText's
//! names, and defaults of their own: those of the recipe, for short texts.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use codape_trainer::{Quantize, Training};

/// Make a model package from a table of declarations
///
/// Reads a CSV or Parquet table with a text and its code, cleans, keeps a part
/// aside, trains, evaluates on that part, and writes a package with a report
/// (`report.html`), its metrics and the list of refused rows (`refused.csv`).
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape train-coder declarations.csv --output package --text libelle --code code\n  \
    codape train-coder declarations.parquet --output package --text libelle --code ape \\\n    \
    --categorical liasse_type,activ_nat_et --golden golden.csv --loss ova --dim 180\n  \
    codape code --package package \"coiffure à domicile\"")]
pub struct TrainCoder {
    /// The declarations, with their codes: CSV in UTF-8, or Parquet
    pub table: PathBuf,

    /// Directory of the package to make: a new one, or an empty one
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,

    /// The column of the text
    #[arg(long, value_name = "COLUMN")]
    pub text: String,

    /// The column of the code
    #[arg(long, value_name = "COLUMN")]
    pub code: String,

    /// The columns of the categorical variables, in order
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    pub categorical: Vec<String>,

    /// What parts the values of a CSV file: one ASCII character, or `tab`
    /// [default: guessed from the header]
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    pub delimiter: Option<u8>,

    /// The cleaning profile [default: the one that the program carries]
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,

    /// The nomenclature: `naf-rev2`, or a table of codes
    #[arg(long, value_name = "NAME|FILE", default_value = "naf-rev2")]
    pub nomenclature: String,

    /// Declarations with the codes that the model must find: a table with the
    /// same columns
    #[arg(long, value_name = "FILE")]
    pub golden: Option<PathBuf>,

    /// Share of the lines to keep aside for the evaluation; 0 for none
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub test_share: f64,

    /// Where random numbers start
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Repeat the examples of a code that has fewer than this; 0 for none
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub oversample: u64,

    /// Do not learn the official titles of codes that have no example
    #[arg(long)]
    pub no_titles: bool,

    #[command(flatten)]
    pub quantization: QuantizationArgs,

    #[command(flatten)]
    pub training: CoderTrainingArgs,
}

/// How the model is made smaller.
#[derive(Debug, Args)]
#[command(next_help_heading = "Quantization")]
pub struct QuantizationArgs {
    /// Quantize the model: a tenth of its size or less
    #[arg(long)]
    pub quantize: bool,

    /// Rows of words and n-grams to keep [default: all]
    #[arg(long, value_name = "N", requires = "quantize")]
    pub cutoff: Option<usize>,

    /// Numbers that one byte stands for
    #[arg(long, value_name = "N", default_value_t = 2, requires = "quantize")]
    pub dsub: usize,

    /// Quantize the output matrix too
    #[arg(long, requires = "quantize")]
    pub qout: bool,
}

impl QuantizationArgs {
    /// The options of the recipe, if the model is to be quantized.
    pub fn options(&self) -> Option<Quantize> {
        self.quantize.then(|| Quantize {
            dsub: self.dsub,
            qout: self.qout,
            cutoff: self.cutoff,
            ..Quantize::default()
        })
    }
}

/// What the model is trained with.
#[derive(Debug, Args)]
#[command(next_help_heading = "Training")]
pub struct CoderTrainingArgs {
    /// Learning rate at the start
    #[arg(long, default_value_t = Training::default().lr)]
    pub lr: f64,

    /// Tokens between two changes of the learning rate
    #[arg(long = "lrUpdateRate", default_value_t = Training::default().lr_update_rate)]
    pub lr_update_rate: u32,

    /// Numbers in a vector
    #[arg(long, default_value_t = Training::default().dim)]
    pub dim: usize,

    /// Times that the examples are read
    #[arg(long, default_value_t = Training::default().epoch)]
    pub epoch: u32,

    /// Occurrences that a word needs
    #[arg(long = "minCount", default_value_t = Training::default().min_count)]
    pub min_count: u32,

    /// Occurrences that a label needs
    #[arg(long = "minCountLabel", default_value_t = Training::default().min_count_label)]
    pub min_count_label: u32,

    /// Negative examples for each one, of the loss `ns`
    #[arg(long, default_value_t = Training::default().neg)]
    pub neg: u32,

    /// Words in the longest word n-gram; 1 means none
    #[arg(long = "wordNgrams", default_value_t = Training::default().word_ngrams)]
    pub word_ngrams: u32,

    /// The loss
    #[arg(long, default_value = "softmax")]
    pub loss: super::training::Loss,

    /// Rows that n-grams are hashed into
    #[arg(long, default_value_t = Training::default().bucket)]
    pub bucket: u32,

    /// Characters in the shortest character n-gram
    #[arg(long, default_value_t = Training::default().minn)]
    pub minn: u32,

    /// Characters in the longest character n-gram; 0 means none
    #[arg(long, default_value_t = Training::default().maxn)]
    pub maxn: u32,

    /// Threads [default: as many as there are processors]
    #[arg(long)]
    pub thread: Option<NonZeroUsize>,
}

impl CoderTrainingArgs {
    /// The options of the recipe, with `seed` for the random numbers.
    pub fn options(&self, seed: u64) -> Training {
        Training {
            lr: self.lr,
            lr_update_rate: self.lr_update_rate,
            dim: self.dim,
            epoch: self.epoch,
            min_count: self.min_count,
            min_count_label: self.min_count_label,
            neg: self.neg,
            word_ngrams: self.word_ngrams,
            loss: self.loss.into(),
            bucket: self.bucket,
            minn: self.minn,
            maxn: self.maxn,
            thread: self.thread,
            seed,
        }
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
        _ => Err("expected one ASCII character other than a quote, or `tab`".to_owned()),
    }
}
