//! The arguments of the command line, and the help that teaches them.

mod autotune;
mod code;
mod compare;
mod compress;
mod journal;
mod journal_commands;
mod measure;
mod quantize;
mod registry;
mod source;
mod train_coder;
mod training;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use codape_fasttext::Access;

pub use autotune::{AutotuneArgs, Typed};
pub use code::{BatchArgs, Code, Flatness, TextEncoding, Volume};
pub use compare::Compare;
pub use compress::Compress;
pub use journal::{JournalArgs, RecordForm};
pub use journal_commands::{
    ExportFormat, JournalCommand, JournalCompact, JournalExport, JournalForget, JournalImport,
    JournalShow, JournalTail, JournalVerify, PersonalArgs, View,
};
pub use measure::Test;
pub use quantize::Quantize;
pub use registry::{Fetch, History, List, Promote, Push, Registry, Rollback, Show, variable};
pub use source::{RegistryArgs, S3Args, SourceArgs, cache_directory};
pub use train_coder::TrainCoder;
pub use training::Train;

/// Codes free-text descriptions of business activity to a statistical
/// nomenclature.
///
/// With no package named, the commands use the one that the program carries:
/// French activities, NAF Rev. 2.
#[derive(Debug, Parser)]
#[command(name = "codape", version, arg_required_else_help = true)]
#[command(after_help = "Try:\n  codape code \"coiffure à domicile\"\n  codape serve")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    Serve(Box<Serve>),
    Code(Code),
    Predict(Predict),
    Clean(Clean),
    #[command(subcommand)]
    Nomenclature(Nomenclature),
    Inspect(Inspect),
    Test(Test),
    Quantize(Quantize),
    Compress(Compress),
    Train(Train),
    TrainCoder(TrainCoder),
    Compare(Compare),
    #[command(subcommand)]
    Registry(Registry),
    #[command(subcommand)]
    Journal(JournalCommand),
    #[command(subcommand)]
    Config(Config),
    Completions(Completions),
}

/// Which coder to use.
#[derive(Debug, Args)]
pub struct PackageArgs {
    /// Directory of a model package, with its `coder.json` [default: the
    /// package that the program carries]
    #[arg(long, value_name = "DIR", env = "CODAPE_PACKAGE")]
    pub package: Option<PathBuf>,

    #[command(flatten)]
    pub access: AccessArgs,
}

/// How model files come into memory.
#[derive(Debug, Args)]
pub struct AccessArgs {
    /// Read the model into memory instead of mapping it: for a file that
    /// others may change while it is in use
    #[arg(long)]
    pub read: bool,
}

impl AccessArgs {
    /// How to bring a model file into memory.
    pub fn access(&self) -> Access {
        if self.read { Access::Read } else { Access::Map }
    }
}

/// Start the HTTP service
///
/// Answers `GET /predict`, `POST /predict-batch`, `POST /evaluation`,
/// `GET /`, `GET /health`, `GET /ready` and `GET /metrics`. SIGTERM stops it once
/// the requests in hand are answered.
///
/// A model that a registry names is fetched, and kept up to date without a stop:
/// `MLFLOW_TRACKING_URI`, `MLFLOW_MODEL_NAME` and `MLFLOW_MODEL_VERSION` are all
/// that is needed. `POST /admin/reload`, with the token of `CODAPE_ADMIN_TOKEN` or
/// from this machine, or SIGHUP looks for another version at once.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape serve --listen 0.0.0.0:8000\n  \
    codape serve --model models:/FastText-APE@champion --tracking-uri http://mlflow:5000\n  \
    curl -G http://localhost:8000/predict --data-urlencode 'text_description=coiffure à domicile'")]
pub struct Serve {
    /// File that says what these options say, in TOML: `listen = "0.0.0.0:8000"`;
    /// what the command line or the environment says goes before it
    #[arg(long, value_name = "FILE", env = "CODAPE_CONFIG")]
    pub config: Option<PathBuf>,

    #[command(flatten)]
    pub package: PackageArgs,

    #[command(flatten)]
    pub source: SourceArgs,

    #[command(flatten)]
    pub registry: RegistryArgs,

    #[command(flatten)]
    pub journal: JournalArgs,

    /// Address and port to listen on
    #[arg(
        long,
        value_name = "ADDR",
        env = "CODAPE_LISTEN",
        default_value = "127.0.0.1:8000"
    )]
    pub listen: SocketAddr,

    /// Where the rows of a large model are kept
    #[arg(
        long,
        value_name = "WHERE",
        env = "CODAPE_MEMORY",
        default_value = "own"
    )]
    pub memory: Memory,

    /// How to write the log, which goes to standard error
    #[arg(
        long,
        value_name = "FORMAT",
        env = "CODAPE_LOG_FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,
}

/// The settings of the service
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Show the settings of `codape serve`, and where each comes from
    Show {
        /// Configuration file
        #[arg(long, value_name = "FILE", env = "CODAPE_CONFIG")]
        config: Option<PathBuf>,
    },
}

/// Where the rows of a large model are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Memory {
    /// In memory of the process's own: copied, if there is room, while the
    /// service answers already; answers then take less time
    Own,
    /// In the mapped file, which several processes share
    Shared,
}

/// How a log is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// Lines for a person.
    Text,
    /// One JSON object a line.
    Json,
}

/// Predict labels with any fastText model
///
/// Takes one raw line a text, with no cleaning, and prints one JSON object a
/// line: `{"labels": [...], "probs": [...]}`, best first.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  printf 'activit organis associ\\n' | codape predict --model model.bin -k 3"
)]
pub struct Predict {
    /// The model: a `.bin` or `.ftz` file of fastText
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,

    /// Labels to print for each line; -1 prints all of them
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

    #[command(flatten)]
    pub access: AccessArgs,

    /// The lines [default: standard input]
    #[arg(value_name = "FILE")]
    pub input: Option<PathBuf>,
}

/// Clean texts as a model's cleaning profile does
///
/// Takes one text a line and prints one cleaned text a line.
#[derive(Debug, Args)]
pub struct Clean {
    /// The cleaning profile, such as a package's `cleaning.json` [default: the
    /// one that the program carries]
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,

    /// The texts [default: standard input]
    #[arg(value_name = "FILE")]
    pub input: Option<PathBuf>,
}

/// Look codes up
#[derive(Debug, Subcommand)]
pub enum Nomenclature {
    /// Show a code with what is above and below it; the sections with no code
    Show {
        #[command(flatten)]
        table: TableArgs,
        /// The code, with or without its dot (`56.10C`, `5610C`)
        code: Option<String>,
    },
    /// Find codes by the words of their titles, accents or not
    Search {
        #[command(flatten)]
        table: TableArgs,
        /// The most codes to print
        #[arg(short, value_name = "N", default_value_t = 10)]
        n: usize,
        /// The words, or the beginning of a code
        #[arg(required = true)]
        words: Vec<String>,
    },
}

/// Which nomenclature to look in.
#[derive(Debug, Args)]
pub struct TableArgs {
    /// A table of codes [default: NAF Rev. 2]
    #[arg(long, value_name = "FILE")]
    pub table: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Show what is in a fastText model file
#[derive(Debug, Args)]
pub struct Inspect {
    /// Print JSON
    #[arg(long)]
    pub json: bool,

    /// Read every number of the file too, and say whether all are finite
    #[arg(long)]
    pub verify: bool,

    #[command(flatten)]
    pub access: AccessArgs,

    /// The model: a `.bin` or `.ftz` file of fastText
    pub model: PathBuf,
}

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  codape completions bash > ~/.local/share/bash-completion/completions/codape"
)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}
