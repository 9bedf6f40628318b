//! Arguments of `codape compare`.

use std::path::PathBuf;

use clap::Args;

use super::AccessArgs;
use super::train_coder::delimiter;

/// Compare two model packages on declarations
///
/// Codes each declaration of a CSV or Parquet table with both packages, and
/// says how often they agree, how often each is right and codes automatically,
/// with 95 % intervals, and whether one is right more often than chance explains
/// (exact McNemar test). A table without codes gives agreement alone.
///
/// The table has the text and the categorical variables under the names that
/// the packages have for them. Use declarations that neither was trained on.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape compare package new-package --data declarations.parquet --code ape\n  \
    codape compare package new-package --data declarations.csv --output differences.csv\n  \
    codape compare package new-package --data declarations.csv --json")]
pub struct Compare {
    /// Directory of the package in use
    pub a: PathBuf,

    /// Directory of the package that may replace it
    pub b: PathBuf,

    /// The declarations: CSV in UTF-8, or Parquet
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,

    /// The column of the text [default: what the packages call it]
    #[arg(long, value_name = "COLUMN")]
    pub text: Option<String>,

    /// The column of the right code [default: `code`, where there is one]
    #[arg(long, value_name = "COLUMN")]
    pub code: Option<String>,

    /// What parts the values of a CSV file: one ASCII character, or `tab`
    /// [default: guessed from the header]
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    pub delimiter: Option<u8>,

    /// Confidence index from which a declaration is coded automatically, 0 to 1
    #[arg(long, value_name = "IC", default_value_t = 0.8)]
    pub threshold: f64,

    /// Write the declarations for which the first codes differ: a CSV file with
    /// the code and the confidence index of each package
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Print everything as one JSON object
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub access: AccessArgs,
}
