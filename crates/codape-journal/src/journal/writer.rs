//! The thread that writes groups.

use std::mem;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{Closed, Group, JournalSettings, Policy, Shared, Wanted};
use crate::error::{AppendError, JournalError};
use crate::log::{Durability, Log, Spare, Unsynced};
use crate::segment::SegmentName;

/// After the disk refused a group, the time during which others are refused without
/// asking it.
const PAUSE: Duration = Duration::from_millis(100);

/// What the writer has to do.
struct Work {
    group: Group,
    /// The sequence number behind the group's.
    next: u64,
    asked: Vec<oneshot::Sender<Closed>>,
    spare: Option<Spare>,
    failed: Vec<(SegmentName, JournalError)>,
    is_closing: bool,
}

/// What the writer's thread works with.
pub(super) struct Writer {
    shared: Arc<Shared>,
    log: Log,
    policy: Policy,
    gather: Duration,
    /// When the disk last refused a group, and why.
    refused_at: Option<(Instant, Arc<JournalError>)>,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, log: Log, settings: JournalSettings) -> Self {
        Self {
            shared,
            log,
            policy: settings.policy,
            gather: settings.gather,
            refused_at: None,
        }
    }

    /// Writes groups until the journal is closed.
    pub(super) fn run(mut self) {
        // When the disk was last asked to sync.
        let mut synced_at = Instant::now();
        loop {
            self.tell();
            let Work {
                group,
                next,
                asked,
                spare,
                failed,
                is_closing,
            } = self.wait(synced_at);
            for (segment, error) in failed {
                self.log.leave(segment);
                self.refuse(error);
            }
            if let Some(spare) = spare {
                self.log.put_spare(spare);
            }
            if !group.frames.is_empty() {
                synced_at = Instant::now();
                self.write(group, next);
            }
            for sender in asked {
                let closed = self.log.rotate().and_then(|()| self.log.closed());
                // Who asked may be gone.
                let _ = sender.send(closed.map_err(Arc::new));
            }
            if is_closing {
                if let Err(error) = self.log.sync() {
                    self.refuse(error);
                }
                self.tell();
                self.log.close();
                self.shared.lock().is_written = true;
                self.shared.help.notify_one();
                return;
            }
        }
    }

    /// Tells others how the log is, and what there is to help with.
    fn tell(&mut self) {
        let unsynced = self.log.take_unsynced();
        let mut state = self.shared.lock();
        state.status.bytes = self.log.bytes();
        match self.policy {
            Policy::Sync => {
                if let (Wanted::Nothing, Some(bytes)) = (&state.spare, self.log.wanted_spare()) {
                    state.spare = Wanted::Bytes(bytes);
                    self.shared.help.notify_one();
                }
            }
            Policy::Interval(_) => {
                for segment in unsynced {
                    let is_there = |other: &Unsynced| other.name() == segment.name();
                    if !state.unsynced.iter().any(is_there) {
                        state.unsynced.push(segment);
                    }
                }
            }
            Policy::Off => {}
        }
    }

    /// Waits for something to do.
    fn wait(&self, synced_at: Instant) -> Work {
        let mut state = self.shared.lock();
        while state.group.frames.is_empty()
            && state.asked.is_empty()
            && !matches!(state.spare, Wanted::Filled(_))
            && state.failed.is_empty()
            && !state.is_closing
        {
            let woken = self.shared.wake.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
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
            spare: state.take_spare(),
            failed: mem::take(&mut state.failed),
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
