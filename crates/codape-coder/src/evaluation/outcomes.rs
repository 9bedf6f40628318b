//! What automatic coding of the same declarations by two coders comes to.

use std::f64::consts::FRAC_1_SQRT_2;

use super::interval::{Difference, Proportion, difference_interval};
use super::paired::PairedCounts;

/// What comes of a declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is coded automatically, and rightly.
    Right,
    /// It is coded automatically, and wrongly.
    Wrong,
    /// A person codes it.
    Review,
}

const OUTCOMES: [Outcome; 3] = [Outcome::Right, Outcome::Wrong, Outcome::Review];

impl Outcome {
    /// How far a declaration is above the `precision` of those that are coded
    /// automatically, of which it may be none.
    fn residual(self, precision: f64) -> f64 {
        match self {
            Self::Right => 1.0 - precision,
            Self::Wrong => -precision,
            Self::Review => 0.0,
        }
    }
}

/// Declarations by what comes of them with A, then with B.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct OutcomeCounts([[u64; OUTCOMES.len()]; OUTCOMES.len()]);

impl OutcomeCounts {
    pub(super) fn add(&mut self, [a, b]: [Outcome; 2]) {
        self.0[a as usize][b as usize] += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            for (count, more) in count.iter_mut().zip(more) {
                *count += more;
            }
        }
    }

    /// The declarations with these outcomes.
    fn get(&self, [a, b]: [Outcome; 2]) -> u64 {
        self.0[a as usize][b as usize]
    }

    fn cells(&self) -> impl Iterator<Item = ([Outcome; 2], u64)> {
        OUTCOMES
            .into_iter()
            .flat_map(|a| OUTCOMES.map(|b| [a, b]))
            .map(|outcomes| (outcomes, self.get(outcomes)))
    }

    /// The share that is right of what A codes automatically, and of what B
    /// does.
    pub(super) fn precisions(&self) -> [Proportion; 2] {
        [0, 1].map(|coder| {
            let sum = |wanted: Outcome| -> u64 {
                let of = self
                    .cells()
                    .filter(|(outcomes, _)| outcomes[coder] == wanted);
                of.map(|(_, count)| count).sum()
            };
            let (part, wrong) = (sum(Outcome::Right), sum(Outcome::Wrong));
            Proportion {
                part,
                whole: part + wrong,
            }
        })
    }

    /// Which coder is right, of the declarations that both code automatically.
    pub(super) fn both_automatic(&self) -> PairedCounts {
        use Outcome::{Right, Wrong};
        PairedCounts {
            both: self.get([Right, Right]),
            only_a: self.get([Right, Wrong]),
            only_b: self.get([Wrong, Right]),
            neither: self.get([Wrong, Wrong]),
        }
    }

    /// How the precision of B differs from that of A.
    pub(super) fn precision_difference(&self) -> Option<Difference> {
        let precisions = self.precisions();
        let correlation = self.correlation(precisions);
        let (value, interval) = difference_interval(precisions, correlation)?;
        Some(Difference {
            value,
            interval,
            p_value: self.score_test(precisions, value),
        })
    }

    /// The correlation of the two precisions; 0 where one does not vary.
    fn correlation(&self, precisions: [Proportion; 2]) -> f64 {
        let [Some(a), Some(b)] = precisions.map(Proportion::share) else {
            return 0.0;
        };
        let [n_a, n_b] = precisions.map(|precision| precision.whole as f64);
        let scale = (n_a * a * (1.0 - a) * n_b * b * (1.0 - b)).sqrt();
        if scale > 0.0 {
            (self.product_of_residuals([a, b]) / scale).clamp(-1.0, 1.0)
        } else {
            0.0
        }
    }

    /// The p-value of the weighted generalized score test of equal precisions
    /// (Kosinski 2013): the variance is the one that
    /// the difference has if both are the precision of all automatic codings.
    fn score_test(&self, precisions: [Proportion; 2], difference: f64) -> f64 {
        let [n_a, n_b] = precisions.map(|precision| precision.whole as f64);
        let [right_a, right_b] = precisions.map(|precision| precision.part as f64);
        let pooled = (right_a + right_b) / (n_a + n_b);
        let shared = self.product_of_residuals([pooled; 2]) / (n_a * n_b);
        let variance = pooled * (1.0 - pooled) * (1.0 / n_a + 1.0 / n_b) - 2.0 * shared;
        if variance > 0.0 {
            libm::erfc(difference.abs() / variance.sqrt() * FRAC_1_SQRT_2)
        } else {
            1.0
        }
    }

    /// What binds the two precisions: the sum, of the declarations that both
    /// code automatically, of how far each is above both `precisions`,
    /// multiplied.
    fn product_of_residuals(&self, precisions: [f64; 2]) -> f64 {
        self.cells()
            .map(|([a, b], count)| {
                count as f64 * a.residual(precisions[0]) * b.residual(precisions[1])
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(cells: [[u64; 3]; 3]) -> OutcomeCounts {
        OutcomeCounts(cells)
    }

    #[test]
    fn where_all_is_automatic_the_test_is_that_of_mcnemar() {
        // χ² = (b − c)² / (b + c), without a correction.
        let found = counts([[700, 40, 0], [65, 195, 0], [0, 0, 0]]);
        let difference = found.precision_difference().unwrap();
        let z = 25.0 / 105.0_f64.sqrt();
        let expected = libm::erfc(z * FRAC_1_SQRT_2);
        assert!((difference.p_value / expected - 1.0).abs() < 1e-9);
        assert!((difference.value - 0.025).abs() < 1e-12);
        let paired = found.both_automatic();
        assert_eq!((paired.only_a, paired.only_b), (40, 65));
        // The interval is Newcombe's, but for the correction of the correlation.
        let newcombe = paired.difference().unwrap().interval;
        assert!((difference.interval.low - newcombe.low).abs() < 2e-4);
        assert!((difference.interval.high - newcombe.high).abs() < 2e-4);
    }

    #[test]
    fn where_nothing_is_shared_the_test_is_that_of_two_samples() {
        // A codes 200 and B 300 others: z² is Pearson's χ² of the table.
        let found = counts([[0, 0, 150], [0, 0, 50], [255, 45, 0]]);
        let [a, b] = found.precisions();
        assert_eq!((a.part, a.whole, b.part, b.whole), (150, 200, 255, 300));
        let pooled = 405.0 / 500.0;
        let variance: f64 = pooled * (1.0 - pooled) * (1.0 / 200.0 + 1.0 / 300.0);
        let expected = libm::erfc(0.1 / variance.sqrt() * FRAC_1_SQRT_2);
        let difference = found.precision_difference().unwrap();
        assert!((difference.p_value / expected - 1.0).abs() < 1e-9);
    }

    #[test]
    fn coders_that_are_never_wrong_do_not_differ() {
        let found = counts([[10, 0, 5], [0, 0, 0], [3, 0, 9]]);
        let difference = found.precision_difference().unwrap();
        assert_eq!((difference.value, difference.p_value), (0.0, 1.0));
        assert!(difference.interval.low < 0.0 && difference.interval.high > 0.0);
        // One that codes nothing has no precision.
        let found = counts([[0, 0, 5], [0, 0, 1], [0, 0, 9]]);
        assert_eq!(found.precision_difference(), None);
        assert_eq!(found.both_automatic().total(), 0);
    }

    #[test]
    fn all_wrong_against_all_right_is_told_with_an_interval() {
        let found = counts([[0, 0, 0], [4, 0, 0], [0, 0, 1]]);
        let difference = found.precision_difference().unwrap();
        assert_eq!(difference.value, 1.0);
        assert!(difference.interval.low < 0.6, "{difference:?}");
        // Four of four: z² = 4.
        let expected = libm::erfc(2.0 * FRAC_1_SQRT_2);
        assert!((difference.p_value / expected - 1.0).abs() < 1e-9);
    }
}
