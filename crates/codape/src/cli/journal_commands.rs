//! Options of `codape journal`.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use codape_journal::{Choice, Days, Privacy, Time};

use super::S3Args;
use super::journal::ArchiveFilesArgs;

/// Records of declarations that were coded: look, compact, check, export, import,
/// forget
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    Compact(JournalCompact),
    Tail(JournalTail),
    Show(JournalShow),
    Verify(JournalVerify),
    Export(JournalExport),
    Import(JournalImport),
    Forget(JournalForget),
}

/// Make Parquet of a journal that no service has open
///
/// A service that is told `--journal-archive` does this itself, in the background.
/// What was compacted leaves the journal; to do it again, also after it was broken
/// off, neither loses nor doubles a record.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape journal compact --journal journal --output archive\n  \
    codape journal compact --journal journal --output s3://logs/ape --journal-by caller")]
pub struct JournalCompact {
    /// Directory of the journal
    #[arg(long, value_name = "DIR", env = "CODAPE_JOURNAL")]
    pub journal: PathBuf,

    /// The archive: a directory or `s3://BUCKET/PREFIX`
    #[arg(long, value_name = "ARCHIVE", env = "CODAPE_JOURNAL_ARCHIVE")]
    pub output: String,

    /// A second archive, for the flat view that dashboards of 2024 read
    #[arg(long, value_name = "ARCHIVE")]
    pub dashboard: Option<String>,

    #[command(flatten)]
    pub files: ArchiveFilesArgs,

    #[command(flatten)]
    pub s3: S3Args,
}

/// Print the last records of a journal, one JSON object a line
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  codape journal tail --journal journal --follow")]
pub struct JournalTail {
    /// Directory of the journal; a service may have it open
    #[arg(long, value_name = "DIR", env = "CODAPE_JOURNAL")]
    pub journal: PathBuf,

    /// The records to print
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub last: usize,

    /// Go on with those that come, until Ctrl-C
    #[arg(short, long)]
    pub follow: bool,
}

/// Where records are, and which are meant.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// Directory of a journal; a service may have it open
    #[arg(long, value_name = "DIR", env = "CODAPE_JOURNAL")]
    pub journal: Option<PathBuf>,

    /// An archive: a directory or `s3://BUCKET/PREFIX`
    #[arg(long, value_name = "ARCHIVE", env = "CODAPE_JOURNAL_ARCHIVE")]
    pub archive: Option<String>,

    #[command(flatten)]
    pub period: PeriodArgs,

    #[command(flatten)]
    pub s3: S3Args,
}

/// A period in UTC.
#[derive(Clone, Copy, Debug, Args)]
pub struct PeriodArgs {
    /// The first moment, or day, in UTC: `2026-01-31`, `2026-01-31T12:00:00Z`
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub from: Option<Time>,

    /// The first moment, or day, in UTC that is not meant
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub before: Option<Time>,
}

impl PeriodArgs {
    /// The days that have moments of it.
    pub fn days(&self) -> anyhow::Result<Days> {
        const DAY_US: i64 = 24 * 3600 * 1_000_000;
        let from = self.from.map(Time::date);
        // The day of the last moment that is meant, and the one behind it.
        let before = self
            .before
            .map(|before| Time::from_micros(before.micros() - 1 + DAY_US).date());
        Days::new(from.as_deref(), before.as_deref()).context("a period of no days")
    }

    /// Whether a moment is in it.
    pub fn contains(&self, time: Time) -> bool {
        self.from.is_none_or(|from| from <= time) && self.before.is_none_or(|before| time < before)
    }
}

fn moment(text: &str) -> Result<Time, String> {
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    let expected = "expected a day such as 2026-01-31, or 2026-01-31T12:00:00Z";
    whole.parse().map_err(|_| expected.to_owned())
}

/// Print records of a journal, an archive or both, one JSON object a line
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape journal show --archive archive --from 2026-01-31 --last 5\n  \
    codape journal show --journal journal --archive s3://logs/ape --request-id r-1")]
pub struct JournalShow {
    #[command(flatten)]
    pub records: RecordArgs,

    /// The records of one request alone
    #[arg(long, value_name = "ID")]
    pub request_id: Option<String>,

    /// The last ones alone
    #[arg(long, value_name = "N")]
    pub last: Option<usize>,
}

/// Check that a journal and its archive are whole, and no record is there twice
///
/// Every frame and every row is read. What is wrong is printed, and the exit status
/// is 1 then.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  codape journal verify --journal journal --archive archive")]
pub struct JournalVerify {
    #[command(flatten)]
    pub records: RecordArgs,
}

/// Write the flat view that dashboards of 2024 read, or a table
///
/// The view as Parquet is a second archive, with the files and partitions of the
/// first; files of it that are as they should be are left alone. CSV goes to
/// standard output.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape journal export --archive archive --output dashboard\n  \
    codape journal export --archive s3://logs/ape --from 2026-01-01 --format csv > january.csv")]
pub struct JournalExport {
    /// The archive: a directory or `s3://BUCKET/PREFIX`
    #[arg(long, value_name = "ARCHIVE", env = "CODAPE_JOURNAL_ARCHIVE")]
    pub archive: String,

    /// Which columns
    #[arg(long, value_name = "VIEW", default_value = "dashboard")]
    pub view: View,

    /// Parquet, or CSV on standard output
    #[arg(long, value_name = "FORMAT", default_value = "parquet")]
    pub format: ExportFormat,

    /// The archive of the view: a directory or `s3://BUCKET/PREFIX`
    #[arg(
        long,
        value_name = "ARCHIVE",
        required_if_eq("format", "parquet"),
        conflicts_with = "csv"
    )]
    pub output: Option<String>,

    /// Short for `--format csv`
    #[arg(long)]
    pub csv: bool,

    /// Codes of an answer that the dashboard's view has columns for
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5,
        value_parser = clap::value_parser!(u8).range(1..)
    )]
    pub suggestions: u8,

    #[command(flatten)]
    pub period: PeriodArgs,

    #[command(flatten)]
    pub s3: S3Args,
}

/// Columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum View {
    /// Those of the files of records
    Records,
    /// Flat ones, as the dashboard of 2024 reads them
    Dashboard,
}

/// A format of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Files of Parquet
    Parquet,
    /// CSV
    Csv,
}

/// Take log files of the service of 2024 into an archive
///
/// Lines that tell of a query become records, as if they had been compacted; others
/// are counted, and those that cannot be read are named. A file that was taken in
/// already changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    codape journal import log_api.log --archive archive --model-version 7")]
pub struct JournalImport {
    /// Log files of the service of 2024
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The archive: a directory or `s3://BUCKET/PREFIX`
    #[arg(long, value_name = "ARCHIVE", env = "CODAPE_JOURNAL_ARCHIVE")]
    pub archive: String,

    /// Time zone of the service's clock; lines that name one are believed
    #[arg(long, value_name = "ZONE", default_value = "Europe/Paris")]
    pub time_zone: String,

    /// Confidence index from which a code was assigned without a person
    #[arg(long, value_name = "IC", default_value_t = 0.8)]
    pub threshold: f64,

    /// Name of the model that answered
    #[arg(long, value_name = "NAME", default_value = "FastText-APE")]
    pub model_name: String,

    /// Its version [default: not known]
    #[arg(long, value_name = "VERSION", default_value = "")]
    pub model_version: String,

    /// A table of codes, for the levels above them [default: NAF Rev. 2]
    #[arg(long, value_name = "FILE")]
    pub nomenclature: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub personal: PersonalArgs,

    #[command(flatten)]
    pub cut: ArchiveFilesArgs,

    #[command(flatten)]
    pub s3: S3Args,
}

/// What of a record is kept of the people it tells about.
#[derive(Debug, Args)]
pub struct PersonalArgs {
    /// What is done to fields before a record is written, a list with commas:
    /// `text=drop,cleaned=drop,caller=hash`; fields are text, cleaned, caller,
    /// reference, request_id and variables
    #[arg(
        long,
        value_name = "FIELD=keep|drop|hash",
        env = "CODAPE_PERSONAL",
        value_delimiter = ','
    )]
    pub personal: Vec<Choice>,

    /// File whose bytes are the key of the hashes, 16 at least
    #[arg(long, value_name = "FILE", env = "CODAPE_PERSONAL_KEY_FILE")]
    pub personal_key: Option<PathBuf>,
}

impl PersonalArgs {
    /// What the arguments choose.
    pub fn privacy(&self) -> anyhow::Result<Privacy> {
        /// More than anybody takes for a key.
        const MOST_KEY_BYTES: u64 = 1 << 20;
        let key = match &self.personal_key {
            None => None,
            Some(path) => {
                use std::io::Read as _;
                let mut key = Vec::new();
                let file = std::fs::File::open(path);
                file.and_then(|file| file.take(MOST_KEY_BYTES).read_to_end(&mut key))
                    .with_context(|| format!("cannot read {}", path.display()))?;
                Some(key)
            }
        };
        Privacy::new(&self.personal, key.as_deref()).context("--personal")
    }
}

/// Remove the partitions of days before one, and say which they were
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    codape journal forget archive dashboard --before 2024-01-01 --journal journal")]
pub struct JournalForget {
    /// The archives, views too: directories or `s3://BUCKET/PREFIX`
    #[arg(required = true, value_name = "ARCHIVE")]
    pub archives: Vec<String>,

    /// The first day, in UTC, that stays
    #[arg(long, value_name = "DAY")]
    pub before: String,

    /// Directory of a journal that is compacted into the first archive before: its
    /// records would come back else
    #[arg(long, value_name = "DIR")]
    pub journal: Option<PathBuf>,

    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,

    #[command(flatten)]
    pub files: ArchiveFilesArgs,

    #[command(flatten)]
    pub s3: S3Args,
}
