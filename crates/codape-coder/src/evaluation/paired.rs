//! Two coders on the same declarations: what each has and the other has not.

use std::f64::consts::LN_2;

use super::interval::{Difference, Proportion, difference_interval};

/// Declarations by which of two coders has something, such as the right code:
/// a table of two by two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PairedCounts {
    /// Both have it.
    pub both: u64,
    /// A has it and B has not.
    pub only_a: u64,
    /// B has it and A has not.
    pub only_b: u64,
    /// Neither has it.
    pub neither: u64,
}

impl PairedCounts {
    /// Counts a declaration, by whether A and B have it.
    pub(super) fn add(&mut self, have: [bool; 2]) {
        let count = match have {
            [true, true] => &mut self.both,
            [true, false] => &mut self.only_a,
            [false, true] => &mut self.only_b,
            [false, false] => &mut self.neither,
        };
        *count += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.both += other.both;
        self.only_a += other.only_a;
        self.only_b += other.only_b;
        self.neither += other.neither;
    }

    /// All declarations that were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.both + self.only_a + self.only_b + self.neither
    }

    /// The share that A has, then the share that B has.
    #[must_use]
    pub fn proportions(&self) -> [Proportion; 2] {
        [self.only_a, self.only_b].map(|alone| Proportion {
            part: self.both + alone,
            whole: self.total(),
        })
    }

    /// The p-value of McNemar's test ("Note on the sampling error of the
    /// difference between correlated proportions or percentages", Psychometrika
    /// 12, 1947) in its exact form, two-sided: 0 to 1, and 1 where the two never
    /// differ.
    ///
    /// Of the declarations that one coder alone has, each would have half if
    /// they were equally good: it is twice the tail of that binomial
    /// distribution, at most 1. The tail is summed whatever the counts, from its
    /// greatest term down, so that there is no approximation for large ones. The
    /// relative error is some 1e-9 where the coders differ a million times, and
    /// grows with that number. What is below the least number of 64 bits, some
    /// 1e-308, is 0.
    #[must_use]
    pub fn mcnemar(&self) -> f64 {
        let differing = self.only_a + self.only_b;
        let fewer = self.only_a.min(self.only_b);
        (2.0 * lower_tail(differing, fewer)).min(1.0)
    }

    /// How the share of B differs from that of A; `None` where nothing was
    /// counted. The p-value is that of [`mcnemar`](Self::mcnemar), the interval
    /// that of Newcombe's method 10 ("Improved confidence intervals for the
    /// difference between binomial proportions based on paired data",
    /// Statistics in Medicine 17, 1998). The two come from different
    /// approximations: at the very edge, one may hold 0 to be possible where the
    /// other does not.
    #[must_use]
    pub fn difference(&self) -> Option<Difference> {
        let (value, interval) = difference_interval(self.proportions(), self.correlation())?;
        Some(Difference {
            value,
            interval,
            p_value: self.mcnemar(),
        })
    }

    /// The correlation of the table, with Newcombe's correction for continuity;
    /// 0 where a row or a column is empty.
    fn correlation(&self) -> f64 {
        let [both, only_a, only_b, neither] =
            [self.both, self.only_a, self.only_b, self.neither].map(|count| count as f64);
        let margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither);
        if margins == 0.0 {
            return 0.0;
        }
        let determinant = both * neither - only_a * only_b;
        let corrected = if determinant > 0.0 {
            (determinant - self.total() as f64 / 2.0).max(0.0)
        } else {
            determinant
        };
        corrected / margins.sqrt()
    }
}

/// The probability of `k` or fewer heads, at most half, of `n` tosses of a fair
/// coin.
fn lower_tail(n: u64, k: u64) -> f64 {
    /// Terms below this share of the sum no longer change it.
    const LEAST: f64 = 1e-18;
    let (tosses, mut heads) = (n as f64, k as f64);
    let log_first = libm::lgamma(tosses + 1.0)
        - libm::lgamma(heads + 1.0)
        - libm::lgamma(tosses - heads + 1.0)
        - tosses * LN_2;
    // Each term by the one above it: C(n, k − 1) is C(n, k) · k / (n − k + 1).
    let (mut term, mut sum) = (1.0, 1.0);
    while heads > 0.0 && term > LEAST * sum {
        term *= heads / (tosses - heads + 1.0);
        sum += term;
        heads -= 1.0;
    }
    // Together, as the sum may be large where the first term is none.
    (log_first + sum.ln()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differing(only_a: u64, only_b: u64) -> PairedCounts {
        PairedCounts {
            both: 70,
            only_a,
            only_b,
            neither: 30,
        }
    }

    #[test]
    fn the_test_is_exact() {
        // 2 · Σ C(n, k) / 2ⁿ in Python's `fractions`, rounded at the end.
        for (only_a, only_b, expected) in [
            (0, 0, 1.0),
            (1, 0, 1.0),
            (7, 7, 1.0),
            (5, 0, 0.0625),
            (12, 2, 0.012_939_453_125),
            (10, 25, 0.016_673_847_800_120_71),
            (150, 86, 3.715_936_139_571_442e-5),
            (59, 6, 4.964_650_327_128_617e-12),
            (1000, 1100, 0.030_720_707_864_242_296),
            (5000, 5200, 0.048_787_963_126_822_45),
            (30, 200, 5.047_359_407_245_44e-32),
            (0, 1000, 1.866_527_237_006_437_8e-301),
        ] {
            let [p, other] =
                [differing(only_a, only_b), differing(only_b, only_a)].map(|c| c.mcnemar());
            assert_eq!(p, other);
            let error = (p / expected - 1.0).abs();
            assert!(error < 1e-10, "{only_a} {only_b}: {p}, not {expected}");
        }
        assert_eq!(differing(0, 2000).mcnemar(), 0.0);
    }

    #[test]
    fn large_counts_agree_with_the_normal_distribution() {
        // The test with a correction for continuity, which is as good as exact
        // there: z = (|b − c| − 1) / √(b + c).
        let counts = differing(50_000_000, 50_020_000);
        let differing = 100_020_000_f64;
        let z = 19_999.0 / differing.sqrt();
        let normal = libm::erfc(z / 2.0_f64.sqrt());
        assert!((counts.mcnemar() / normal - 1.0).abs() < 1e-6);
    }

    #[test]
    fn the_interval_of_a_difference_is_that_of_newcombe() {
        // Method 10, evaluated by Python 3.11 for A minus B; here it is B minus A.
        for ([both, only_a, only_b, neither], low, high) in [
            (
                [36, 12, 2, 0],
                0.056_929_584_003_238_69,
                0.340_427_602_974_940_7,
            ),
            (
                [20, 12, 2, 16],
                0.056_156_424_841_748_24,
                0.329_206_995_400_140_53,
            ),
            (
                [53, 1, 0, 0],
                -0.049_621_661_889_403_88,
                0.097_714_374_887_819_2,
            ),
            (
                [0, 1, 0, 29],
                -0.083_445_975_432_543_42,
                0.166_703_909_914_091_73,
            ),
            ([0, 43, 0, 0], 0.884_020_624_030_537_3, 1.0),
            (
                [54, 0, 0, 0],
                -0.066_413_588_090_896_26,
                0.066_413_588_090_896_26,
            ),
            (
                [2, 97, 1, 0],
                0.872_116_478_340_208_9,
                0.985_366_450_221_737_2,
            ),
        ] {
            let counts = PairedCounts {
                both,
                only_a,
                only_b,
                neither,
            };
            let found = counts.difference().unwrap();
            assert!((found.interval.low + high).abs() < 1e-12, "{found:?}");
            assert!((found.interval.high + low).abs() < 1e-12, "{found:?}");
            let value = (only_b as f64 - only_a as f64) / counts.total() as f64;
            assert!((found.value - value).abs() < 1e-12, "{found:?}");
        }
        assert_eq!(PairedCounts::default().difference(), None);
    }
}
