//! Arguments of `codape train-coder`. Its training options have fastText's
//! names, and defaults of their own: those of the recipe, for short texts.

use std::path::PathBuf;

use clap::{Args, Command};
use codape_trainer::Quantize;

use super::training::TrainingArgs;

/// Make a model package from a table of declarations
///
/// Reads a CSV or Parquet table with a text and its code, cleans, keeps a part
/// aside, trains, evaluates on that part, and writes a package with a report
/// (`report.html`), its metrics and the list of refused rows (`refused.csv`).
#[derive(Debug, Args)]
#[command(defer(recipe_defaults))]
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
    pub training: TrainingArgs,
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

/// Puts the defaults of a recipe, for texts of a few words, in the place of
/// fastText's.
fn recipe_defaults(command: Command) -> Command {
    [
        ("lr", "0.3"),
        ("epoch", "20"),
        ("word_ngrams", "2"),
        ("bucket", "500000"),
        ("minn", "3"),
        ("maxn", "5"),
    ]
    .into_iter()
    .fold(command, |command, (name, default)| {
        command.mut_arg(name, |option| option.default_value(default))
    })
}

/// The byte that parts the values of a CSV file.
pub(super) fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
        _ => Err("expected one ASCII character other than a quote, or `tab`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use codape_trainer::Training;

    use crate::cli::{Cli, Command};

    #[test]
    fn the_defaults_are_those_of_a_recipe() {
        let line = "codape train-coder t.csv --output p --text t --code c";
        let cli = Cli::parse_from(line.split(' '));
        let Command::TrainCoder(arguments) = cli.command else {
            panic!("train-coder was asked for");
        };
        assert_eq!(arguments.training.recipe(0), Training::default());
    }
}
