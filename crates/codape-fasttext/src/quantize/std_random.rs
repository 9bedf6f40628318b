//! The random numbers of the C++ library, as libstdc++ draws them: the
//! centroids of the reference follow from them.

/// `std::minstd_rand`.
#[derive(Debug, Clone)]
pub(crate) struct MinStdRand(u64);

impl MinStdRand {
    const FACTOR: u64 = 48_271;
    const MODULUS: u64 = 2_147_483_647;
    /// The least number that is drawn.
    const MIN: u64 = 1;
    /// The greatest number that is drawn, less the least.
    const RANGE: u64 = Self::MODULUS - 1 - Self::MIN;

    /// Starts at a seed, of which 0 and the multiples of the modulus count as
    /// 1.
    pub(crate) fn new(seed: u32) -> Self {
        Self((u64::from(seed) % Self::MODULUS).max(1))
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0 * Self::FACTOR % Self::MODULUS;
        self.0
    }

    /// `std::uniform_int_distribution` from 0 to `last`, which is less than
    /// [`RANGE`](Self::RANGE).
    fn up_to(&mut self, last: u64) -> u64 {
        let values = last + 1;
        let scaling = Self::RANGE / values;
        loop {
            let drawn = self.draw() - Self::MIN;
            if drawn < values * scaling {
                return drawn / scaling;
            }
        }
    }

    /// `std::uniform_real_distribution<double>` from 0 to 1, of two draws.
    pub(crate) fn unit(&mut self) -> f64 {
        let values = (Self::RANGE + 1) as f64;
        let low = (self.draw() - Self::MIN) as f64;
        let sum = low + (self.draw() - Self::MIN) as f64 * values;
        let unit = sum / (values * values);
        unit.min(1.0_f64.next_down())
    }

    /// A draw from a `std::normal_distribution<double>` of mean 0 and deviation
    /// 1 that was just made.
    pub(crate) fn normal(&mut self) -> f64 {
        loop {
            let [x, y] = [(); 2].map(|()| 2.0 * self.unit() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square <= 1.0 {
                return y * (-2.0 * square.ln() / square).sqrt();
            }
        }
    }

    /// `std::shuffle` of fewer than 2³¹ items.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        let count = items.len() as u64;
        if count == 0 {
            return;
        }
        if Self::RANGE / count < count {
            for i in 1..items.len() {
                items.swap(i, self.up_to(i as u64) as usize);
            }
            return;
        }
        // So few that one draw serves two of them.
        let mut i = 1;
        if count.is_multiple_of(2) {
            items.swap(i, self.up_to(1) as usize);
            i += 1;
        }
        while i < items.len() {
            let [first, second] = [i as u64 + 1, i as u64 + 2];
            let drawn = self.up_to(first * second - 1);
            items.swap(i, (drawn / second) as usize);
            items.swap(i + 1, (drawn % second) as usize);
            i += 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ten_thousandth_number_is_the_standards() {
        // [rand.predef] of the C++ standard.
        let mut random = MinStdRand::new(1);
        let last = (0..10_000).map(|_| random.draw()).last();
        assert_eq!(last, Some(399_268_537));
    }

    /// What g++ 12 prints for the same draws from `std::minstd_rand(1234)`.
    #[test]
    fn shuffles_and_draws_are_those_of_libstdcxx() {
        let mut random = MinStdRand::new(1234);
        let mut even: Vec<u32> = (0..10).collect();
        random.shuffle(&mut even);
        let mut odd: Vec<u32> = (0..9).collect();
        random.shuffle(&mut odd);
        assert_eq!(even, EVEN);
        assert_eq!(odd, ODD);
        let mut many: Vec<u32> = (0..50_000).collect();
        random.shuffle(&mut many);
        assert_eq!(many[..5], MANY[..5]);
        assert_eq!(many[49_995..], MANY[5..]);
        assert_eq!([random.unit(), random.unit()], UNITS);
    }

    const EVEN: [u32; 10] = [4, 9, 5, 3, 8, 7, 0, 2, 1, 6];
    const ODD: [u32; 9] = [5, 3, 1, 8, 4, 6, 2, 0, 7];
    const MANY: [u32; 10] = [
        16831, 2369, 6818, 49789, 3913, 48852, 11825, 12547, 41661, 6292,
    ];
    const UNITS: [f64; 2] = [0.069309182577243, 0.386_452_140_471_187_9];
}
