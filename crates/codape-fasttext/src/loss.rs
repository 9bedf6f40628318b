//! From logits to probabilities, with the reference's roundings.

use crate::LossName;

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

    /// Makes probabilities of logits, in place. `false` where one of them is
    /// not a number.
    pub(crate) fn apply(&self, logits: &mut [f32]) -> bool {
        if logits.iter().any(|logit| logit.is_nan()) {
            return false;
        }
        match self {
            Self::Softmax => softmax(logits),
            Self::Sigmoid(table) => {
                for logit in logits {
                    *logit = table.get(*logit);
                }
                true
            }
        }
    }
}

/// `SoftmaxLoss::computeOutput`: the exponential is taken in 64 bits, the sum
/// in 32.
fn softmax(logits: &mut [f32]) -> bool {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if !max.is_finite() {
        return logits.is_empty();
    }
    let mut sum = 0.0_f32;
    for logit in logits.iter_mut() {
        *logit = f64::from(*logit - max).exp() as f32;
        sum += *logit;
    }
    for probability in logits {
        *probability /= sum;
    }
    true
}
