//! Learning: the threads, and what they do with a batch.
//!
//! A batch is one line from each of [`LANES`] places of the text. The rows of
//! both matrices are dealt to the threads, and a thread alone reads and writes
//! its own: each sums its rows of the features of all lanes, multiplies its
//! rows of the output matrix with the vectors of all lanes, and moves its
//! rows. What the others need of that, sums of a batch, is exchanged between
//! barriers. So a matrix is never in the caches of two processors, no write
//! races with another, and the same text, options and number of threads give
//! the same bits.

use std::io;
use std::sync::PoisonError;
use std::thread;

use codape_kernels::Numbers;
use codape_kernels::minibatch::CHUNK;

use super::TrainError;
use super::example::{LineReader, LineScratch, WordRows};
use super::exchange::Shared;
use super::model::Trained;
use super::output::OutputShard;
use super::progress::Observer;
use super::rows::{RowSet, TrainedRows};
use super::targets::TargetPicker;
use super::text::TrainingText;
use super::vocabulary::Part;
use super::worker::Worker;

/// How to learn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    pub(crate) lr: f64,
    pub(crate) lr_update_rate: u32,
    pub(crate) epoch: u32,
    pub(crate) threads: usize,
    pub(crate) seed: u64,
}

/// What to learn from, and where to start.
pub(crate) struct Lesson<'a> {
    pub(crate) text: &'a TrainingText,
    /// The parts of the text, at most [`LANES`].
    pub(crate) parts: &'a [Part],
    pub(crate) reader: LineReader<'a>,
    pub(crate) targets: &'a TargetPicker,
    pub(crate) schedule: Schedule,
    /// Rows of the input matrix.
    pub(crate) input_rows: usize,
    /// Fills a row of the input matrix with what it starts from.
    pub(crate) input_start: &'a (dyn Fn(u32, &mut [f32]) + Sync),
    /// Rows of the output matrix.
    pub(crate) output_rows: usize,
    /// Fills a row of the output matrix, of zeros, with what it starts from.
    pub(crate) output_start: &'a (dyn Fn(u32, &mut [f32]) + Sync),
}

/// Learns.
pub(crate) fn fit(lesson: &Lesson<'_>, observer: &mut Observer<'_>) -> Result<Trained, TrainError> {
    let rows = used_rows(lesson).map_err(TrainError::Read)?;
    let words = WordRows::new(lesson.reader, &rows);
    let threads = lesson.schedule.threads.max(1);
    let dim = lesson.reader.features.header.dim;
    let stride = dim.next_multiple_of(CHUNK);
    let shared = Shared::new(lesson, (&rows, &words), stride).map_err(TrainError::Memory)?;
    let work = &|id: usize, observer: Option<&mut Observer<'_>>| match Worker::new(&shared, id) {
        Ok(worker) => worker.run(observer),
        Err(reason) => {
            shared.stop(reason);
            shared.barrier.break_up();
            Err(TrainError::Stopped)
        }
    };
    let shards: Result<Vec<(Numbers, OutputShard)>, TrainError> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .map(|id| scope.spawn(move || work(id, None)))
            .collect();
        let first = work(0, Some(observer));
        let others = others.into_iter().map(|worker| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        std::iter::once(first).chain(others).collect()
    });
    let outcome = shared.outcome.into_inner();
    outcome.unwrap_or_else(PoisonError::into_inner)?;
    let shards = shards?;
    let mut output = vec![0.0; lesson.output_rows * dim];
    let mut inputs = Vec::new();
    for (input, shard) in shards {
        let first = shard.range.start as usize;
        let rows = shard.numbers.chunks_exact(stride);
        for (row, to) in rows.zip(output[first * dim..].chunks_exact_mut(dim)) {
            to.copy_from_slice(&row[..dim]);
        }
        inputs.push(input);
    }
    Ok(Trained {
        input: TrainedRows {
            rows,
            shards: inputs,
            stride,
            dim,
        },
        output,
    })
}

/// The rows of the input matrix that the text uses, found on all threads.
fn used_rows(lesson: &Lesson<'_>) -> io::Result<RowSet> {
    let mark = |parts: Vec<&Part>| {
        let mut rows = RowSet::new(lesson.input_rows);
        let mut scratch = LineScratch::default();
        for range in parts.into_iter().flat_map(|part| part.ranges.clone()) {
            let mut lines = lesson.text.lines(range);
            while let Some(line) = lines.next_line()? {
                lesson.reader.mark_rows(line.bytes, &mut scratch, &mut rows);
            }
        }
        Ok(rows)
    };
    let threads = lesson.schedule.threads.min(lesson.parts.len()).max(1);
    let sets: Vec<io::Result<RowSet>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|id| {
                let parts = lesson.parts.iter().skip(id).step_by(threads).collect();
                scope.spawn(move || mark(parts))
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    let mut rows = RowSet::new(lesson.input_rows);
    lesson.reader.mark_words(&mut rows);
    for set in sets {
        rows.extend(&set?);
    }
    Ok(rows.finish())
}
