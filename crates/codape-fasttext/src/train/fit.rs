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
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::{Duration, Instant};

use codape_kernels::minibatch::{CHUNK, LANES, add_to_rows, sum_rows};
use codape_kernels::{Isa, Numbers};

use super::barrier::{Barrier, Broken};
use super::example::{Example, ExampleMaker, LineReader, LineScratch, WordRows};
use super::output::{LossSum, Normalizer, OutputShard, Target, Vectors};
use super::progress::{Observer, TrainPhase, TrainProgress};
use super::random::Random;
use super::rows::{Deal, RowSet, TrainedRows};
use super::targets::TargetPicker;
use super::text::{Lines, TrainingText};
use super::{TrainError, model::Trained};
use crate::LossName;

/// Time between two reports of progress.
const REPORT_EVERY: Duration = Duration::from_millis(100);
/// Batches between two looks at the clock.
const BATCHES_PER_LOOK: u64 = 16;
/// Batches between two measures of a one-vs-all loss, which takes a logarithm
/// for each label.
const BATCHES_PER_LOSS: u64 = 32;

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
    /// The parts of the text, at most [`LANES`], each of whole lines.
    pub(crate) parts: &'a [Range<u64>],
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
    let slots: io::Result<Vec<_>> = (0..threads).map(|_| Slot::new(stride, threads)).collect();
    let shared = Shared {
        lesson,
        rows: &rows,
        words: &words,
        stride,
        deal: Deal::new(threads),
        barrier: Barrier::new(threads),
        is_over: AtomicBool::new(false),
        outcome: Mutex::new(Ok(())),
        slots: slots.map_err(TrainError::Memory)?,
        bytes: lesson.parts.iter().map(|part| part.end - part.start).sum(),
    };
    let mut observers = std::iter::once(Some(observer)).chain((1..threads).map(|_| None));
    let shards = thread::scope(|scope| {
        let mut workers = Vec::new();
        for id in 1..threads {
            let shared = &shared;
            workers.push(scope.spawn(move || Worker::new(shared, id)?.run(None)));
        }
        let own = observers.next().flatten();
        let first = Worker::new(&shared, 0).and_then(|worker| worker.run(own));
        let others = workers.into_iter().map(|worker| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        std::iter::once(first)
            .chain(others)
            .collect::<Result<Vec<_>, _>>()
    });
    shared
        .outcome
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)?;
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
    let mark = |parts: Vec<&Range<u64>>| {
        let mut rows = RowSet::new(lesson.input_rows);
        let mut scratch = LineScratch::default();
        for part in parts {
            let mut lines = lesson.text.lines(part.clone());
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

/// What all threads see.
struct Shared<'a> {
    lesson: &'a Lesson<'a>,
    rows: &'a RowSet,
    words: &'a WordRows,
    stride: usize,
    deal: Deal,
    barrier: Barrier,
    /// Written between the last barrier of a batch and the first of the next,
    /// read after that: all threads see the same.
    is_over: AtomicBool,
    outcome: Mutex<Result<(), TrainError>>,
    slots: Vec<Slot>,
    /// The length of the text.
    bytes: u64,
}

/// What a thread tells the others. The barriers see to it that nobody waits
/// for one of these locks.
struct Slot {
    /// The lines of the lanes that the thread reads, of this batch and of the
    /// next, in turns.
    lines: [RwLock<Vec<LaneLine>>; 2],
    /// The sums of the thread's rows: `[LANES, stride]`.
    sums: RwLock<Numbers>,
    normalizer: RwLock<Normalizer>,
    gradients: RwLock<Gradients>,
}

/// What the vectors of a batch should learn, as far as a thread knows.
struct Gradients {
    /// `[LANES, stride]`.
    numbers: Numbers,
    /// Over all batches so far.
    loss: LossSum,
}

/// A line of a lane, ready to be learnt from.
struct LaneLine {
    example: Example,
    /// The output rows to be taught, for losses that teach single ones.
    targets: Vec<Target>,
    /// Whether the lane has no line left.
    is_done: bool,
    /// Bytes and tokens that the lane has read.
    bytes_read: u64,
    tokens_read: u64,
}

impl Slot {
    fn new(stride: usize, threads: usize) -> io::Result<Self> {
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

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl Shared<'_> {
    /// Lets every thread stop after this batch; the first reason counts.
    fn stop(&self, reason: TrainError) {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        if outcome.is_ok() {
            *outcome = Err(reason);
        }
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// The lines of all lanes, as their readers left them.
struct Batch<'a> {
    slots: Vec<RwLockReadGuard<'a, Vec<LaneLine>>>,
    lanes: usize,
}

impl<'a> Batch<'a> {
    fn of(shared: &'a Shared<'_>, turn: usize) -> Self {
        Self {
            slots: shared
                .slots
                .iter()
                .map(|slot| read(&slot.lines[turn]))
                .collect(),
            lanes: shared.lesson.parts.len(),
        }
    }

    fn lanes(&self) -> impl Iterator<Item = (usize, &LaneLine)> {
        let threads = self.slots.len();
        (0..self.lanes).map(move |lane| (lane, &self.slots[lane % threads][lane / threads]))
    }

    fn is_over(&self) -> bool {
        self.lanes().all(|(_, line)| line.is_done)
    }

    fn usable(&self) -> impl Iterator<Item = (usize, &LaneLine)> {
        self.lanes().filter(|(_, line)| line.example.is_usable())
    }
}

/// One of the places that the text is read at.
struct Lane<'a> {
    lines: Lines<'a>,
    part: &'a Range<u64>,
    epochs_left: u32,
    bytes_before: u64,
    tokens_read: u64,
    random: Random,
}

/// A thread, its rows and its buffers.
struct Worker<'a> {
    shared: &'a Shared<'a>,
    id: usize,
    isa: Isa,
    lanes: Vec<Lane<'a>>,
    scratch: LineScratch,
    input: Numbers,
    output: OutputShard,
    vectors: Vectors,
    /// What one vector should learn: `[stride]`.
    gradient: Vec<f32>,
    lr: f32,
    /// Tokens that were read when the learning rate was last changed.
    lr_tokens: u64,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared<'a>, id: usize) -> Result<Self, TrainError> {
        let lesson = shared.lesson;
        let threads = shared.slots.len();
        let dim = lesson.reader.features.header.dim;
        let stride = shared.stride;
        let places = shared.deal.share(id, shared.rows.len());
        let mut input = Numbers::zeroed(places * stride).map_err(TrainError::Memory)?;
        let own = shared.rows.iter().skip(id).step_by(threads);
        for (row, numbers) in own.zip(input.chunks_exact_mut(stride)) {
            (lesson.input_start)(row, &mut numbers[..dim]);
        }
        let bound = |id: usize| (lesson.output_rows * id / threads) as u32;
        let range = bound(id)..bound(id + 1);
        let mut output = Numbers::zeroed(range.len() * stride).map_err(TrainError::Memory)?;
        for (row, numbers) in range.clone().zip(output.chunks_exact_mut(stride)) {
            (lesson.output_start)(row, &mut numbers[..dim]);
        }
        let lanes = lesson.parts.iter().enumerate().skip(id).step_by(threads);
        let lanes = lanes.map(|(lane, part)| Lane {
            lines: lesson.text.lines(part.clone()),
            part,
            epochs_left: lesson.schedule.epoch,
            bytes_before: 0,
            tokens_read: 0,
            random: Random::new(lesson.schedule.seed, lane as u64),
        });
        Ok(Self {
            shared,
            id,
            isa: Isa::best(),
            lanes: lanes.collect(),
            scratch: LineScratch::default(),
            input,
            output: OutputShard::new(range, lesson.output_rows, stride, output)
                .map_err(TrainError::Memory)?,
            vectors: Vectors::new(stride).map_err(TrainError::Memory)?,
            gradient: vec![0.0; stride],
            lr: lesson.schedule.lr as f32,
            lr_tokens: 0,
        })
    }

    fn run(
        mut self,
        mut observer: Option<&mut Observer<'_>>,
    ) -> Result<(Numbers, OutputShard), TrainError> {
        let shared = self.shared;
        let _guard = shared.barrier.guard();
        let mut reporter = Reporter::new();
        for number in 0.. {
            let turn = (number % 2) as usize;
            if let Err(error) = self.read_lines(turn) {
                shared.stop(TrainError::Read(error));
            }
            let wait = || shared.barrier.wait().map_err(|Broken| TrainError::Stopped);
            wait()?;
            let batch = Batch::of(shared, turn);
            if shared.is_over.load(Ordering::Relaxed) || batch.is_over() {
                break;
            }
            self.set_lr(&batch);
            self.sum_rows(&batch);
            wait()?;
            self.make_vectors(&batch);
            if shared.lesson.targets.loss() == LossName::Softmax {
                self.output.multiply(&self.vectors);
                let own = self.output.exponentiate();
                *write(&shared.slots[self.id].normalizer) = own;
                wait()?;
                self.normalize(&own);
            }
            self.learn_output(&batch, number);
            wait()?;
            self.learn_input(&batch);
            if let Some(observer) = &mut observer
                && let Err(reason) = reporter.look(&self, &batch, &mut **observer)
            {
                shared.stop(reason);
            }
        }
        Ok((self.input, self.output))
    }

    /// Reads the next line of each lane that this thread reads.
    fn read_lines(&mut self, turn: usize) -> io::Result<()> {
        let Shared {
            lesson,
            rows,
            words,
            deal,
            ..
        } = self.shared;
        let maker = ExampleMaker {
            reader: lesson.reader,
            words,
            rows,
            deal: *deal,
        };
        let mut slots = write(&self.shared.slots[self.id].lines[turn]);
        for (lane, slot) in self.lanes.iter_mut().zip(slots.iter_mut()) {
            slot.example.clear();
            slot.targets.clear();
            slot.is_done = lane.read(maker, &mut self.scratch, &mut slot.example)?;
            lane.tokens_read += slot.example.tokens;
            slot.tokens_read = lane.tokens_read;
            slot.bytes_read = lane.bytes_before + lane.lines.offset() - lane.part.start;
            if slot.example.is_usable() {
                let labels = &mut slot.example.labels;
                lesson
                    .targets
                    .pick(labels, &mut slot.targets, &mut lane.random);
            }
        }
        Ok(())
    }

    /// Lowers the learning rate, once enough tokens were read.
    fn set_lr(&mut self, batch: &Batch<'_>) {
        let schedule = &self.shared.lesson.schedule;
        let tokens: u64 = batch.lanes().map(|(_, line)| line.tokens_read).sum();
        if tokens - self.lr_tokens > u64::from(schedule.lr_update_rate) {
            self.lr_tokens = tokens;
            self.lr = (schedule.lr * (1.0 - self.done(batch))) as f32;
        }
    }

    /// How much of the text was read, of all the times that it will be.
    fn done(&self, batch: &Batch<'_>) -> f64 {
        let read: u64 = batch.lanes().map(|(_, line)| line.bytes_read).sum();
        let all = self.shared.bytes * u64::from(self.shared.lesson.schedule.epoch);
        (read as f64 / all.max(1) as f64).min(1.0)
    }

    /// Sums this thread's rows of each lane.
    fn sum_rows(&mut self, batch: &Batch<'_>) {
        let mut sums = write(&self.shared.slots[self.id].sums);
        sums.fill(0.0);
        for (lane, line) in batch.usable() {
            let sum = &mut sums[lane * self.shared.stride..][..self.shared.stride];
            sum_rows(self.isa, &self.input, &line.example.rows[self.id], sum);
        }
    }

    /// Makes the means of the sums of all threads.
    fn make_vectors(&mut self, batch: &Batch<'_>) {
        let stride = self.shared.stride;
        self.vectors.rows.fill(0.0);
        for slot in &self.shared.slots {
            add(&mut self.vectors.rows, &read(&slot.sums));
        }
        for (lane, line) in batch.usable() {
            let factor = 1.0 / line.example.count as f32;
            for number in &mut self.vectors.rows[lane * stride..][..stride] {
                *number *= factor;
            }
        }
        self.vectors.transpose();
    }

    /// Makes probabilities, knowing what the others found.
    fn normalize(&mut self, own: &Normalizer) {
        let mut total = Normalizer::default();
        for slot in &self.shared.slots {
            total.merge(&read(&slot.normalizer));
        }
        self.output.normalize(own, &total);
    }

    /// Teaches this thread's rows of the output matrix.
    fn learn_output(&mut self, batch: &Batch<'_>, number: u64) {
        let Self {
            output,
            vectors,
            lr,
            ..
        } = self;
        let mut gradients = write(&self.shared.slots[self.id].gradients);
        let Gradients { numbers, loss } = &mut *gradients;
        numbers.fill(0.0);
        match self.shared.lesson.targets.loss() {
            LossName::Softmax | LossName::OneVsAll => {
                let is_softmax = self.shared.lesson.targets.loss() == LossName::Softmax;
                if !is_softmax {
                    output.multiply(vectors);
                    output.sigmoid();
                }
                let measures = !is_softmax && number.is_multiple_of(BATCHES_PER_LOSS);
                let mut lanes = [false; LANES];
                for (lane, line) in batch.usable() {
                    lanes[lane] = true;
                    output.subtract_targets(lane, &line.example.labels, |probability| {
                        if is_softmax {
                            loss.sum += super::output::nats(probability);
                            loss.examples += 1;
                        }
                    });
                    if measures {
                        loss.sum += output.sigmoid_loss(lane);
                        loss.examples += u64::from(self.id == 0);
                    }
                }
                for lane in (0..LANES).filter(|lane| !lanes[*lane]) {
                    output.silence(lane);
                }
                output.learn(*lr, vectors, numbers);
            }
            LossName::HierarchicalSoftmax | LossName::NegativeSampling => {
                for (lane, line) in batch.usable() {
                    loss.sum += output.learn_targets((lane, &line.targets), *lr, vectors, numbers);
                    loss.examples += u64::from(self.id == 0);
                }
            }
        }
    }

    /// Teaches this thread's rows of the input matrix what all threads found.
    fn learn_input(&mut self, batch: &Batch<'_>) {
        let stride = self.shared.stride;
        let found: Vec<_> = self
            .shared
            .slots
            .iter()
            .map(|slot| read(&slot.gradients))
            .collect();
        for (lane, line) in batch.usable() {
            self.gradient.fill(0.0);
            for gradients in &found {
                add(
                    &mut self.gradient,
                    &gradients.numbers[lane * stride..][..stride],
                );
            }
            // `Model::update` divides by the number of rows too.
            let factor = 1.0 / line.example.count as f32;
            for number in &mut self.gradient {
                *number *= factor;
            }
            let rows = &line.example.rows[self.id];
            add_to_rows(self.isa, &mut self.input, rows, &self.gradient);
        }
    }
}

impl Lane<'_> {
    /// Reads the next line; `true` where there is none left.
    fn read(
        &mut self,
        maker: ExampleMaker<'_>,
        scratch: &mut LineScratch,
        example: &mut Example,
    ) -> io::Result<bool> {
        while self.epochs_left > 0 {
            if let Some(line) = self.lines.next_line()? {
                maker.make(line.bytes, scratch, example);
                return Ok(false);
            }
            self.epochs_left -= 1;
            self.bytes_before += self.part.end - self.part.start;
            self.lines = self.lines.again(self.part.clone());
        }
        Ok(true)
    }
}

/// Adds a vector to a sum.
fn add(sum: &mut [f32], vector: &[f32]) {
    for (sum, number) in sum.iter_mut().zip(vector) {
        *sum += number;
    }
}

/// Tells the observer how far the training is.
struct Reporter {
    start: Instant,
    reported: Instant,
    batches: u64,
    examples: u64,
}

impl Reporter {
    fn new() -> Self {
        let start = Instant::now();
        Self {
            start,
            reported: start,
            batches: 0,
            examples: 0,
        }
    }

    /// Looks at the clock and at the numbers now and then.
    fn look(
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
