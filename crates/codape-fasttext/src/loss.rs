//! From logits to probabilities, with the reference's roundings.

use codape_kernels::{Isa, exponentials};

use crate::LossName;
use crate::best::{Best, Likelihood, below};

/// Steps of the sigmoid table.
const SIGMOID_STEPS: i32 = 512;
/// Beyond this the sigmoid counts as 0 or 1.
const MAX_SIGMOID: f32 = 8.0;

/// The table that the reference looks sigmoids up in (`Loss::Loss`).
#[derive(Debug)]
pub(crate) struct SigmoidTable {
    steps: Vec<Likelihood>,
    /// For each step, a logit below which every label has a worse score.
    reaches: Vec<f32>,
    zero: Likelihood,
    one: Likelihood,
}

impl SigmoidTable {
    pub(crate) fn new() -> Self {
        let sigmoid = |i: i32| {
            let x = (i * 16) as f32 / SIGMOID_STEPS as f32 - MAX_SIGMOID;
            (1.0 / (1.0 + f64::from((-x).exp()))) as f32
        };
        let mut table = Self {
            steps: (0..=SIGMOID_STEPS)
                .map(|i| Likelihood::of(sigmoid(i)))
                .collect(),
            reaches: Vec::new(),
            zero: Likelihood::of(0.0),
            one: Likelihood::of(1.0),
        };
        let reaches = table.steps.iter();
        table.reaches = reaches
            .map(|step| table.bound(below(step.probability)))
            .collect();
        table
    }

    /// `Loss::sigmoid`, for numbers.
    pub(crate) fn get(&self, logit: f32) -> Likelihood {
        if logit < -MAX_SIGMOID {
            self.zero
        } else if logit > MAX_SIGMOID {
            self.one
        } else {
            self.steps[step(logit)]
        }
    }

    /// A logit below which every label has a worse score than one of `logit`.
    pub(crate) fn out_of_reach(&self, logit: f32) -> f32 {
        if logit < -MAX_SIGMOID {
            f32::NEG_INFINITY
        } else {
            // What counts as 1 has a better score than the last step.
            self.reaches[step(logit.min(MAX_SIGMOID))]
        }
    }

    /// A logit below which every sigmoid is less than `sigmoid`, at most 1.
    fn bound(&self, sigmoid: f32) -> f32 {
        /// More than the rounding of a step.
        const SLACK: f32 = 1e-5;
        if sigmoid <= 0.0 {
            return f32::NEG_INFINITY;
        }
        let steps = self
            .steps
            .partition_point(|step| step.probability < sigmoid);
        let logit = steps as f32 * (2.0 * MAX_SIGMOID / SIGMOID_STEPS as f32) - MAX_SIGMOID;
        logit.min(MAX_SIGMOID) - SLACK
    }
}

/// The step of the table for a logit of at most 8, up or down.
fn step(logit: f32) -> usize {
    ((logit + MAX_SIGMOID) * SIGMOID_STEPS as f32 / MAX_SIGMOID / 2.0) as usize
}

/// How logits become probabilities.
#[derive(Debug)]
pub(crate) enum Activation {
    Softmax,
    Sigmoid(SigmoidTable),
}

impl Activation {
    /// The activation of a loss that gives every label a probability of its
    /// own; `None` for hierarchical softmax.
    pub(crate) fn of(loss: LossName) -> Option<Self> {
        match loss {
            LossName::HierarchicalSoftmax => None,
            LossName::Softmax => Some(Self::Softmax),
            LossName::NegativeSampling | LossName::OneVsAll => {
                Some(Self::Sigmoid(SigmoidTable::new()))
            }
        }
    }

    /// Gives `best` the probabilities of logits, which may be overwritten.
    /// `false` where one of them is not a number.
    pub(crate) fn find_best(&self, logits: &mut [f32], best: &mut Best) -> bool {
        if logits.iter().fold(false, |any, logit| any | logit.is_nan()) {
            return false;
        }
        match self {
            Self::Softmax => {
                return softmax(logits, best);
            }
            Self::Sigmoid(table) => {
                best.take_numbers(logits, |logit| table.get(logit), |p| table.bound(p));
            }
        }
        true
    }
}

/// `SoftmaxLoss::computeOutput`: the exponential is taken in 64 bits, the sum
/// in 32. Only what may be among the best is divided by the sum.
fn softmax(logits: &mut [f32], best: &mut Best) -> bool {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if !max.is_finite() {
        return logits.is_empty();
    }
    exponentials(Isa::best(), logits, max);
    let mut sum = 0.0_f32;
    for exponential in &*logits {
        sum += exponential;
    }
    /// More than the rounding of a quotient.
    const SLACK: f32 = 1e-5;
    best.take_numbers(
        logits,
        |exponential| Likelihood::of(exponential / sum),
        |probability| probability * sum * (1.0 - SLACK),
    );
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_the_bound_every_sigmoid_is_less() {
        let table = SigmoidTable::new();
        for Likelihood { probability, .. } in &table.steps {
            for sigmoid in [*probability, probability * 0.999, probability * 1.001] {
                let bound = table.bound(sigmoid.min(1.0));
                let get = |logit| table.get(logit).probability;
                assert!(get(bound.next_down()) < sigmoid, "{sigmoid}");
                // And it is no useless bound.
                assert!(get(bound + 0.04) >= sigmoid.min(1.0), "{sigmoid}");
            }
        }
    }
}
