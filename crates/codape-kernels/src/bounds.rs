//! Numbers that are known to within a margin.

use crate::isa::kernel;

/// What some numbers are at least and at most.
#[derive(Debug, Default)]
pub struct Bounds {
    lows: Vec<f32>,
    highs: Vec<f32>,
    block_lows: Vec<f32>,
    block_highs: Vec<f32>,
}

impl Bounds {
    /// Numbers in a block.
    pub const BLOCK: usize = 16;

    /// What each number is at least.
    #[must_use]
    pub fn lows(&self) -> &[f32] {
        &self.lows
    }

    /// What each number is at most.
    #[must_use]
    pub fn highs(&self) -> &[f32] {
        &self.highs
    }

    /// The greatest of the lows of each block.
    #[must_use]
    pub fn block_lows(&self) -> &[f32] {
        &self.block_lows
    }

    /// The greatest of the highs of each block.
    #[must_use]
    pub fn block_highs(&self) -> &[f32] {
        &self.block_highs
    }

    /// Bounds the numbers near `guesses`: number `i` is off by no more than
    /// `errors[0][i] * factors[0] + errors[1][i] * factors[1]`.
    ///
    /// # Panics
    ///
    /// If there are fewer errors than guesses.
    pub fn set(
        &mut self,
        isa: crate::Isa,
        guesses: &[f32],
        errors: [&[f32]; 2],
        factors: [f32; 2],
    ) {
        let count = guesses.len();
        let blocks = count.div_ceil(Self::BLOCK);
        self.lows.resize(count, 0.0);
        self.highs.resize(count, 0.0);
        self.block_lows.resize(blocks, 0.0);
        self.block_highs.resize(blocks, 0.0);
        set(isa, self, guesses, errors.map(|e| &e[..count]), factors);
    }
}

kernel! {
    fn set(isa, bounds: &mut Bounds, guesses: &[f32], errors: [&[f32]; 2], factors: [f32; 2]) = set_body;
}

#[inline(always)]
fn set_body(bounds: &mut Bounds, guesses: &[f32], errors: [&[f32]; 2], factors: [f32; 2]) {
    const BLOCK: usize = Bounds::BLOCK;
    let Bounds {
        lows,
        highs,
        block_lows,
        block_highs,
    } = bounds;
    let mut greatest = block_lows.iter_mut().zip(block_highs);
    let (guess_blocks, guesses) = guesses.as_chunks::<BLOCK>();
    let [(first_blocks, first), (second_blocks, second)] = errors.map(|e| e.as_chunks::<BLOCK>());
    let (low_blocks, lows) = lows.as_chunks_mut::<BLOCK>();
    let (high_blocks, highs) = highs.as_chunks_mut::<BLOCK>();
    for (b, guesses) in guess_blocks.iter().enumerate() {
        let (first, second) = (&first_blocks[b], &second_blocks[b]);
        let (mut low, mut high) = ([0.0; BLOCK], [0.0; BLOCK]);
        for i in 0..BLOCK {
            let margin = first[i] * factors[0] + second[i] * factors[1];
            low[i] = guesses[i] - margin;
            high[i] = guesses[i] + margin;
        }
        low_blocks[b] = low;
        high_blocks[b] = high;
        if let Some((block_low, block_high)) = greatest.next() {
            *block_low = greatest_of(low);
            *block_high = greatest_of(high);
        }
    }
    for (i, guess) in guesses.iter().enumerate() {
        let margin = first[i] * factors[0] + second[i] * factors[1];
        lows[i] = guess - margin;
        highs[i] = guess + margin;
    }
    if let Some((block_low, block_high)) = greatest.next() {
        *block_low = lows.iter().copied().fold(f32::NEG_INFINITY, greater);
        *block_high = highs.iter().copied().fold(f32::NEG_INFINITY, greater);
    }
}

/// The greatest number of a block.
#[inline(always)]
fn greatest_of(mut block: [f32; Bounds::BLOCK]) -> f32 {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            block[i] = greater(block[i], block[i + half]);
        }
    }
    block[0]
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
    fn bounds_are_as_far_as_the_errors_say() {
        for count in [0, 1, 15, 16, 17, 32, 727] {
            let guesses: Vec<f32> = (0..count).map(|i| (i as f32 * 0.7).sin()).collect();
            let errors = [0.3, 1.1].map(|step| -> Vec<f32> {
                (0..count).map(|i| (i as f32 * step).cos().abs()).collect()
            });
            for isa in Isa::available() {
                let mut bounds = Bounds::default();
                bounds.set(isa, &[9.0; 40], [&[0.0; 40]; 2], [0.0; 2]);
                bounds.set(isa, &guesses, [&errors[0], &errors[1]], [0.5, 0.25]);
                for i in 0..count {
                    let margin = errors[0][i] * 0.5 + errors[1][i] * 0.25;
                    assert_eq!(bounds.lows()[i], guesses[i] - margin);
                    assert_eq!(bounds.highs()[i], guesses[i] + margin);
                }
                let greatest = |numbers: &[f32]| -> Vec<f32> {
                    let blocks = numbers.chunks(Bounds::BLOCK);
                    blocks
                        .map(|block| block.iter().copied().fold(f32::NEG_INFINITY, f32::max))
                        .collect()
                };
                assert_eq!(bounds.block_lows(), greatest(bounds.lows()));
                assert_eq!(bounds.block_highs(), greatest(bounds.highs()));
            }
        }
    }
}
