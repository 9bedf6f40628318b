//! Exponentials with the bits of the system's library.

use crate::isa::kernel;

/// Numbers that are worked on together.
const LANES: usize = 16;

kernel! {
    /// Replaces each number by `exp(number - shift)`: the difference is taken
    /// in 32 bits, its exponential in 64, and that rounded to 32, with the bits
    /// that `f64::exp` gives.
    ///
    /// The numbers must be numbers, and none larger than `shift`.
    pub fused fn exponentials(isa, numbers: &mut [f32], shift: f32) = exponentials_body;
}

#[inline(always)]
fn exponentials_body<const FUSED: bool>(numbers: &mut [f32], shift: f32) {
    let (blocks, rest) = numbers.as_chunks_mut::<LANES>();
    for block in blocks {
        let mut shifted = [0.0; LANES];
        for i in 0..LANES {
            shifted[i] = block[i] - shift;
        }
        let (least, most) = bounds::<FUSED>(&shifted);
        *block = most;
        let mut differing = 0;
        for i in 0..LANES {
            differing |= least[i].to_bits() ^ most[i].to_bits();
        }
        if differing != 0 {
            // Between two roundings: the library decides, once in millions.
            *block = shifted.map(exact);
        }
    }
    for number in rest {
        *number = exact(*number - shift);
    }
}

fn exact(number: f32) -> f32 {
    f64::from(number).exp() as f32
}

/// What the exponentials round to if they are a little less or a little more
/// than what is computed here.
///
/// `2^n · e^r` with `|r| ≤ ln 2 / 2` (Cody and Waite's reduction), the latter by
/// its Taylor polynomial of degree 13: within 1e-15 of the exponential, as the
/// library's is within 2e-16.
#[inline(always)]
fn bounds<const FUSED: bool>(numbers: &[f32; LANES]) -> ([f32; LANES], [f32; LANES]) {
    /// Added and taken away again, it rounds to a whole number.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const SLACK: f64 = 4e-15;
    /// Below this all are 0 in 32 bits.
    const LEAST: f64 = -200.0;
    const COEFFICIENTS: [f64; 13] = [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ];
    let (mut shifted, mut rest) = ([0.0; LANES], [0.0; LANES]);
    for i in 0..LANES {
        let x = f64::from(numbers[i]);
        let x = if x < LEAST { LEAST } else { x };
        shifted[i] = multiply_add::<FUSED>(x, std::f64::consts::LOG2_E, ROUND);
        let n = shifted[i] - ROUND;
        let r = multiply_add::<FUSED>(n, -LN_2_HIGH, x);
        rest[i] = multiply_add::<FUSED>(n, -LN_2_LOW, r);
    }
    let mut polynomial = [1.0 / 6_227_020_800.0; LANES];
    for coefficient in COEFFICIENTS {
        for i in 0..LANES {
            polynomial[i] = multiply_add::<FUSED>(polynomial[i], rest[i], coefficient);
        }
    }
    let (mut least, mut most) = ([0.0; LANES], [0.0; LANES]);
    for i in 0..LANES {
        // The low bits of `shifted` are n, and the exponent of an f64 starts
        // at bit 52.
        let power = f64::from_bits(shifted[i].to_bits().wrapping_add(1023) << 52);
        let exponential = polynomial[i] * power;
        least[i] = (exponential * (1.0 - SLACK)) as f32;
        most[i] = (exponential * (1.0 + SLACK)) as f32;
    }
    (least, most)
}

/// `a * b + c`.
#[inline(always)]
fn multiply_add<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;

    #[test]
    fn exponentials_have_the_bits_of_the_library() {
        let mut numbers: Vec<f32> = (0..400_000).map(|i| i as f32 * -3.1e-4).collect();
        numbers.extend((0..200_000_u32).map(|i| -f32::from_bits(i * 5_423 % 0x42f0_0000)));
        numbers.extend([
            f32::NEG_INFINITY,
            -f32::MAX,
            -0.0,
            -1e-40,
            -87.4,
            -103.97,
            -104.0,
        ]);
        for shift in [0.0, 3.7] {
            let shifted: Vec<f32> = numbers.iter().map(|number| number + shift).collect();
            let expected: Vec<f32> = shifted
                .iter()
                .map(|number| f64::from(number - shift).exp() as f32)
                .collect();
            for isa in Isa::available() {
                let mut found = shifted.clone();
                exponentials(isa, &mut found, shift);
                assert_eq!(found, expected, "{}", isa.name());
            }
        }
    }
}
