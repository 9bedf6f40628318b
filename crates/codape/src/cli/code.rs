//! Arguments of `codape code`: one description, or files of them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use codape_table::{Cells, Format};

use super::train_coder::delimiter;
use super::{PackageArgs, S3Args};

/// Code one description, or files of them
///
/// Prints the best codes of a text with their probability, and whether the
/// answer is sure enough to be kept without a look.
///
/// With --output, codes files: CSV, JSON lines or Parquet, of any length, with
/// all their columns carried through and these added: `code`, `title`,
/// `probability`, `confidence_index`, `decision` (automatic, review, refused),
/// `suggestions` and `model_version`. Rows stay in their order. What was
/// interrupted goes on where it stopped when the same command is run again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape code \"coiffure à domicile\"\n  \
    codape code --json -k 3 \"élevage de chèvres\"\n  \
    codape code --feature evenement_type=01P \"boulangerie\"\n  \
    codape code declarations.csv --output coded.parquet\n  \
    codape code declarations.csv -o coded.csv --text libelle --feature nature=activ_nat_et\n  \
    codape code 's3://declarations/2024-*.parquet' -o s3://coded/2024/\n  \
    cat declarations.csv | codape code - --output - > coded.csv")]
pub struct Code {
    #[command(flatten)]
    pub package: PackageArgs,

    /// Suggestions for each description
    #[arg(short, value_name = "K", default_value_t = 5)]
    pub k: usize,

    /// Confidence index from which the first code is kept without a look, 0 to 1
    #[arg(long, value_name = "IC", default_value_t = 0.8)]
    pub threshold: f64,

    /// A categorical variable of the declaration, `NAME=VALUE`; of files, the
    /// column that holds it, `NAME=COLUMN` [default: the column of its name]; may
    /// be repeated
    #[arg(long = "feature", value_name = "NAME=VALUE")]
    pub features: Vec<String>,

    /// Print JSON instead of a table
    #[arg(long, conflicts_with = "output")]
    pub json: bool,

    #[command(flatten)]
    pub batch: BatchArgs,

    /// The description, as its author wrote it; with --output, the files: paths,
    /// patterns such as `2024-*.csv`, `s3://BUCKET/KEY`, or `-` for standard input
    #[arg(value_name = "TEXT|FILE", required = true)]
    pub inputs: Vec<String>,
}

/// What is said of files.
#[derive(Debug, Args)]
#[command(next_help_heading = "Files")]
pub struct BatchArgs {
    /// Code files, and write to this one: `.csv`, `.tsv`, `.jsonl`, `.ndjson` or
    /// `.parquet`; a folder, for one file of each; `s3://BUCKET/KEY`; or `-` for
    /// standard output
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<String>,

    /// Kind of the output: csv, jsonl or parquet [default: what its name says, or
    /// that of the input]
    #[arg(long, value_name = "KIND", requires = "output")]
    pub to: Option<Format>,

    /// The column of the text [default: what the package calls it, or the only
    /// column]
    #[arg(long, value_name = "COLUMN", requires = "output")]
    pub text: Option<String>,

    /// Columns `code_1`, `title_1`, `probability_1`, `code_2`... in place of the
    /// nested `suggestions`
    #[arg(long, requires = "output")]
    flat: bool,

    /// What to put before the names of the added columns
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        requires = "output"
    )]
    pub prefix: String,

    /// Encoding of CSV and JSON lines
    #[arg(
        long,
        value_name = "ENCODING",
        default_value = "utf-8",
        requires = "output"
    )]
    pub encoding: TextEncoding,

    /// What parts the values of CSV input: one ASCII character, or `tab`
    /// [default: guessed from the header]
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter, requires = "output")]
    pub delimiter: Option<u8>,

    /// What parts the values of CSV output [default: what parts those of the
    /// input; a tab for `.tsv`]
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter, requires = "output")]
    pub output_delimiter: Option<u8>,

    /// Put a `'` before texts of CSV output that a spreadsheet would run as
    /// formulas
    #[arg(long, requires = "output")]
    safe_cells: bool,

    /// CSV file of the refused rows, with number and reason [default:
    /// OUT.refused.csv, made if there are any]
    #[arg(long, value_name = "FILE", requires = "output")]
    pub refused: Option<PathBuf>,

    /// Stop at the first row that is refused
    #[arg(long, requires = "output")]
    pub strict: bool,

    /// Begin anew what was interrupted
    #[arg(long, requires = "output")]
    pub restart: bool,

    /// Write the summary to a file too, as JSON
    #[arg(long, value_name = "FILE", requires = "output")]
    pub summary: Option<PathBuf>,

    /// Say nothing but errors
    #[arg(short, long, requires = "output")]
    quiet: bool,

    #[command(flatten)]
    pub s3: S3Args,
}

/// How CSV and JSON lines are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TextEncoding {
    /// UTF-8, with or without a byte-order mark
    #[value(name = "utf-8")]
    Utf8,
    /// Latin-1 as Windows and browsers have it (Windows-1252), with € and œ
    #[value(name = "latin-1", alias = "iso-8859-1", alias = "windows-1252")]
    Latin1,
}

/// The form of the suggestions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flatness {
    /// One column, of lists.
    Nested,
    /// Columns of their own.
    Flat,
}

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volume {
    /// Errors alone.
    Quiet,
    /// Progress, warnings and a summary too.
    Normal,
}

impl BatchArgs {
    /// The form of the suggestions.
    pub fn flatness(&self) -> Flatness {
        match self.flat {
            true => Flatness::Flat,
            false => Flatness::Nested,
        }
    }

    /// What becomes of formulas.
    pub fn cells(&self) -> Cells {
        match self.safe_cells {
            true => Cells::Safe,
            false => Cells::AsTheyAre,
        }
    }

    /// How much is said.
    pub fn volume(&self) -> Volume {
        match self.quiet {
            true => Volume::Quiet,
            false => Volume::Normal,
        }
    }
}
