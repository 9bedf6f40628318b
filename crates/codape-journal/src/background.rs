//! Compaction beside a service that goes on appending.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::compact::{CompactError, Compacted, Compactor};
use crate::error::JournalError;
use crate::journal::Journal;

/// When segments are compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackgroundSettings {
    /// The time between two compactions. Default: 5 minutes.
    pub interval: Duration,
    /// The time to the next try after one has failed; it doubles with each, up to
    /// the longest, give or take a quarter. Default: 1 s.
    pub first_retry: Duration,
    /// The longest time to the next try. Default: 1 minute.
    pub longest_retry: Duration,
}

impl Default for BackgroundSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5 * 60),
            first_retry: Duration::from_secs(1),
            longest_retry: Duration::from_secs(60),
        }
    }
}

/// Why a compaction in the background failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackgroundError {
    /// The journal cannot begin another segment.
    #[error(transparent)]
    Journal(Arc<JournalError>),
    /// The segments cannot be compacted.
    #[error(transparent)]
    Compact(#[from] CompactError),
}

/// Who is told what came of a compaction.
pub type Observer = Box<dyn FnMut(Result<Compacted, BackgroundError>) + Send>;

/// A thread that compacts a journal from time to time, until it is dropped.
#[derive(Debug)]
pub struct Background {
    stop: Mutex<Option<Sender<()>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Background {
    /// Starts the thread. What it finds of an earlier process is compacted at once.
    ///
    /// # Errors
    ///
    /// Where the system gives no thread.
    pub fn start(
        journal: Arc<Journal>,
        compactor: Compactor,
        settings: BackgroundSettings,
        mut observe: Observer,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let run = move || {
            let mut retry = settings.first_retry;
            loop {
                let result = compact(&journal, &compactor);
                let wait = if result.is_ok() {
                    retry = settings.first_retry;
                    settings.interval
                } else {
                    let wait = retry.mul_f64(0.75 + fastrand::f64() / 2.0);
                    retry = (2 * retry).min(settings.longest_retry);
                    wait
                };
                observe(result);
                match stopped.recv_timeout(wait) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        let thread = thread::Builder::new()
            .name("codape-compact".into())
            .spawn(run)?;
        Ok(Self {
            stop: Mutex::new(Some(stop)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Compacts no more, once what is being compacted is; waits for that.
    pub fn stop(&self) {
        drop(take(&self.stop));
        if let Some(thread) = take(&self.thread) {
            // It has nothing to say but a panic, which it has said.
            let _ = thread.join();
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop();
    }
}

fn take<T>(of: &Mutex<Option<T>>) -> Option<T> {
    of.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn compact(journal: &Journal, compactor: &Compactor) -> Result<Compacted, BackgroundError> {
    let segments = journal.close_segments().map_err(BackgroundError::Journal)?;
    Ok(compactor.run(&segments)?)
}
