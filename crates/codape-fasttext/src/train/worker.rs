//! A thread of a training: its rows, and what it does with a batch.

use std::sync::atomic::Ordering;

use codape_kernels::minibatch::{LANES, add_to_rows, sum_rows};
use codape_kernels::{Isa, Numbers};

use super::TrainError;
use super::barrier::Broken;
use super::example::{ExampleMaker, LineScratch};
use super::exchange::{Batch, Gradients, Shared, read, write};
use super::lane::Lane;
use super::output::{Normalizer, OutputShard, Vectors, nats};
use super::progress::Observer;
use super::random::Random;
use super::report::Reporter;
use crate::LossName;

/// Batches between two measures of a one-vs-all loss, which takes a logarithm
/// for each label.
const BATCHES_PER_LOSS: u64 = 32;

/// A thread, its rows and its buffers.
pub(crate) struct Worker<'a> {
    pub(crate) shared: &'a Shared<'a>,
    pub(crate) id: usize,
    pub(crate) isa: Isa,
    pub(crate) lanes: Vec<Lane<'a>>,
    pub(crate) scratch: LineScratch,
    pub(crate) input: Numbers,
    pub(crate) output: OutputShard,
    pub(crate) vectors: Vectors,
    /// What one vector should learn: `[stride]`.
    pub(crate) gradient: Vec<f32>,
    pub(crate) lr: f32,
    /// Tokens that were read when the learning rate was last changed.
    pub(crate) lr_tokens: u64,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>, id: usize) -> Result<Self, TrainError> {
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
        let lanes = lanes.map(|(lane, part)| {
            let random = Random::new(lesson.schedule.seed, lane as u64);
            Lane::new(lesson.text, part, lesson.schedule.epoch, random)
        });
        Ok(Self {
            shared,
            id,
            isa: Isa::best(),
            lanes: lanes.collect(),
            scratch: LineScratch::default(),
            input,
            output: OutputShard::new(range, lesson.schedule.seed, stride, output)
                .map_err(TrainError::Memory)?,
            vectors: Vectors::new(stride).map_err(TrainError::Memory)?,
            gradient: vec![0.0; stride],
            lr: lesson.schedule.lr as f32,
            lr_tokens: 0,
        })
    }

    pub(crate) fn run(
        mut self,
        mut observer: Option<&mut Observer<'_>>,
    ) -> Result<(Numbers, OutputShard), TrainError> {
        let shared = self.shared;
        let _guard = shared.barrier.guard();
        let wait = || shared.barrier.wait().map_err(|Broken| TrainError::Stopped);
        let mut reporter = Reporter::new();
        let mut reason_to_stop = None;
        self.read_lines(0)
            .unwrap_or_else(|error| shared.stop(error));
        wait()?;
        for number in 0.. {
            let turn = (number % 2) as usize;
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
            // The next lines are read here so that one barrier serves both.
            // Whatever ends the training is told here and nowhere else: all
            // threads see the same behind the barrier.
            let next = self.read_lines(1 - turn);
            if let Some(reason) = next.err().or(reason_to_stop.take()) {
                shared.stop(reason);
            }
            wait()?;
            self.learn_input(&batch);
            if let Some(observer) = &mut observer {
                reason_to_stop = reporter.look(&self, &batch, &mut **observer).err();
            }
        }
        Ok((self.input, self.output))
    }

    /// Reads the next line of each lane that this thread reads.
    fn read_lines(&mut self, turn: usize) -> Result<(), TrainError> {
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
            slot.is_done = lane
                .read(maker, &mut self.scratch, &mut slot.example)
                .map_err(TrainError::Read)?;
            lane.tokens_read += slot.example.tokens;
            slot.tokens_read = lane.tokens_read;
            slot.bytes_read = lane.bytes_read();
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
    pub(crate) fn done(&self, batch: &Batch<'_>) -> f64 {
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
            LossName::Softmax => {
                let mut lanes = [false; LANES];
                for (lane, line) in batch.usable() {
                    lanes[lane] = true;
                    output.subtract_targets(lane, &line.example.labels, |probability| {
                        loss.sum += nats(probability);
                        loss.examples += 1;
                    });
                }
                for lane in (0..LANES).filter(|lane| !lanes[*lane]) {
                    output.silence(lane);
                }
                output.thin();
                output.learn(*lr, vectors, numbers);
            }
            LossName::OneVsAll => {
                let mut lanes = 0;
                output.multiply(vectors);
                for (lane, line) in batch.usable() {
                    lanes |= 1 << lane;
                    output.set_targets(lane, &line.example.labels);
                    if number.is_multiple_of(BATCHES_PER_LOSS) {
                        loss.sum += output.logistic_loss(lane);
                        loss.examples += u64::from(self.id == 0);
                    }
                }
                output.logistic_errors(lanes, *lr, vectors);
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

/// Adds a vector to a sum.
pub(crate) fn add(sum: &mut [f32], vector: &[f32]) {
    for (sum, number) in sum.iter_mut().zip(vector) {
        *sum += number;
    }
}
