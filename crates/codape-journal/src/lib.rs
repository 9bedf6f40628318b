//! Business logs: one record for each coded declaration, kept for good.
//!
//! A [`Record`] is appended to segment files, which are on the disk before an answer
//! leaves; segments become Parquet files in an [`Archive`], partitioned by day, each
//! record once and only once whatever fails in between.
//!
//! It knows disks, frames and tables. It must not know HTTP, models, or where an
//! archive's server is.

pub mod archive;
mod background;
mod compact;
mod dashboard;
pub mod disk;
mod error;
mod forget;
mod import;
mod journal;
mod lines;
mod lock;
mod log;
pub mod parquet;
mod privacy;
mod python;
mod reader;
mod record;
pub mod segment;
mod verify;

pub use archive::Archive;
pub use background::{Background, BackgroundError, BackgroundSettings, Observer};
pub use compact::{CompactError, CompactSettings, Compacted, Compactor, PartitionKey, QUARANTINE};
pub use dashboard::{DashboardSettings, ViewError, Viewed};
pub use error::{AppendError, JournalError};
pub use forget::{Forgotten, forget, forgettable};
pub use import::{ImportError, Imported, Importer, Refusal};
pub use journal::{Journal, JournalSettings, Payloads, Policy, Receipt, Status};
pub use lines::{LineProblem, LineSettings, legacy_line, parse_legacy_line, time_zone};
pub use log::{Durability, Log, LogSettings, Recovery, Spare, Unsynced, list as list_segments};
pub use privacy::{Choice, PersonalField, Privacy, PrivacyError, Treatment};
pub use reader::{Days, NotADay, RecordFile, record_files};
pub use record::{Decision, Entry, JournalId, ModelName, Record, RecordId, Suggested, Time};
pub use verify::{Finding, Problem, Verified};
