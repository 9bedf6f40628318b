//! The greatest of each few numbers.

use crate::isa::kernel;

/// Numbers that [`block_maxima`] takes together.
pub const BLOCK: usize = 16;

kernel! {
    /// Sets each of `maxima` to the greatest of [`BLOCK`] numbers; the last
    /// block may have fewer. None of them may be a NaN, or any may come out.
    ///
    /// # Panics
    ///
    /// If there are not as many maxima as blocks.
    pub fn block_maxima(isa, numbers: &[f32], maxima: &mut [f32]) = block_maxima_body;
}

#[inline(always)]
fn block_maxima_body(numbers: &[f32], maxima: &mut [f32]) {
    assert_eq!(numbers.len().div_ceil(BLOCK), maxima.len(), "other blocks");
    let (blocks, rest) = numbers.as_chunks::<BLOCK>();
    for (block, maximum) in blocks.iter().zip(&mut *maxima) {
        let mut lanes = *block;
        for half in [8, 4, 2, 1] {
            for i in 0..half {
                lanes[i] = greater(lanes[i + half], lanes[i]);
            }
        }
        *maximum = lanes[0];
    }
    if let (Some(maximum), false) = (maxima.last_mut(), rest.is_empty()) {
        *maximum = rest.iter().fold(f32::NEG_INFINITY, |a, b| greater(*b, a));
    }
}

/// The greater of two numbers, in one instruction.
#[inline(always)]
fn greater(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;

    #[test]
    fn every_block_has_its_greatest() {
        for count in [0_usize, 1, 15, 16, 17, 32, 727] {
            let numbers: Vec<f32> = (0..count).map(|i| (i as f32 * 0.7).sin() - 2.0).collect();
            let expected: Vec<f32> = numbers
                .chunks(BLOCK)
                .map(|block| block.iter().copied().fold(f32::NEG_INFINITY, f32::max))
                .collect();
            for isa in Isa::available() {
                let mut maxima = vec![f32::NAN; count.div_ceil(BLOCK)];
                block_maxima(isa, &numbers, &mut maxima);
                assert_eq!(maxima, expected, "{}", isa.name());
            }
        }
    }
}
