//! Right and wrong answers by their confidence index.

use super::share;

/// Parts into which the confidence index, 0 to 1, is divided for a histogram.
pub const IC_BINS: usize = 50;

/// Steps of the grid of thresholds between 0 and 1.
const STEPS: usize = 100;

/// What automatic coding comes to at one threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThresholdRow {
    /// The confidence index from which the first suggestion is the code.
    pub threshold: f64,
    /// The declarations coded automatically.
    pub automatic: u64,
    /// Their share of all, 0 to 1; 0 of none.
    pub automatic_rate: f64,
    /// The share of them that is right, 0 to 1; `None` where nothing is coded.
    pub accuracy: Option<f64>,
}

/// Answers between one threshold of the grid and the next.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    right: u64,
    wrong: u64,
}

/// Answers by the highest threshold of the grid that they reach.
#[derive(Debug, Clone)]
pub(super) struct ConfidenceCounts([Counts; STEPS + 1]);

impl Default for ConfidenceCounts {
    fn default() -> Self {
        Self([Counts::default(); STEPS + 1])
    }
}

impl ConfidenceCounts {
    pub(super) fn add(&mut self, confidence: f64, is_right: bool) {
        let counts = &mut self.0[step(confidence)];
        if is_right {
            counts.right += 1;
        } else {
            counts.wrong += 1;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (counts, more) in self.0.iter_mut().zip(&other.0) {
            counts.right += more.right;
            counts.wrong += more.wrong;
        }
    }

    pub(super) fn histogram(&self, is_right: bool) -> [u64; IC_BINS] {
        let mut bins = [0; IC_BINS];
        for (step, counts) in self.0.iter().enumerate() {
            let bin = (step * IC_BINS / STEPS).min(IC_BINS - 1);
            bins[bin] += if is_right { counts.right } else { counts.wrong };
        }
        bins
    }

    pub(super) fn by_threshold(&self) -> Vec<ThresholdRow> {
        let total: u64 = self.0.iter().map(|c| c.right + c.wrong).sum();
        let (mut right, mut automatic) = (0, 0);
        let mut rows: Vec<_> = self
            .0
            .iter()
            .enumerate()
            .rev()
            .map(|(step, counts)| {
                right += counts.right;
                automatic += counts.right + counts.wrong;
                ThresholdRow {
                    threshold: threshold(step),
                    automatic,
                    automatic_rate: share(automatic, total.max(1)),
                    accuracy: (automatic > 0).then(|| share(right, automatic)),
                }
            })
            .collect();
        rows.reverse();
        rows
    }
}

fn threshold(step: usize) -> f64 {
    step as f64 / STEPS as f64
}

/// The highest step whose threshold the confidence reaches, as
/// [`Threshold::decide`](crate::Threshold::decide) compares: the product is
/// rounded, the comparison is not.
fn step(confidence: f64) -> usize {
    let near = (confidence * STEPS as f64).clamp(0.0, STEPS as f64) as usize;
    if near < STEPS && confidence >= threshold(near + 1) {
        near + 1
    } else if near > 0 && confidence < threshold(near) {
        near - 1
    } else {
        near
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decision, Threshold};

    #[test]
    fn steps_decide_as_thresholds_do() {
        for i in 0..=1000 {
            let confidence = f64::from(i) / 1000.0;
            for at in [confidence, confidence.next_up(), confidence.next_down()] {
                for (number, row) in ConfidenceCounts::default()
                    .by_threshold()
                    .iter()
                    .enumerate()
                    .skip(1)
                {
                    let decision = Threshold::new(row.threshold).unwrap().decide(at);
                    assert_eq!(decision == Decision::Automatic, step(at) >= number, "{at}");
                }
            }
        }
    }

    #[test]
    fn the_curve_ends_with_what_is_surest() {
        let mut counts = ConfidenceCounts::default();
        counts.add(1.000_001, true);
        counts.add(0.805, false);
        counts.add(0.1, false);
        let rows = counts.by_threshold();
        assert_eq!(rows.len(), 101);
        assert_eq!((rows[0].automatic, rows[0].accuracy), (3, Some(1.0 / 3.0)));
        assert_eq!((rows[80].automatic, rows[80].accuracy), (2, Some(0.5)));
        assert_eq!((rows[81].automatic, rows[81].accuracy), (1, Some(1.0)));
        assert_eq!((rows[100].automatic_rate * 3.0).round(), 1.0);
        assert_eq!(counts.histogram(false)[40], 1);
        assert_eq!(counts.histogram(true)[IC_BINS - 1], 1);
    }
}
