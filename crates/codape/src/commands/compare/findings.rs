//! What a comparison came to, and what it says in one sentence.

use std::time::Duration;

use codape_coder::{Comparison, Difference, Interval, Proportion};

use super::refused::Refused;

/// A p-value below this is taken for more than chance: as often as a 95 %
/// interval misses.
const SIGNIFICANCE: f64 = 0.05;

/// Everything that is reported.
#[derive(Debug)]
pub struct Findings {
    /// The directories of A and B.
    pub packages: [String; 2],
    /// Whether the right codes were read.
    pub has_codes: bool,
    pub comparison: Comparison,
    pub refused: Refused,
    /// What A and B took for a declaration, on all threads together.
    pub mean_time: [Duration; 2],
}

impl Findings {
    /// Whether one is right more often, in one sentence.
    pub fn verdict(&self) -> String {
        let Some(difference) = self.comparison.first().difference() else {
            let agreement = self.comparison.agreement().share().unwrap_or_default();
            return format!(
                "A and B suggest the same code first for {} of the declarations; without their \
                 codes, nothing tells which is right",
                percent(agreement)
            );
        };
        if difference.p_value >= SIGNIFICANCE {
            return format!(
                "no difference is shown: B minus A is {}, {}",
                points(&difference),
                p_value(difference.p_value)
            );
        }
        let (winner, difference) = if difference.value > 0.0 {
            ("B", difference)
        } else {
            ("A", reversed(difference))
        };
        format!(
            "{winner} is right more often: {}, {}",
            points(&difference),
            p_value(difference.p_value)
        )
    }
}

/// A minus B instead of B minus A.
fn reversed(difference: Difference) -> Difference {
    Difference {
        value: -difference.value,
        interval: Interval {
            low: -difference.interval.high,
            high: -difference.interval.low,
        },
        ..difference
    }
}

/// A share of 0 to 1.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A share with its interval.
pub fn proportion(proportion: Proportion) -> String {
    match (proportion.share(), proportion.interval()) {
        (Some(share), Some(interval)) => format!(
            "{} ({:.2} to {:.2})",
            percent(share),
            100.0 * interval.low,
            100.0 * interval.high
        ),
        _ => "–".to_owned(),
    }
}

/// A difference of shares with its interval.
pub fn points(difference: &Difference) -> String {
    let Interval { low, high } = difference.interval;
    format!(
        "{} points (95 %: {} to {})",
        signed(difference.value),
        signed(low),
        signed(high)
    )
}

/// Hundredths with their sign; nothing has none.
fn signed(share: f64) -> String {
    let text = format!("{:+.2}", 100.0 * share).replace('-', "−");
    match text.strip_prefix(['+', '−']) {
        Some("0.00") => "0.00".to_owned(),
        _ => text,
    }
}

/// A p-value, as precisely as anyone needs it.
pub fn p_value(p: f64) -> String {
    match p {
        p if p >= 0.1 => format!("p = {p:.2}"),
        p if p >= 0.001 => format!("p = {p:.3}"),
        p if p >= 1e-300 => format!("p = {p:.0e}"),
        _ => "p < 1e-300".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use codape_coder::{Coding, Suggestion, Threshold};

    use super::*;

    fn coding(code: &str) -> Coding<'_> {
        Coding {
            line: String::new(),
            suggestions: vec![Suggestion {
                code,
                entry: None,
                probability: 0.5,
            }],
            confidence: 0.5,
        }
    }

    /// So many right by A alone and by B alone, of 100.
    fn verdict(only_a: usize, only_b: usize) -> String {
        let mut comparison = Comparison::new(Threshold::new(0.8).unwrap());
        let (right, wrong) = (coding("r"), coding("w"));
        for row in 0..100 {
            let pair = if row < only_a {
                [&right, &wrong]
            } else if row < only_a + only_b {
                [&wrong, &right]
            } else {
                [&right, &right]
            };
            comparison.add(Some("r"), pair);
        }
        let findings = Findings {
            packages: ["a".into(), "b".into()],
            has_codes: true,
            comparison,
            refused: Refused::default(),
            mean_time: [Duration::ZERO; 2],
        };
        findings.verdict()
    }

    #[test]
    fn the_verdict_is_one_sentence() {
        // The intervals are Newcombe's, evaluated by Python 3.11; p is twice
        // the binomial tail.
        assert_eq!(
            verdict(2, 12),
            "B is right more often: +10.00 points (95 %: +2.74 to +18.02), p = 0.013"
        );
        assert_eq!(
            verdict(12, 2),
            "A is right more often: +10.00 points (95 %: +2.74 to +18.02), p = 0.013"
        );
        assert_eq!(
            verdict(3, 3),
            "no difference is shown: B minus A is 0.00 points (95 %: −5.86 to +5.86), p = 1.00"
        );
    }

    #[test]
    fn numbers_are_as_precise_as_anyone_needs() {
        assert_eq!(p_value(0.624), "p = 0.62");
        assert_eq!(p_value(0.004_23), "p = 0.004");
        assert_eq!(p_value(0.049_1), "p = 0.049");
        assert_eq!(p_value(3.1e-9), "p = 3e-9");
        assert_eq!(p_value(0.0), "p < 1e-300");
        assert_eq!(signed(-0.000_01), "0.00");
        assert_eq!(signed(-0.0123), "−1.23");
        let none = Proportion { part: 0, whole: 0 };
        assert_eq!(proportion(none), "–");
    }
}
