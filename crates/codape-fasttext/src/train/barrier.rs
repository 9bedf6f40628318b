//! Where threads wait for each other.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Turns of waiting before the processor is given to others, where there is a
/// processor for each thread.
const SPINS: u32 = 4096;

/// A point that all threads must reach before one may go on, many thousand
/// times a second: they spin, where `std::sync::Barrier` would sleep.
#[derive(Debug)]
pub(crate) struct Barrier {
    threads: usize,
    spins: u32,
    arrived: AtomicUsize,
    round: AtomicUsize,
    is_broken: AtomicBool,
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
            self.round.store(round.wrapping_add(1), Ordering::Release);
            return Ok(());
        }
        let mut spins = 0;
        while self.round.load(Ordering::Acquire) == round {
            if self.is_broken.load(Ordering::Relaxed) {
                return Err(Broken);
            }
            if spins < self.spins {
                spins += 1;
                std::hint::spin_loop();
            } else {
                thread::yield_now();
            }
        }
        Ok(())
    }

    /// Lets nobody wait any more: a thread will never arrive.
    pub(crate) fn break_up(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
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
