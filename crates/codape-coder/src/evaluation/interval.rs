//! Shares, the intervals that the true ones may lie in, and how two differ.

/// Half the width, in standard deviations, of the middle 95 % of a normal
/// distribution.
const Z_95: f64 = 1.959_963_984_540_054;

/// So many declarations of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proportion {
    /// The declarations that have something: at most `whole`.
    pub part: u64,
    /// All that were looked at.
    pub whole: u64,
}

/// A range that holds the true value in 95 % of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// How a share of coder B differs from that of coder A, on the same
/// declarations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// The share of B minus that of A, −1 to 1.
    pub value: f64,
    /// The 95 % interval of the difference.
    pub interval: Interval,
    /// How often chance alone would make two equally good coders differ as
    /// much, in either direction: 0 to 1.
    pub p_value: f64,
}

impl Proportion {
    /// The share, 0 to 1; `None` of nothing.
    #[must_use]
    pub fn share(self) -> Option<f64> {
        (self.whole > 0).then(|| super::share(self.part, self.whole))
    }

    /// Wilson's score interval (1927), without a correction for continuity,
    /// within 0 to 1; `None` of nothing. It keeps its promise for shares near 0
    /// and 1 too, where the usual interval shrinks to a point.
    #[must_use]
    pub fn interval(self) -> Option<Interval> {
        let share = self.share()?;
        let n = self.whole as f64;
        let square = Z_95 * Z_95;
        let scale = 1.0 + square / n;
        let centre = (share + square / (2.0 * n)) / scale;
        let half = Z_95 / scale * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
        // Rounding must not put the share itself outside.
        Some(Interval {
            low: (centre - half).clamp(0.0, share),
            high: (centre + half).clamp(share, 1.0),
        })
    }
}

/// The 95 % interval of the share of B minus that of A, of the intervals of
/// both and the `correlation` of the two shares, −1 to 1; `None` where one is
/// of nothing.
///
/// It is method 10 of Newcombe, "Improved confidence intervals for the
/// difference between binomial proportions based on paired data", Statistics
/// in Medicine 17 (1998), which Zou and Donner, the same 27 (2008), show to hold
/// for shares of any two correlated samples.
pub(super) fn difference_interval(
    [a, b]: [Proportion; 2],
    correlation: f64,
) -> Option<(f64, Interval)> {
    let (share_a, share_b) = (a.share()?, b.share()?);
    let (a, b) = (a.interval()?, b.interval()?);
    let value = share_b - share_a;
    let reach = |x: f64, y: f64| (x * x - 2.0 * correlation * x * y + y * y).max(0.0).sqrt();
    let interval = Interval {
        low: (value - reach(share_b - b.low, a.high - share_a)).max(-1.0),
        high: (value + reach(b.high - share_b, share_a - a.low)).min(1.0),
    };
    Some((value, interval))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_of_shares_are_those_of_wilson() {
        // Wilson's formula, evaluated by Python 3.11.
        for (part, whole, low, high) in [
            (81, 263, 0.255_288_519_878_274_2, 0.366_209_576_982_800_04),
            (15, 148, 0.062_386_399_530_736_3, 0.160_487_241_723_308_03),
            (0, 20, 0.0, 0.161_125_158_052_819_38),
            (20, 20, 0.838_874_841_947_180_6, 1.0),
            (1, 29, 0.006_113_214_292_762_653, 0.171_755_218_793_202_88),
        ] {
            let interval = Proportion { part, whole }.interval().unwrap();
            assert!((interval.low - low).abs() < 1e-14, "{interval:?}");
            assert!((interval.high - high).abs() < 1e-14, "{interval:?}");
        }
        assert_eq!(Proportion { part: 0, whole: 0 }.interval(), None);
    }

    #[test]
    fn a_share_is_in_its_interval_however_many_there_are() {
        for whole in [1, 2, 10, 999, 1_000_000, 1 << 50] {
            for part in [0, 1, whole / 2, whole - 1, whole] {
                let proportion = Proportion { part, whole };
                let share = proportion.share().unwrap();
                let Interval { low, high } = proportion.interval().unwrap();
                assert!(0.0 <= low && low <= share && share <= high && high <= 1.0);
            }
        }
    }
}
