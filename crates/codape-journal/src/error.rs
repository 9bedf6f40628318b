//! What can go wrong with a journal.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a journal cannot be opened or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process has the directory.
    #[error(
        "the journal {} is in use{}: a journal belongs to one process",
        directory.display(),
        holder.as_ref().map(|pid| format!(" by process {pid}")).unwrap_or_default()
    )]
    InUse {
        /// The directory.
        directory: PathBuf,
        /// The process that has it, where it says so.
        holder: Option<String>,
    },
    /// The disk refused something.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or the directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The journal has as many bytes as it may.
    #[error(
        "the journal {} has {bytes} bytes, of {most} that it may have: its segments are not \
         compacted",
        directory.display()
    )]
    Full {
        /// The directory.
        directory: PathBuf,
        /// The bytes of its segments.
        bytes: u64,
        /// The most that it may have.
        most: u64,
    },
}

impl JournalError {
    /// Says what was tried with which file when the system refused it.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// Why records are not in the journal.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// Their group could not be written.
    #[error("the journal does not take records")]
    Failed(#[source] Arc<JournalError>),
    /// Too many records wait for the disk already.
    #[error("{waiting_bytes} bytes of records wait for the disk")]
    Busy {
        /// The bytes that wait.
        waiting_bytes: usize,
    },
    /// The disk did not answer in time; the records may come to be there or not.
    #[error("the disk did not answer in time")]
    TimedOut,
    /// The journal is closed.
    #[error("the journal is closed")]
    Closed,
}
