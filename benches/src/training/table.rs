//! Numbers of several models in a cell of a table.

use super::score::Score;

/// The mean; 0 of nothing.
pub fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len().max(1) as f64
}

/// The number in the middle, or the mean of the two; 0 of nothing.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        count if count % 2 == 0 => f64::midpoint(sorted[half - 1], sorted[half]),
        _ => sorted[half],
    }
}

/// `least – most`.
pub fn range(numbers: &[f64]) -> String {
    let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let most = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{least:.2} – {most:.2}")
}

/// Numbers with three decimals, one beside the other.
pub fn shares(numbers: &[f64]) -> String {
    let numbers: Vec<_> = numbers.iter().map(|share| format!("{share:.3}")).collect();
    numbers.join(" ")
}

/// One sentence on how the official program and `codape test` agree.
pub fn agreement<'a>(scores: impl Iterator<Item = &'a Score>) -> String {
    let (mut all, mut agreed) = (0, 0);
    for score in scores {
        all += 1;
        agreed += usize::from(score.is_agreed);
    }
    format!(
        "`codape test` prints the N, P@1 and R@1 of the official program's `test` for {agreed} of {all} models"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_numbers() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(mean(&[1.0, 2.0]), 1.5);
        assert_eq!(range(&[2.0, 1.0]), "1.00 – 2.00");
        assert_eq!(shares(&[0.5, 0.25]), "0.500 0.250");
    }
}
