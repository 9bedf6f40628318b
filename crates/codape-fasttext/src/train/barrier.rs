//! Where threads wait for each other.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Turns of waiting before a thread sleeps, where there is a processor for
/// each: longer than the others need where nothing else runs. On a busy machine
/// a thread that sleeps comes back sooner than one that used its time up.
const SPINS: u32 = 1000;

/// A point that all threads must reach before one may go on, many thousand
/// times a second: they spin a while, where `std::sync::Barrier` would sleep
/// at once.
#[derive(Debug)]
pub(crate) struct Barrier {
    threads: usize,
    spins: u32,
    arrived: AtomicUsize,
    round: AtomicUsize,
    is_broken: AtomicBool,
    /// Held while `round` or `is_broken` changes, for those who sleep.
    change: Mutex<()>,
    changed: Condvar,
}

/// A thread will never arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken;

impl Barrier {
    pub(crate) fn new(threads: usize) -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self {
            threads,
            spins: if threads <= processors { SPINS } else { 0 },
            arrived: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            is_broken: AtomicBool::new(false),
            change: Mutex::new(()),
            changed: Condvar::new(),
        }
    }

    /// Waits for the others. What each wrote before is seen by all after.
    pub(crate) fn wait(&self) -> Result<(), Broken> {
        if self.threads == 1 {
            return Ok(());
        }
        let round = self.round.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            self.arrived.store(0, Ordering::Relaxed);
            let change = self.lock();
            self.round.store(round.wrapping_add(1), Ordering::Release);
            drop(change);
            self.changed.notify_all();
            return Ok(());
        }
        let is_waiting = || self.round.load(Ordering::Acquire) == round && !self.is_broken();
        for _ in 0..self.spins {
            if !is_waiting() {
                break;
            }
            std::hint::spin_loop();
        }
        if is_waiting() {
            let mut change = self.lock();
            while is_waiting() {
                let slept = self.changed.wait(change);
                change = slept.unwrap_or_else(PoisonError::into_inner);
            }
        }
        // All may have arrived before one of them broke it.
        if self.round.load(Ordering::Acquire) == round {
            Err(Broken)
        } else {
            Ok(())
        }
    }

    fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.change.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets nobody wait any more: a thread will never arrive.
    pub(crate) fn break_up(&self) {
        let change = self.lock();
        self.is_broken.store(true, Ordering::Relaxed);
        drop(change);
        self.changed.notify_all();
    }

    /// Breaks the barrier if the thread that holds this panics, lest the
    /// others wait for ever.
    pub(crate) fn guard(&self) -> Guard<'_> {
        Guard(self)
    }
}

/// See [`Barrier::guard`].
#[derive(Debug)]
pub(crate) struct Guard<'a>(&'a Barrier);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.break_up();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_thread_runs_ahead() {
        const THREADS: usize = 4;
        let barrier = Barrier::new(THREADS);
        let steps = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for round in 1..=500 {
                        steps.fetch_add(1, Ordering::Relaxed);
                        barrier.wait().unwrap();
                        assert_eq!(steps.load(Ordering::Relaxed), round * THREADS);
                        barrier.wait().unwrap();
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_releases_the_others() {
        let barrier = Barrier::new(2);
        let outcome = thread::scope(|scope| {
            let waiting = scope.spawn(|| barrier.wait());
            let panicking = scope.spawn(|| {
                let _guard = barrier.guard();
                panic!("on purpose");
            });
            assert!(panicking.join().is_err());
            waiting.join().unwrap()
        });
        assert_eq!(outcome, Err(Broken));
    }
}
