//! A journal in service: many threads append, one writes.
//!
//! Records that come while the disk is busy with a group make the next one, so that
//! the disk syncs as often as it can and no oftener, and a record waits for at most
//! two syncs. Syncs are not begun faster than [`JournalSettings::gather`]: one costs
//! the processor as much for one record as for ten.
//!
//! What takes the disk long is done by a second thread: under [`Policy::Sync`] it
//! fills the next segment ahead, under [`Policy::Interval`] it syncs.

mod helper;
mod writer;

use std::mem;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::disk::{Disk, SystemDisk};
use crate::error::{AppendError, JournalError};
use crate::lock::Lock;
use crate::log::{Log, LogSettings, Recovery, Spare, Unsynced};
use crate::record::{JournalId, Record, RecordId};
use crate::segment::{MOST_PAYLOAD_BYTES, SegmentName, write_frame};

use writer::Writer;

/// How sure it is that a record is kept when it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// It is on the disk: it outlives the power.
    Sync,
    /// It is with the system, which brings it to the disk at least this often: it
    /// outlives the process, and what the power takes is of the last interval.
    Interval(Duration),
    /// It is in memory: a process that is killed takes some records with it.
    Off,
}

/// What an operator decides about a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalSettings {
    /// How sure it is that a record is kept. Default: [`Policy::Sync`].
    pub policy: Policy,
    /// How long segments are, and how many there may be.
    pub log: LogSettings,
    /// The least time between the beginnings of two syncs. A record that comes after
    /// a longer pause does not wait for it. Default: 1 ms.
    pub gather: Duration,
    /// The bytes of records that may wait for the disk; more are refused. Default:
    /// 64 MiB.
    pub waiting_bytes: usize,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self {
            policy: Policy::Sync,
            log: LogSettings::default(),
            gather: Duration::from_millis(1),
            waiting_bytes: 64 << 20,
        }
    }
}

/// A journal that is open for this process alone.
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    id: JournalId,
    policy: Policy,
    waiting_bytes: usize,
    /// The writer, and who helps it.
    threads: Mutex<Vec<JoinHandle<()>>>,
    _lock: Lock,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Tells the writer that there is something to do.
    wake: Condvar,
    /// Tells the helper.
    help: Condvar,
}

#[derive(Debug)]
struct State {
    group: Group,
    next: u64,
    is_closing: bool,
    /// Whether the writer is done.
    is_written: bool,
    spare: Wanted,
    /// Segments that are to be synced.
    unsynced: Vec<Unsynced>,
    /// Those whose sync failed, and why.
    failed: Vec<(SegmentName, JournalError)>,
    /// Who asked for the segments that are closed.
    asked: Vec<oneshot::Sender<Closed>>,
    /// What the writer saw last.
    status: Status,
}

impl State {
    /// The spare, if it is filled.
    fn take_spare(&mut self) -> Option<Spare> {
        match mem::replace(&mut self.spare, Wanted::Nothing) {
            Wanted::Filled(spare) => Some(spare),
            other => {
                self.spare = other;
                None
            }
        }
    }
}

/// How far the spare is that the log is to get. There is one at a time, in the log or
/// on its way.
#[derive(Debug)]
enum Wanted {
    /// The log wants none, or has one.
    Nothing,
    /// It wants one of so many bytes.
    Bytes(u64),
    /// It is being filled.
    Filling,
    /// The log is to take it.
    Filled(Spare),
}

/// The segments that are closed.
type Closed = Result<Vec<SegmentName>, Arc<JournalError>>;

/// Records that will be written together.
#[derive(Debug, Default)]
struct Group {
    first: u64,
    frames: Vec<u8>,
    waiting: Vec<oneshot::Sender<Result<(), AppendError>>>,
}

/// How a journal is.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// The bytes of all segments.
    pub bytes: u64,
    /// Groups that were written.
    pub groups: u64,
    /// Records that were written.
    pub records: u64,
    /// The time that the disk took for all groups.
    pub writing: Duration,
    /// Why the last group was not taken, if it was not.
    pub failure: Option<Arc<JournalError>>,
}

/// Records on their way to the disk.
#[derive(Debug, Default)]
pub struct Payloads {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Payloads {
    /// Adds a record.
    ///
    /// A record that is longer than a segment can hold is left out, which the
    /// limits on requests exclude.
    pub fn push(&mut self, record: &Record<'_>) {
        let start = self.bytes.len();
        record.write_json(&mut self.bytes);
        if self.bytes.len() - start > MOST_PAYLOAD_BYTES {
            self.bytes.truncate(start);
            return;
        }
        self.ends.push(self.bytes.len());
    }

    /// The records' JSON forms, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let start = |place: usize| place.checked_sub(1).map_or(0, |before| self.ends[before]);
        (0..self.ends.len()).map(move |place| &self.bytes[start(place)..self.ends[place]])
    }

    /// The number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// What was given for records: their names, and when they are safe.
#[derive(Debug)]
pub struct Receipt {
    /// The name of the first; the others have the sequence numbers behind it.
    pub first: RecordId,
    kept: Option<oneshot::Receiver<Result<(), AppendError>>>,
}

impl Receipt {
    /// Waits until the records are as safe as the [`Policy`] says, for at most
    /// `patience`.
    ///
    /// # Errors
    ///
    /// Where they are not. Sequence numbers that were given are not given again.
    pub async fn kept(self, patience: Duration) -> Result<(), AppendError> {
        let Some(kept) = self.kept else {
            return Ok(());
        };
        match tokio::time::timeout(patience, kept).await {
            Ok(Ok(kept)) => kept,
            Ok(Err(_)) => Err(AppendError::Closed),
            Err(_) => Err(AppendError::TimedOut),
        }
    }

    /// The same, for threads that may wait, as long as it takes.
    ///
    /// # Errors
    ///
    /// Where the records are not kept.
    pub fn blocking_kept(self) -> Result<(), AppendError> {
        match self.kept.map(oneshot::Receiver::blocking_recv) {
            None => Ok(()),
            Some(Ok(kept)) => kept,
            Some(Err(_)) => Err(AppendError::Closed),
        }
    }
}

impl Journal {
    /// Opens the journal in `directory`, which is made if it is missing, and says
    /// what it found there.
    ///
    /// # Errors
    ///
    /// [`JournalError::InUse`], and whatever the system says.
    pub fn open(
        directory: &Path,
        settings: JournalSettings,
    ) -> Result<(Self, Recovery), JournalError> {
        std::fs::create_dir_all(directory).map_err(JournalError::io("create", directory))?;
        let lock = Lock::take(directory)?;
        let disk: Arc<dyn Disk> = Arc::new(SystemDisk);
        let new_journal = JournalId(fastrand::u64(1..));
        let (log, recovery) = Log::open(Arc::clone(&disk), directory, settings.log, new_journal)?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                group: Group::default(),
                next: log.next_sequence(),
                is_closing: false,
                is_written: false,
                spare: Wanted::Nothing,
                unsynced: Vec::new(),
                failed: Vec::new(),
                asked: Vec::new(),
                status: Status {
                    bytes: log.bytes(),
                    ..Status::default()
                },
            }),
            wake: Condvar::new(),
            help: Condvar::new(),
        });
        let journal = Self {
            shared: Arc::clone(&shared),
            id: log.journal(),
            policy: settings.policy,
            waiting_bytes: settings.waiting_bytes,
            threads: Mutex::default(),
            _lock: lock,
        };
        let writer = Writer::new(Arc::clone(&shared), log, settings);
        journal.start("codape-journal", directory, move || writer.run())?;
        let (name, directory) = ("codape-journal+", directory.to_owned());
        match settings.policy {
            Policy::Sync => journal.start(name, &directory.clone(), move || {
                helper::fill_spares(&shared, &*disk, &directory);
            })?,
            Policy::Interval(interval) => journal.start(name, &directory, move || {
                helper::sync_every(interval, &shared);
            })?,
            Policy::Off => {}
        }
        Ok((journal, recovery))
    }

    fn start(
        &self,
        name: &str,
        directory: &Path,
        run: impl FnOnce() + Send + 'static,
    ) -> Result<(), JournalError> {
        let thread = thread::Builder::new()
            .name(name.into())
            .spawn(run)
            .map_err(JournalError::io("start a thread of", directory))?;
        self.threads().push(thread);
        Ok(())
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends records, which stay together and in their order. They are kept once
    /// the [`Receipt`] says so; without records, at once.
    ///
    /// # Errors
    ///
    /// [`AppendError::Busy`] where too much waits for the disk.
    pub fn append(&self, payloads: &Payloads) -> Result<Receipt, AppendError> {
        let mut state = self.shared.lock();
        let state = &mut *state;
        if state.is_closing {
            return Err(AppendError::Closed);
        }
        let waiting_bytes = state.group.frames.len();
        // What is larger than all that may wait waits alone.
        if waiting_bytes > 0 && waiting_bytes + payloads.bytes.len() > self.waiting_bytes {
            return Err(AppendError::Busy { waiting_bytes });
        }
        let first = RecordId {
            journal: self.id,
            sequence: state.next,
        };
        if payloads.is_empty() {
            return Ok(Receipt { first, kept: None });
        }
        let was_empty = state.group.frames.is_empty();
        if was_empty {
            state.group.first = state.next;
        }
        for payload in payloads.iter() {
            write_frame(state.next, payload, &mut state.group.frames);
            state.next += 1;
        }
        let kept = match self.policy {
            Policy::Off => None,
            Policy::Sync | Policy::Interval(_) => {
                let (sender, receiver) = oneshot::channel();
                state.group.waiting.push(sender);
                Some(receiver)
            }
        };
        if was_empty {
            self.shared.wake.notify_one();
        }
        Ok(Receipt { first, kept })
    }

    /// Ends the segment that is written to, and says which are closed, oldest first:
    /// they may be compacted.
    ///
    /// # Errors
    ///
    /// Whatever the disk says.
    pub fn close_segments(&self) -> Result<Vec<SegmentName>, Arc<JournalError>> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.shared.lock();
            if state.is_closing {
                return Ok(Vec::new());
            }
            state.asked.push(sender);
            self.shared.wake.notify_one();
        }
        // The writer ends only once it was asked to.
        receiver.blocking_recv().unwrap_or_else(|_| Ok(Vec::new()))
    }

    /// How the journal is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.lock().status.clone()
    }

    /// The journal's number.
    #[must_use]
    pub fn id(&self) -> JournalId {
        self.id
    }

    /// Takes no more records, and waits until all that were taken are on the disk.
    pub fn close(&self) {
        self.shared.lock().is_closing = true;
        self.shared.wake.notify_one();
        self.shared.help.notify_one();
        for thread in self.threads().drain(..) {
            // It has nothing to say but a panic, which it has said.
            let _ = thread.join();
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
