//! A journal in service: many threads append, one writes.
//!
//! Records that come while the disk is busy with a group make the next one, so that
//! the disk syncs as often as it can and no oftener, and a record waits for at most
//! two syncs. Syncs are not begun faster than [`JournalSettings::gather`]: one costs
//! the processor as much for one record as for ten.

use std::mem;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::disk::{Disk, SystemDisk};
use crate::error::{AppendError, JournalError};
use crate::lock::Lock;
use crate::log::{Durability, Log, LogSettings, Recovery};
use crate::record::{JournalId, Record, RecordId};
use crate::segment::{MOST_PAYLOAD_BYTES, SegmentName, write_frame};

/// After the disk refused a group, the time during which others are refused without
/// asking it.
const PAUSE: Duration = Duration::from_millis(100);

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
    writer: Mutex<Option<JoinHandle<()>>>,
    _lock: Lock,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Tells the writer that there is something to do.
    wake: Condvar,
}

#[derive(Debug)]
struct State {
    group: Group,
    next: u64,
    is_closing: bool,
    /// Who asked for the segments that are closed.
    asked: Vec<oneshot::Sender<Closed>>,
    /// What the writer saw last.
    status: Status,
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
        let (log, recovery) = Log::open(disk, directory, settings.log, new_journal)?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                group: Group::default(),
                next: log.next_sequence(),
                is_closing: false,
                asked: Vec::new(),
                status: Status {
                    bytes: log.bytes(),
                    ..Status::default()
                },
            }),
            wake: Condvar::new(),
        });
        let id = log.journal();
        let writer = Writer {
            shared: Arc::clone(&shared),
            log,
            policy: settings.policy,
            gather: settings.gather,
            refused_at: None,
        };
        let writer = thread::Builder::new()
            .name("codape-journal".into())
            .spawn(move || writer.run())
            .map_err(JournalError::io("start the thread of", directory))?;
        let journal = Self {
            shared,
            id,
            policy: settings.policy,
            waiting_bytes: settings.waiting_bytes,
            writer: Mutex::new(Some(writer)),
            _lock: lock,
        };
        Ok((journal, recovery))
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
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer {
            // It has nothing to say but a panic, which it has said.
            let _ = writer.join();
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

/// What the writer has to do.
struct Work {
    group: Group,
    /// The sequence number behind the group's.
    next: u64,
    asked: Vec<oneshot::Sender<Closed>>,
    is_closing: bool,
}

/// What the writer's thread works with.
struct Writer {
    shared: Arc<Shared>,
    log: Log,
    policy: Policy,
    gather: Duration,
    /// When the disk last refused a group, and why.
    refused_at: Option<(Instant, Arc<JournalError>)>,
}

impl Writer {
    fn run(mut self) {
        // When the disk was last asked to sync.
        let mut synced_at = Instant::now();
        loop {
            let Work {
                group,
                next,
                asked,
                is_closing,
            } = self.wait(synced_at);
            if !group.frames.is_empty() {
                if self.policy == Policy::Sync {
                    synced_at = Instant::now();
                }
                self.write(group, next);
            }
            let is_due = match self.policy {
                Policy::Interval(interval) => synced_at.elapsed() >= interval,
                Policy::Sync | Policy::Off => false,
            };
            if is_due || is_closing {
                synced_at = Instant::now();
                if let Err(error) = self.log.sync() {
                    self.refuse(error);
                }
            }
            for sender in asked {
                let closed = self.log.rotate().and_then(|()| self.log.closed());
                // Who asked may be gone.
                let _ = sender.send(closed.map_err(Arc::new));
            }
            self.shared.lock().status.bytes = self.log.bytes();
            if is_closing {
                return;
            }
        }
    }

    /// Waits for something to do, or for the time to sync.
    fn wait(&self, synced_at: Instant) -> Work {
        let mut state = self.shared.lock();
        let mut is_due = false;
        while !is_due
            && state.group.frames.is_empty()
            && state.asked.is_empty()
            && !state.is_closing
        {
            let wake = &self.shared.wake;
            state = match self.policy {
                Policy::Interval(interval) => {
                    let left = interval.saturating_sub(synced_at.elapsed());
                    let (state, waited) = wake
                        .wait_timeout(state, left)
                        .unwrap_or_else(PoisonError::into_inner);
                    is_due = waited.timed_out();
                    state
                }
                Policy::Sync | Policy::Off => {
                    wake.wait(state).unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
        if self.policy == Policy::Sync && !state.is_closing {
            let left = self.gather.saturating_sub(synced_at.elapsed());
            if !left.is_zero() {
                drop(state);
                thread::sleep(left);
                state = self.shared.lock();
            }
        }
        Work {
            group: mem::take(&mut state.group),
            next: state.next,
            asked: mem::take(&mut state.asked),
            is_closing: state.is_closing,
        }
    }

    fn write(&mut self, group: Group, next: u64) {
        let began = Instant::now();
        let written = match &self.refused_at {
            Some((at, error)) if at.elapsed() < PAUSE => Err(Arc::clone(error)),
            _ => {
                let durability = match self.policy {
                    Policy::Sync => Durability::Synced,
                    Policy::Interval(_) | Policy::Off => Durability::Written,
                };
                let range = (group.first, next);
                match self.log.append(range, &group.frames, durability) {
                    Ok(()) => {
                        self.refused_at = None;
                        Ok(())
                    }
                    Err(error) => Err(self.refuse(error)),
                }
            }
        };
        {
            let mut state = self.shared.lock();
            let status = &mut state.status;
            status.failure = written.as_ref().err().cloned();
            if written.is_ok() {
                status.groups += 1;
                status.records += next - group.first;
                status.writing += began.elapsed();
            }
        }
        for waiting in group.waiting {
            // Who waited may be gone.
            let _ = waiting.send(written.clone().map_err(AppendError::Failed));
        }
    }

    fn refuse(&mut self, error: JournalError) -> Arc<JournalError> {
        let error = Arc::new(error);
        self.refused_at = Some((Instant::now(), Arc::clone(&error)));
        self.shared.lock().status.failure = Some(Arc::clone(&error));
        error
    }
}
