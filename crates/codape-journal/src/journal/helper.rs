//! What takes the disk long, beside the writer.

use std::mem;
use std::path::Path;
use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant};

use super::{Shared, Wanted};
use crate::disk::Disk;
use crate::log::Spare;

/// The pause between two pieces of a spare: the disk is the groups' meanwhile. At most
/// 25 MB are filled a second, some 40,000 records.
const BETWEEN_PIECES: Duration = Duration::from_millis(10);
/// The pause after a spare that did not come to be.
const AFTER_NONE: Duration = Duration::from_secs(10);

/// Fills the spares that the log wants, until the journal is closed.
pub(super) fn fill_spares(shared: &Shared, disk: &dyn Disk, directory: &Path) {
    let mut state = shared.lock();
    while !state.is_closing {
        let Wanted::Bytes(bytes) = state.spare else {
            let woken = shared.help.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        state.spare = Wanted::Filling;
        drop(state);
        let goes_on = || {
            thread::sleep(BETWEEN_PIECES);
            !shared.lock().is_closing
        };
        let spare = Spare::fill(disk, directory, bytes, goes_on);
        state = shared.lock();
        match spare {
            Ok(Some(spare)) if state.is_closing => spare.discard(disk),
            Ok(Some(spare)) => {
                state.spare = Wanted::Filled(spare);
                shared.wake.notify_one();
            }
            // Segments grow then, which takes longer. What is wrong with the disk, the
            // next group says; if nothing is, another spare is tried.
            Ok(None) | Err(_) => {
                let tried = Instant::now();
                while !state.is_closing && tried.elapsed() < AFTER_NONE {
                    let left = AFTER_NONE.saturating_sub(tried.elapsed());
                    let waited = shared.help.wait_timeout(state, left);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                state.spare = Wanted::Bytes(bytes);
            }
        }
    }
}

/// Syncs at each interval what was written in it, until all is written.
pub(super) fn sync_every(interval: Duration, shared: &Shared) {
    let mut began = Instant::now();
    let mut state = shared.lock();
    loop {
        let left = interval.saturating_sub(began.elapsed());
        if !state.is_written && !left.is_zero() {
            let waited = shared.help.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            continue;
        }
        let (unsynced, is_last) = (mem::take(&mut state.unsynced), state.is_written);
        drop(state);
        began = Instant::now();
        let synced = unsynced
            .into_iter()
            .map(|segment| (segment.name(), segment.sync()));
        let failed: Vec<_> = synced
            .filter_map(|(name, synced)| Some((name, synced.err()?)))
            .collect();
        state = shared.lock();
        if !failed.is_empty() {
            state.failed.extend(failed);
            shared.wake.notify_one();
        }
        if is_last {
            return;
        }
    }
}
