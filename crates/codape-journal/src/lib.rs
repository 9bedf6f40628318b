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
pub mod disk;
mod error;
mod journal;
mod lock;
mod log;
pub mod parquet;
mod record;
pub mod segment;

pub use archive::Archive;
pub use background::{Background, BackgroundError, BackgroundSettings, Observer};
pub use compact::{CompactError, CompactSettings, Compacted, Compactor, PartitionKey, QUARANTINE};
pub use error::{AppendError, JournalError};
pub use journal::{Journal, JournalSettings, Payloads, Policy, Receipt, Status};
pub use log::{Durability, Log, LogSettings, Recovery};
pub use record::{Decision, Entry, JournalId, ModelName, Record, RecordId, Suggested, Time};
