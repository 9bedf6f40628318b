//! From logits to probabilities, with the reference's roundings.

use codape_kernels::{Isa, exponentials};

use crate::LossName;
use crate::best::Best;

/// Steps of the sigmoid table.
const SIGMOID_STEPS: i32 = 512;
/// Beyond this the sigmoid counts as 0 or 1.
const MAX_SIGMOID: f32 = 8.0;

/// The table that the reference looks sigmoids up in (`Loss::Loss`).
#[derive(Debug)]
pub(crate) struct SigmoidTable(Vec<f32>);

impl SigmoidTable {
    pub(crate) fn new() -> Self {
        let sigmoid = |i: i32| {
            let x = (i * 16) as f32 / SIGMOID_STEPS as f32 - MAX_SIGMOID;
            (1.0 / (1.0 + f64::from((-x).exp()))) as f32
        };
        Self((0..=SIGMOID_STEPS).map(sigmoid).collect())
    }

    /// `Loss::sigmoid`, for numbers.
    fn get(&self, logit: f32) -> f32 {
        if logit < -MAX_SIGMOID {
            0.0
        } else if logit > MAX_SIGMOID {
            1.0
        } else {
            let step = (logit + MAX_SIGMOID) * SIGMOID_STEPS as f32 / MAX_SIGMOID / 2.0;
            self.0[step as usize]
        }
    }

    /// A logit below which every sigmoid is less than `sigmoid`, at most 1.
    fn bound(&self, sigmoid: f32) -> f32 {
        /// More than the rounding of a step.
        const SLACK: f32 = 1e-5;
        if sigmoid <= 0.0 {
            return f32::NEG_INFINITY;
        }
        let steps = self.0.partition_point(|step| *step < sigmoid);
        let logit = steps as f32 * (2.0 * MAX_SIGMOID / SIGMOID_STEPS as f32) - MAX_SIGMOID;
        logit.min(MAX_SIGMOID) - SLACK
    }
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
        |exponential| exponential / sum,
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
        for step in &table.0 {
            for sigmoid in [*step, step * 0.999, step * 1.001] {
                let bound = table.bound(sigmoid.min(1.0));
                assert!(table.get(bound.next_down()) < sigmoid, "{sigmoid}");
                // And it is no useless bound.
                assert!(table.get(bound + 0.04) >= sigmoid.min(1.0), "{sigmoid}");
            }
        }
    }
}
