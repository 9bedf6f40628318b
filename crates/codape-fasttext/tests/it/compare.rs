//! What it means that two answers agree.

use codape_fasttext::{Model, Prediction};

/// How far a probability or a number of a vector may be from the reference's.
/// The engine is made to have the reference's bits; this is the promise, and
/// the tally tells how many answers have the bits.
pub const TOLERANCE: f32 = 1e-6;

/// How many answers were compared, and how many were the same to the bit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub answers: usize,
    pub with_equal_bits: usize,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.answers += other.answers;
        self.with_equal_bits += other.with_equal_bits;
    }

    pub fn sum(tallies: impl IntoIterator<Item = Self>) -> Self {
        let mut sum = Self::default();
        for tally in tallies {
            sum.add(tally);
        }
        sum
    }

    fn one(with_equal_bits: bool) -> Self {
        Self {
            answers: 1,
            with_equal_bits: usize::from(with_equal_bits),
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            answers,
            with_equal_bits,
        } = self;
        write!(f, "{answers} answers, {with_equal_bits} equal to the bit")
    }
}

/// Compares an answer with the reference's: the same labels in the same
/// order, the same probabilities within [`TOLERANCE`].
pub fn predictions(
    model: &Model,
    found: &[Prediction],
    expected: &[(&str, f32)],
) -> Result<Tally, String> {
    let labels: Vec<&[u8]> = found.iter().map(|p| model.label(p.label)).collect();
    if !labels
        .iter()
        .copied()
        .eq(expected.iter().map(|(label, _)| label.as_bytes()))
    {
        return Err(format!("{}, expected {expected:?}", listed(model, found)));
    }
    let pairs = || {
        found
            .iter()
            .zip(expected)
            .map(|(p, (_, e))| (p.probability, *e))
    };
    if !pairs().all(|(p, e)| (p - e).abs() <= TOLERANCE) {
        return Err(format!("{}, expected {expected:?}", listed(model, found)));
    }
    Ok(Tally::one(pairs().all(|(p, e)| p.to_bits() == e.to_bits())))
}

/// Compares a vector with the reference's.
pub fn vectors(found: &[f32], expected: &[f32]) -> Result<Tally, String> {
    let is_close = |(a, b): (&f32, &f32)| (a - b).abs() <= TOLERANCE * b.abs().max(1.0);
    if found.len() != expected.len() || !found.iter().zip(expected).all(is_close) {
        return Err(format!("{found:?}, expected {expected:?}"));
    }
    let has_bits = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits();
    Ok(Tally::one(found.iter().zip(expected).all(has_bits)))
}

/// An answer in words.
pub fn listed(model: &Model, found: &[Prediction]) -> String {
    let pair = |p: &Prediction| {
        let label = String::from_utf8_lossy(model.label(p.label));
        format!("{label} {}", p.probability)
    };
    format!(
        "[{}]",
        found.iter().map(pair).collect::<Vec<_>>().join(", ")
    )
}

/// A line in words, cut where it is long.
pub fn shown(line: &[u8]) -> String {
    let start = line[..line.len().min(120)].escape_ascii();
    format!("\"{start}\" ({} bytes)", line.len())
}
