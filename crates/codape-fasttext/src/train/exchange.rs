//! What the threads of a training tell each other.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use codape_kernels::Numbers;
use codape_kernels::minibatch::LANES;

use super::TrainError;
use super::barrier::Barrier;
use super::example::{Example, WordRows};
use super::fit::Lesson;
use super::output::{LossSum, Normalizer, Target};
use super::rows::{Deal, RowSet};
use super::vocabulary::Part;

/// What all threads see.
pub(crate) struct Shared<'a> {
    pub(crate) lesson: &'a Lesson<'a>,
    pub(crate) rows: &'a RowSet,
    pub(crate) words: &'a WordRows,
    pub(crate) stride: usize,
    pub(crate) deal: Deal,
    pub(crate) barrier: Barrier,
    /// Written before the last barrier of a batch, read behind it: all threads
    /// see the same.
    pub(crate) is_over: AtomicBool,
    pub(crate) outcome: Mutex<Result<(), TrainError>>,
    pub(crate) slots: Vec<Slot>,
    /// The length of the text.
    pub(crate) bytes: u64,
}

/// What a thread tells the others. The barriers see to it that nobody waits
/// for one of these locks.
pub(crate) struct Slot {
    /// The lines of the lanes that the thread reads, of this batch and of the
    /// next, in turns.
    pub(crate) lines: [RwLock<Vec<LaneLine>>; 2],
    /// The sums of the thread's rows: `[LANES, stride]`.
    pub(crate) sums: RwLock<Numbers>,
    pub(crate) normalizer: RwLock<Normalizer>,
    pub(crate) gradients: RwLock<Gradients>,
}

/// What the vectors of a batch should learn, as far as a thread knows.
pub(crate) struct Gradients {
    /// `[LANES, stride]`.
    pub(crate) numbers: Numbers,
    /// Over all batches so far.
    pub(crate) loss: LossSum,
}

/// A line of a lane, ready to be learnt from.
pub(crate) struct LaneLine {
    pub(crate) example: Example,
    /// The output rows to be taught, for losses that teach single ones.
    pub(crate) targets: Vec<Target>,
    /// Whether the lane has no line left.
    pub(crate) is_done: bool,
    /// Bytes and tokens that the lane has read.
    pub(crate) bytes_read: u64,
    pub(crate) tokens_read: u64,
}

impl Slot {
    pub(crate) fn new(stride: usize, threads: usize) -> io::Result<Self> {
        let lines = || {
            let line = || LaneLine {
                example: Example::for_owners(threads),
                targets: Vec::new(),
                is_done: true,
                bytes_read: 0,
                tokens_read: 0,
            };
            RwLock::new((0..LANES.div_ceil(threads)).map(|_| line()).collect())
        };
        Ok(Self {
            lines: [lines(), lines()],
            sums: RwLock::new(Numbers::zeroed(LANES * stride)?),
            normalizer: RwLock::default(),
            gradients: RwLock::new(Gradients {
                numbers: Numbers::zeroed(LANES * stride)?,
                loss: LossSum::default(),
            }),
        })
    }
}

pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Shared<'a> {
    pub(crate) fn new(
        lesson: &'a Lesson<'a>,
        (rows, words): (&'a RowSet, &'a WordRows),
        stride: usize,
    ) -> io::Result<Self> {
        let threads = lesson.schedule.threads.max(1);
        let slots: io::Result<Vec<_>> = (0..threads).map(|_| Slot::new(stride, threads)).collect();
        Ok(Self {
            lesson,
            rows,
            words,
            stride,
            deal: Deal::new(threads),
            barrier: Barrier::new(threads),
            is_over: AtomicBool::new(false),
            outcome: Mutex::new(Ok(())),
            slots: slots?,
            bytes: lesson.parts.iter().map(Part::bytes).sum(),
        })
    }

    /// Lets every thread stop after this batch; the first reason counts.
    pub(crate) fn stop(&self, reason: TrainError) {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        if outcome.is_ok() {
            *outcome = Err(reason);
        }
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// The lines of all lanes, as their readers left them.
pub(crate) struct Batch<'a> {
    pub(crate) slots: Vec<RwLockReadGuard<'a, Vec<LaneLine>>>,
    pub(crate) lanes: usize,
}

impl<'a> Batch<'a> {
    pub(crate) fn of(shared: &'a Shared<'_>, turn: usize) -> Self {
        Self {
            slots: shared
                .slots
                .iter()
                .map(|slot| read(&slot.lines[turn]))
                .collect(),
            lanes: shared.lesson.parts.len(),
        }
    }

    pub(crate) fn lanes(&self) -> impl Iterator<Item = (usize, &LaneLine)> {
        let threads = self.slots.len();
        (0..self.lanes).map(move |lane| (lane, &self.slots[lane % threads][lane / threads]))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.lanes().all(|(_, line)| line.is_done)
    }

    pub(crate) fn usable(&self) -> impl Iterator<Item = (usize, &LaneLine)> {
        self.lanes().filter(|(_, line)| line.example.is_usable())
    }
}
