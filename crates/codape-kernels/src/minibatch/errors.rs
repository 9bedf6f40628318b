//! Errors of a batch: what each row says of each vector, against what it should.

use super::{LANES, Lanes, multiply_add};
use crate::isa::kernel;

/// Random numbers, a stream for each lane.
#[derive(Clone, Debug)]
struct LaneRandom([u32; LANES]);

impl LaneRandom {
    /// The streams of a seed.
    fn new(seed: u64) -> Self {
        // Xorshift must not start from 0, and takes a while to forget a start
        // with few bits.
        let start = |lane: usize| {
            let mixed = (seed ^ 0x9e37_79b9_7f4a_7c15)
                .wrapping_add(lane as u64)
                .wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (mixed >> 32) as u32 | 1
        };
        Self(std::array::from_fn(start))
    }
}

/// Rounds small errors by chance: one between 0 and `least` becomes `least` as
/// often as its share of it, and 0 else, so that the mean of what comes out is
/// what went in and most of it is 0; the same below 0.
#[derive(Clone, Debug)]
pub struct Thinning {
    least: f32,
    random: LaneRandom,
    /// For each row a bit for each lane whose error is not 0 then, or is no
    /// number.
    pub marks: Vec<u16>,
}

impl Thinning {
    /// For the errors of so many rows; `seed` is where its chance starts.
    #[must_use]
    pub fn new(least: f32, seed: u64, rows: usize) -> Self {
        Self {
            least,
            random: LaneRandom::new(seed),
            marks: vec![0; rows],
        }
    }
}

/// What is drawn for a row: an error is kept where it is larger.
#[inline(always)]
fn draw(states: &mut [u32; LANES], least: f32) -> Lanes {
    const UNIT: f32 = 1.0 / (1 << 24) as f32;
    let mut drawn = [0.0; LANES];
    for (drawn, state) in drawn.iter_mut().zip(states) {
        // Xorshift (Marsaglia, Journal of Statistical Software 8, 2003).
        *state ^= *state << 13;
        *state ^= *state >> 17;
        *state ^= *state << 5;
        *drawn = (*state >> 8).cast_signed() as f32 * (UNIT * least);
    }
    drawn
}

/// A bit for each error that is larger than what was drawn, or no number.
#[inline(always)]
fn kept(errors: &Lanes, drawn: &Lanes) -> u16 {
    // Whole words for each lane: what the compiler makes vectors of.
    let mut is_kept = [0_u32; LANES];
    for ((error, drawn), is_kept) in errors.iter().zip(drawn).zip(&mut is_kept) {
        *is_kept = 1 - u32::from(error.abs() <= *drawn);
    }
    let mut bits = 0;
    for (lane, is_kept) in is_kept.iter().enumerate() {
        bits |= is_kept << lane;
    }
    bits as u16
}

/// An error that is kept; `least` at least.
#[inline(always)]
fn rounded(error: f32, least: f32) -> f32 {
    let size = error.abs();
    // Written so that a NaN stays one.
    let size = if size < least { least } else { size };
    size.copysign(error)
}

kernel! {
    /// Thins errors, and marks those that are left.
    ///
    /// # Panics
    ///
    /// If there are more or fewer rows than the thinning is for.
    pub fn thin_errors(isa, rows: &mut [Lanes], thinning: &mut Thinning) = thin_body;
}

#[inline(always)]
fn thin_body(rows: &mut [Lanes], thinning: &mut Thinning) {
    let least = thinning.least;
    let mut states = thinning.random.0;
    assert_eq!(rows.len(), thinning.marks.len(), "another number of rows");
    for (row, mark) in rows.iter_mut().zip(&mut thinning.marks) {
        *mark = kept(row, &draw(&mut states, least));
        for error in row {
            *error = rounded(*error, least);
        }
    }
    thinning.random.0 = states;
}

/// How the vectors of a batch follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Sequence {
    /// The dot product of each vector with each.
    pub products: [Lanes; LANES],
    /// The learning rate.
    pub lr: f32,
    /// A bit for each lane that there is a vector in.
    pub lanes: u16,
}

kernel! {
    /// Makes errors of logits where each row answers yes or no by itself: the
    /// sigmoid of the logit less what the row should say, 1 where `targets` has
    /// a bit for the lane and 0 else. They are thinned, and what is not marked
    /// then holds no error.
    ///
    /// The errors are those of one vector after the other: the logit of each is
    /// what it would be if the row had learnt from the vectors before it, at
    /// the rate of the sequence. As a row moves along the vectors, that is
    /// known without the row: `logit -= lr * error * products[before][lane]`.
    ///
    /// # Panics
    ///
    /// If there are not as many rows as targets, and as the thinning is for.
    pub fused fn errors_in_sequence(isa, rows: &mut [Lanes], targets: &[u16], sequence: &Sequence, thinning: &mut Thinning) = sequence_body;
}

#[inline(always)]
fn sequence_body<const FUSED: bool>(
    rows: &mut [Lanes],
    targets: &[u16],
    sequence: &Sequence,
    thinning: &mut Thinning,
) {
    let least = thinning.least;
    let mut states = thinning.random.0;
    assert_eq!(rows.len(), targets.len(), "another number of targets");
    assert_eq!(rows.len(), thinning.marks.len(), "another number of rows");
    for ((row, target), mark) in rows.iter_mut().zip(targets).zip(&mut thinning.marks) {
        let drawn = draw(&mut states, least);
        let mut logits = *row;
        let mut left = sequence.lanes;
        *mark = 0;
        loop {
            let errors = errors_of::<FUSED>(&logits, *target);
            let due = kept(&errors, &drawn) & left;
            if due == 0 {
                break;
            }
            let lane = due.trailing_zeros() as usize;
            let error = rounded(errors[lane], least);
            row[lane] = error;
            *mark |= 1 << lane;
            // Those behind the lane.
            left &= ((u32::from(u16::MAX) << 1) << lane) as u16;
            let step = -sequence.lr * error;
            for (logit, product) in logits.iter_mut().zip(&sequence.products[lane]) {
                *logit = multiply_add::<FUSED>(step, *product, *logit);
            }
        }
    }
    thinning.random.0 = states;
}

#[inline(always)]
fn errors_of<const FUSED: bool>(logits: &Lanes, target: u16) -> Lanes {
    let mut errors = [0.0; LANES];
    for (lane, (error, logit)) in errors.iter_mut().zip(logits).enumerate() {
        let wanted = (u32::from(target) >> lane & 1).cast_signed() as f32;
        *error = 1.0 / (1.0 + exp::<FUSED>(-logit)) - wanted;
    }
    errors
}

kernel! {
    /// The largest number of each lane, taken together with what `largest`
    /// holds; a number that is not one counts as the largest.
    pub fn largest_of_lanes(isa, rows: &[Lanes], largest: &mut Lanes) = largest_body;
}

#[inline(always)]
fn largest_body(rows: &[Lanes], largest: &mut Lanes) {
    for row in rows {
        for (largest, number) in largest.iter_mut().zip(row) {
            *largest = if *largest >= *number {
                *largest
            } else {
                *number
            };
        }
    }
}

kernel! {
    /// Replaces each number by `exp(number - shift)` of its lane, and adds
    /// what comes out to the lane's sum.
    pub fused fn exp_of_lanes(isa, rows: &mut [Lanes], shifts: &Lanes, sums: &mut Lanes) = exp_body;
}

#[inline(always)]
fn exp_body<const FUSED: bool>(rows: &mut [Lanes], shifts: &Lanes, sums: &mut Lanes) {
    for row in rows {
        for ((number, shift), sum) in row.iter_mut().zip(shifts).zip(sums.iter_mut()) {
            *number = exp::<FUSED>(*number - shift);
            *sum += *number;
        }
    }
}

/// The exponential, within 2 units of the last place from −87 to 88 and
/// clamped to that range: `2^n · e^r` with `|r| ≤ ln 2 / 2` (Cody and Waite's
/// reduction), the latter by its Taylor polynomial of degree 7.
#[inline(always)]
fn exp<const FUSED: bool>(x: f32) -> f32 {
    /// Added and taken away again, it rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Written so that a NaN stays one.
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = multiply_add::<FUSED>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = multiply_add::<FUSED>(n, -LN_2_HIGH, x);
    let r = multiply_add::<FUSED>(n, -LN_2_LOW, r);
    let mut polynomial = 1.0 / 5040.0;
    for coefficient in [
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        polynomial = multiply_add::<FUSED>(polynomial, r, coefficient);
    }
    // The low bits of `shifted` are n, and the exponent of an f32 starts at
    // bit 23.
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    polynomial * power
}

#[cfg(test)]
mod tests {
    use std::array::from_fn;

    use super::*;
    use crate::Isa;

    #[test]
    fn exponentials_are_near_the_true_ones() {
        for isa in Isa::available() {
            let mut worst = 0.0_f64;
            for i in -87_000..88_000 {
                let x = i as f32 / 1000.0;
                let (mut rows, mut sums) = ([[x; LANES]], [0.0; LANES]);
                exp_of_lanes(isa, &mut rows, &[0.0; LANES], &mut sums);
                let expected = f64::from(x).exp();
                worst = worst.max((f64::from(rows[0][5]) - expected).abs() / expected);
                assert_eq!(sums[5], rows[0][5]);
            }
            assert!(worst < 3e-7, "{} {worst}", isa.name());
        }
    }

    #[test]
    fn small_errors_are_rounded_by_chance_and_large_ones_stay() {
        const ROWS: usize = 20_000;
        for isa in Isa::available() {
            let mut rows = vec![[-0.025; LANES]; ROWS];
            rows[7] = [0.0; LANES];
            rows[7][3] = -0.5;
            rows[7][4] = f32::NAN;
            let mut thinning = Thinning::new(0.1, 1, ROWS);
            thin_errors(isa, &mut rows, &mut thinning);
            let marks = thinning.marks;
            assert_eq!(marks[7], 1 << 3 | 1 << 4, "{}", isa.name());
            assert!(rows[7][3] == -0.5 && rows[7][4].is_nan());
            assert_eq!(rows[8], [-0.1; LANES]);
            for lane in 0..LANES {
                let kept = marks.iter().filter(|mark| *mark >> lane & 1 == 1).count();
                assert!(
                    (4_700..5_300).contains(&kept),
                    "{} {lane} {kept}",
                    isa.name()
                );
            }
        }
    }

    /// What the rows of a matrix learn, one vector after the other.
    #[test]
    fn errors_are_those_of_one_vector_after_the_other() {
        const STRIDE: usize = 24;
        const LR: f32 = 0.7;
        let wave = |i: usize, step: f32| (i as f32 * step).sin();
        let vectors: Vec<f32> = (0..LANES * STRIDE).map(|i| wave(i, 0.7)).collect();
        let vector = |lane: usize| &vectors[lane * STRIDE..][..STRIDE];
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let sequence = Sequence {
            products: from_fn(|a| from_fn(|b| dot(vector(a), vector(b)))),
            lr: LR,
            // There is nothing in lanes 2 and 15.
            lanes: !(1 << 2 | 1 << 15),
        };
        let targets = [0, 0b1001_0110_0000_0001, u16::MAX];
        for isa in Isa::available() {
            for (number, target) in targets.into_iter().enumerate() {
                let mut row: Vec<f32> = (0..STRIDE).map(|i| wave(i + number, 0.3)).collect();
                let mut rows = [from_fn(|lane| dot(&row, vector(lane)))];

                // No error is small enough to be passed over.
                let mut thinning = Thinning::new(1e-12, 1, 1);
                errors_in_sequence(isa, &mut rows, &[target], &sequence, &mut thinning);
                assert_eq!(thinning.marks, [sequence.lanes], "{}", isa.name());
                for lane in (0..LANES).filter(|lane| sequence.lanes >> lane & 1 == 1) {
                    let logit = f64::from(dot(&row, vector(lane)));
                    let wanted = f64::from(target >> lane & 1);
                    let error = 1.0 / (1.0 + (-logit).exp()) - wanted;
                    let found = f64::from(rows[0][lane]);
                    assert!((found - error).abs() < 1e-5, "{lane}: {found} {error}");
                    for (number, value) in row.iter_mut().zip(vector(lane)) {
                        *number -= LR * error as f32 * value;
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        for isa in Isa::available() {
            let mut largest = [f32::NEG_INFINITY; LANES];
            largest_of_lanes(isa, &[[f32::NAN; LANES], [1.0; LANES]], &mut largest);
            let (mut rows, mut sums) = ([[f32::NAN; LANES]], [0.0; LANES]);
            exp_of_lanes(isa, &mut rows, &[0.0; LANES], &mut sums);
            assert!(sums[0].is_nan(), "{}", isa.name());
        }
    }
}
