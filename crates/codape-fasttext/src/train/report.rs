//! Telling the observer how far a training is.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::TrainError;
use super::exchange::{Batch, read};
use super::output::LossSum;
use super::progress::{Observer, TrainPhase, TrainProgress};
use super::worker::Worker;

/// Time between two reports of progress.
const REPORT_EVERY: Duration = Duration::from_millis(100);
/// Batches between two looks at the clock.
const BATCHES_PER_LOOK: u64 = 16;

/// Tells the observer how far the training is.
pub(crate) struct Reporter {
    start: Instant,
    reported: Instant,
    batches: u64,
    examples: u64,
}

impl Reporter {
    pub(crate) fn new() -> Self {
        let start = Instant::now();
        Self {
            start,
            reported: start,
            batches: 0,
            examples: 0,
        }
    }

    /// Looks at the clock and at the numbers now and then.
    pub(crate) fn look(
        &mut self,
        worker: &Worker<'_>,
        batch: &Batch<'_>,
        observer: &mut Observer<'_>,
    ) -> Result<(), TrainError> {
        self.examples += batch.usable().count() as u64;
        self.batches += 1;
        if !self.batches.is_multiple_of(BATCHES_PER_LOOK) {
            return Ok(());
        }
        if worker.gradient.iter().any(|number| !number.is_finite()) {
            return Err(TrainError::Diverged {
                examples: self.examples,
                lr: worker.shared.lesson.schedule.lr,
            });
        }
        if self.reported.elapsed() < REPORT_EVERY {
            return Ok(());
        }
        self.reported = Instant::now();
        let mut loss = LossSum::default();
        for slot in &worker.shared.slots {
            let gradients = read(&slot.gradients);
            loss.sum += gradients.loss.sum;
            loss.examples += gradients.loss.examples;
        }
        let progress = TrainProgress {
            phase: TrainPhase::Learning,
            done: worker.done(batch),
            examples: self.examples,
            loss: loss.sum / loss.examples as f64,
            lr: f64::from(worker.lr),
            elapsed: self.start.elapsed(),
        };
        match observer(&progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(TrainError::Stopped),
        }
    }
}
