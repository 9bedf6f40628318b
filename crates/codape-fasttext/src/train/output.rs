//! What a thread does with its rows of the output matrix.

use std::io;
use std::ops::Range;

use codape_kernels::minibatch::{
    LANES, Lanes, Sequence, Step, Thinning, dot, errors_in_sequence, exp_of_lanes,
    largest_of_lanes, learn_row, multiply_batch, thin_errors,
};
use codape_kernels::{Isa, Numbers};

/// Errors below this are rounded by chance to it or to 0. Of hundreds of
/// labels nearly all have a small error, and to learn from each would take
/// most of the time of a training; this way the sum of what is learnt is the
/// same in the mean.
const LEAST_ERROR: f32 = 0.02;

/// The vectors of a batch.
#[derive(Debug)]
pub(crate) struct Vectors {
    /// `[LANES, stride]`.
    pub(crate) rows: Numbers,
    /// `[stride, LANES]`: the same, with the numbers of a column side by side.
    columns: Numbers,
}

impl Vectors {
    pub(crate) fn new(stride: usize) -> io::Result<Self> {
        Ok(Self {
            rows: Numbers::zeroed(LANES * stride)?,
            columns: Numbers::zeroed(LANES * stride)?,
        })
    }

    /// Makes the columns of the rows.
    pub(crate) fn transpose(&mut self) {
        let columns = self.columns.as_chunks_mut::<LANES>().0;
        for (lane, row) in self.rows.chunks_exact(columns.len()).enumerate() {
            for (column, value) in columns.iter_mut().zip(row) {
                column[lane] = *value;
            }
        }
    }
}

/// What an example should teach the output matrix.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// The row of the output matrix.
    pub(crate) row: u32,
    /// Whether the row should say yes.
    pub(crate) is_positive: bool,
}

/// The largest logit of each lane, and the sum of the exponentials of the
/// differences from it: what threads must tell each other for a softmax.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Normalizer {
    pub(crate) largest: Lanes,
    pub(crate) sums: Lanes,
}

impl Default for Normalizer {
    fn default() -> Self {
        Self {
            largest: [f32::NEG_INFINITY; LANES],
            sums: [0.0; LANES],
        }
    }
}

impl Normalizer {
    /// What is true of the rows of both.
    pub(crate) fn merge(&mut self, other: &Self) {
        for lane in 0..LANES {
            let largest = self.largest[lane].max(other.largest[lane]);
            let part = |normalizer: &Self| {
                let shift = normalizer.largest[lane] - largest;
                if normalizer.sums[lane] == 0.0 {
                    0.0
                } else {
                    normalizer.sums[lane] * shift.exp()
                }
            };
            self.sums[lane] = part(self) + part(other);
            self.largest[lane] = largest;
        }
    }
}

/// Losses of examples, in nats.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LossSum {
    pub(crate) sum: f64,
    pub(crate) examples: u64,
}

/// The rows of the output matrix that one thread owns.
#[derive(Debug)]
pub(crate) struct OutputShard {
    isa: Isa,
    /// Which rows of the matrix they are.
    pub(crate) range: Range<u32>,
    stride: usize,
    pub(crate) numbers: Numbers,
    /// Logits, then probabilities, then errors: `[rows, LANES]`.
    products: Numbers,
    thinning: Thinning,
    /// The lanes that have each row among their labels: `[rows]`.
    targets: Vec<u16>,
    steps: Vec<Step>,
}

impl OutputShard {
    /// The rows of `range`; `seed` is where its random numbers start.
    pub(crate) fn new(
        range: Range<u32>,
        seed: u64,
        stride: usize,
        numbers: Numbers,
    ) -> io::Result<Self> {
        Ok(Self {
            thinning: Thinning::new(LEAST_ERROR, seed ^ u64::from(range.start), range.len()),
            isa: Isa::best(),
            products: Numbers::zeroed(range.len() * LANES)?,
            targets: vec![0; range.len()],
            range,
            stride,
            numbers,
            steps: Vec::with_capacity(LANES),
        })
    }

    /// What was computed, a row of lanes for each row of the matrix.
    fn products(&self) -> &[Lanes] {
        self.products.as_chunks().0
    }

    fn products_mut(&mut self) -> &mut [Lanes] {
        self.products.as_chunks_mut().0
    }

    /// Computes the logits of a batch.
    pub(crate) fn multiply(&mut self, vectors: &Vectors) {
        multiply_batch(
            self.isa,
            &self.numbers,
            vectors.columns.as_chunks().0,
            self.products.as_chunks_mut().0,
        );
    }

    /// Makes exponentials of the logits, and says by how much they were
    /// shifted and what they sum to.
    pub(crate) fn exponentiate(&mut self) -> Normalizer {
        let mut normalizer = Normalizer::default();
        largest_of_lanes(self.isa, self.products(), &mut normalizer.largest);
        let Normalizer { largest, sums } = &mut normalizer;
        exp_of_lanes(self.isa, self.products_mut(), largest, sums);
        normalizer
    }

    /// Makes probabilities of exponentials that were shifted by `own`, all
    /// threads together having `total`.
    pub(crate) fn normalize(&mut self, own: &Normalizer, total: &Normalizer) {
        let factors: Lanes = std::array::from_fn(|lane| {
            (own.largest[lane] - total.largest[lane]).exp() / total.sums[lane]
        });
        for products in self.products_mut() {
            for (product, factor) in products.iter_mut().zip(factors) {
                *product *= factor;
            }
        }
    }

    /// Makes errors of probabilities, for the labels of a lane that are among
    /// these rows, and gives `loss` the probability of each.
    pub(crate) fn subtract_targets(
        &mut self,
        lane: usize,
        labels: &[u32],
        mut loss: impl FnMut(f32),
    ) {
        for label in labels {
            if self.range.contains(label) {
                let product =
                    &mut self.products[(label - self.range.start) as usize * LANES + lane];
                // Of a label that a line has twice, once.
                if *product >= 0.0 {
                    loss(*product);
                    *product -= 1.0;
                }
            }
        }
    }

    /// Takes back what was computed for a lane without an example.
    pub(crate) fn silence(&mut self, lane: usize) {
        for products in self.products_mut() {
            products[lane] = 0.0;
        }
    }

    /// Leaves errors that are worth learning from.
    pub(crate) fn thin(&mut self) {
        thin_errors(
            self.isa,
            self.products.as_chunks_mut().0,
            &mut self.thinning,
        );
    }

    /// Names the labels of a lane that are among these rows.
    pub(crate) fn set_targets(&mut self, lane: usize, labels: &[u32]) {
        for label in labels.iter().filter(|label| self.range.contains(label)) {
            self.targets[(label - self.range.start) as usize] |= 1 << lane;
        }
    }

    /// The loss of a lane whose products are logits and whose labels were
    /// named, each row answering by itself.
    pub(crate) fn logistic_loss(&self, lane: usize) -> f64 {
        let loss = |(logits, target): (&Lanes, &u16)| {
            let logit = f64::from(logits[lane]);
            let against = if target >> lane & 1 == 1 {
                -logit
            } else {
                logit
            };
            // ln(1 + e^x), which does not overflow.
            against.max(0.0) + (-against.abs()).exp().ln_1p()
        };
        self.products().iter().zip(&self.targets).map(loss).sum()
    }

    /// Makes errors of logits, of one lane after the other, where each row
    /// answers by itself; forgets the labels that were named. `lanes` has a bit
    /// for each lane with an example.
    pub(crate) fn logistic_errors(&mut self, lanes: u16, lr: f32, vectors: &Vectors) {
        let mut sequence = Sequence {
            products: [[0.0; LANES]; LANES],
            lr,
            lanes,
        };
        multiply_batch(
            self.isa,
            &vectors.rows,
            vectors.columns.as_chunks().0,
            &mut sequence.products,
        );
        errors_in_sequence(
            self.isa,
            self.products.as_chunks_mut().0,
            &self.targets,
            &sequence,
            &mut self.thinning,
        );
        self.targets.fill(0);
    }

    /// Moves the rows against their errors, and adds what the vectors should
    /// learn to `gradients` (`[LANES, stride]`).
    pub(crate) fn learn(&mut self, lr: f32, vectors: &Vectors, gradients: &mut [f32]) {
        let products = self.products.as_chunks::<LANES>().0;
        let rows = self.numbers.chunks_exact_mut(self.stride);
        for ((row, errors), mark) in rows.zip(products).zip(&self.thinning.marks) {
            if *mark == 0 {
                continue;
            }
            self.steps.clear();
            let mut left = *mark;
            while left != 0 {
                let lane = left.trailing_zeros();
                left &= left - 1;
                let alpha = -lr * errors[lane as usize];
                self.steps.push(Step { lane, alpha });
            }
            learn_row(self.isa, row, &self.steps, &vectors.rows, gradients);
        }
    }

    /// Teaches single rows (`BinaryLogisticLoss::binaryLogistic`), those of
    /// the targets that this thread owns; gives the loss.
    pub(crate) fn learn_targets(
        &mut self,
        (lane, targets): (usize, &[Target]),
        lr: f32,
        vectors: &Vectors,
        gradients: &mut [f32],
    ) -> f64 {
        let mut loss = 0.0;
        let vector = &vectors.rows[lane * self.stride..][..self.stride];
        for target in targets {
            if !self.range.contains(&target.row) {
                continue;
            }
            let place = (target.row - self.range.start) as usize * self.stride;
            let row = &mut self.numbers[place..place + self.stride];
            let mut logit = 0.0;
            dot(self.isa, row, vector, &mut logit);
            let probability = 1.0 / (1.0 + (-logit).exp());
            let wanted = f32::from(u8::from(target.is_positive));
            let step = Step {
                lane: lane as u32,
                alpha: lr * (wanted - probability),
            };
            learn_row(self.isa, row, &[step], &vectors.rows, gradients);
            loss += nats(1.0 - (wanted - probability).abs());
        }
        loss
    }
}

/// The loss of an answer whose probability was this.
pub(crate) fn nats(probability: f32) -> f64 {
    /// Lest one example make the mean infinite.
    const LEAST: f64 = 1e-9;
    -f64::from(probability).max(LEAST).ln()
}
