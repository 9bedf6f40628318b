//! Random numbers that depend on a seed alone.

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): good enough to start
/// weights from and to draw examples with, and a stream of its own for each
/// place that it is started at.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

    /// The stream of a seed and a number.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut start = Self(seed ^ stream.wrapping_mul(0xd1b5_4a32_d192_ed03));
        Self(start.bits())
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(Self::STEP);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number from 0 to 1, which is not reached.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A whole number below `end`, which is at least 1.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.bits()) * end as u128) >> 64) as usize
    }

    /// Fills a row with numbers between `-bound` and `bound`.
    pub(crate) fn fill(&mut self, row: &mut [f32], bound: f64) {
        for number in row {
            *number = ((2.0 * self.unit() - 1.0) * bound) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_range_and_repeat() {
        let mut random = Random::new(1, 2);
        let mut seen = [0; 7];
        let mut row = [0.0; 1000];
        random.fill(&mut row, 0.01);
        for _ in 0..7000 {
            seen[random.below(7)] += 1;
        }
        assert!(row.iter().all(|number| number.abs() <= 0.01));
        assert!(
            seen.iter().all(|count| (800..1200).contains(count)),
            "{seen:?}"
        );
        let mut again = [0.0; 1000];
        Random::new(1, 2).fill(&mut again, 0.01);
        assert_eq!(row, again);
        Random::new(1, 3).fill(&mut again, 0.01);
        assert_ne!(row, again);
    }
}
