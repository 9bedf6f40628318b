//! Options of the business log.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use codape_journal::{CompactSettings, JournalSettings, LogSettings, PartitionKey, Policy};
use codape_server::Unkept;

use super::PersonalArgs;

/// Bytes in a GiB.
const GIB: u64 = 1 << 30;

/// How declarations that are coded are kept.
#[derive(Debug, Args)]
#[command(next_help_heading = "Business log")]
pub struct JournalArgs {
    /// Directory of the journal: a record of each declaration is there before its
    /// answer leaves [default: no journal]
    #[arg(long, value_name = "DIR", env = "CODAPE_JOURNAL")]
    pub journal: Option<PathBuf>,

    /// How sure it is that a record is kept when its answer leaves
    #[arg(
        long,
        value_name = "POLICY",
        env = "CODAPE_JOURNAL_POLICY",
        default_value = "sync"
    )]
    pub journal_policy: JournalPolicy,

    /// Milliseconds after which records are on the disk under `interval`
    #[arg(
        long,
        value_name = "MS",
        env = "CODAPE_JOURNAL_INTERVAL_MS",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub journal_interval_ms: u64,

    /// What is done with an answer whose record cannot be kept, as where the disk is
    /// full
    #[arg(
        long,
        value_name = "WHAT",
        env = "CODAPE_JOURNAL_UNKEPT",
        default_value = "refuse"
    )]
    pub journal_unkept: UnkeptArg,

    /// Milliseconds that an answer waits for its record at most
    #[arg(
        long,
        value_name = "MS",
        env = "CODAPE_JOURNAL_PATIENCE_MS",
        default_value_t = 5000
    )]
    pub journal_patience_ms: u64,

    /// Size of the journal: where its records do not leave it, more are refused
    #[arg(
        long,
        value_name = "GIB",
        env = "CODAPE_JOURNAL_GIB",
        default_value_t = 64
    )]
    pub journal_gib: u64,

    /// Where the journal's records go as Parquet, partitioned by day: a directory or
    /// `s3://BUCKET/PREFIX` [default: they stay in the journal until they are
    /// compacted]
    #[arg(
        long,
        value_name = "ARCHIVE",
        env = "CODAPE_JOURNAL_ARCHIVE",
        requires = "journal"
    )]
    pub journal_archive: Option<String>,

    /// A second archive, for the flat view that dashboards of 2024 read; it follows
    /// the first
    #[arg(
        long,
        value_name = "ARCHIVE",
        env = "CODAPE_JOURNAL_DASHBOARD",
        requires = "journal_archive"
    )]
    pub journal_dashboard: Option<String>,

    /// Seconds between two compactions of the journal
    #[arg(
        long,
        value_name = "S",
        env = "CODAPE_JOURNAL_COMPACT_SECONDS",
        default_value_t = 300,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub journal_compact_seconds: u64,

    #[command(flatten)]
    pub files: ArchiveFilesArgs,

    #[command(flatten)]
    pub personal: PersonalArgs,

    /// Write each record to standard output too, one a line
    #[arg(long, value_name = "FORM", env = "CODAPE_RECORDS")]
    pub records: Option<RecordForm>,

    /// Confidence index from which a record says that the code is assigned without a
    /// person
    #[arg(
        long,
        value_name = "IC",
        env = "CODAPE_THRESHOLD",
        default_value_t = 0.8
    )]
    pub threshold: f64,
}

/// How the files of an archive are cut.
#[derive(Debug, Args)]
pub struct ArchiveFilesArgs {
    /// What partitions are named by, beside the day
    #[arg(long, value_name = "COLUMN", env = "CODAPE_JOURNAL_BY")]
    pub journal_by: Option<PartitionBy>,

    /// Rows after which a partition's next file is begun
    #[arg(
        long,
        value_name = "N",
        env = "CODAPE_JOURNAL_ROWS_PER_FILE",
        default_value_t = 1_000_000,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub journal_rows_per_file: u64,
}

impl ArchiveFilesArgs {
    /// How files are cut.
    pub fn settings(&self) -> CompactSettings {
        CompactSettings {
            key: self.journal_by.map(|by| match by {
                PartitionBy::Caller => PartitionKey::Caller,
                PartitionBy::Decision => PartitionKey::Decision,
                PartitionBy::ModelVersion => PartitionKey::ModelVersion,
            }),
            rows_per_file: self.journal_rows_per_file,
        }
    }
}

/// What partitions are named by, beside the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PartitionBy {
    /// Who asked
    Caller,
    /// Automatic, or review
    Decision,
    /// The version of the model
    ModelVersion,
}

/// How sure it is that a record is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum JournalPolicy {
    /// On the disk: it outlives the power
    Sync,
    /// With the system: it outlives the process, and the power after the interval
    Interval,
    /// In memory: a process that is killed takes some records with it
    Off,
}

/// What is done with an answer whose record cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum UnkeptArg {
    /// The answer is a 503
    Refuse,
    /// It is given, and counted in the metrics
    Serve,
}

/// A form of records on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RecordForm {
    /// A JSON object
    Json,
    /// A line of the service of 2024: `{'Query': …, 'Response': …}`
    Legacy,
}

impl JournalArgs {
    /// How the journal is written.
    pub fn settings(&self) -> JournalSettings {
        JournalSettings {
            policy: match self.journal_policy {
                JournalPolicy::Sync => Policy::Sync,
                JournalPolicy::Interval => {
                    Policy::Interval(Duration::from_millis(self.journal_interval_ms))
                }
                JournalPolicy::Off => Policy::Off,
            },
            log: LogSettings {
                most_bytes: self.journal_gib.saturating_mul(GIB),
                ..LogSettings::default()
            },
            ..JournalSettings::default()
        }
    }

    /// What is done with an answer whose record cannot be kept.
    pub fn unkept(&self) -> Unkept {
        match self.journal_unkept {
            UnkeptArg::Refuse => Unkept::Refuse,
            UnkeptArg::Serve => Unkept::Serve,
        }
    }
}
