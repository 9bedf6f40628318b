//! Two coders, compared on the same declarations.

use super::RANKS;
use super::interval::{Difference, Proportion};
use super::outcomes::{Outcome, OutcomeCounts};
use super::paired::PairedCounts;
use crate::coding::Coding;
use crate::decision::{Decision, Threshold};

/// Counts of what two coders, A and B, make of the same declarations, and all
/// that follows from them.
///
/// It is fed one declaration at a time and holds counts only, so that any
/// number can be compared; several, of parts of the declarations, are merged
/// into one. Codes are compared as the nomenclature writes them.
#[derive(Debug, Clone)]
pub struct Comparison {
    threshold: Threshold,
    agreeing: u64,
    automatic: PairedCounts,
    first: PairedCounts,
    among_five: PairedCounts,
    outcomes: OutcomeCounts,
}

impl Comparison {
    /// Nothing compared so far; `threshold` decides what is coded automatically.
    #[must_use]
    pub fn new(threshold: Threshold) -> Self {
        Self {
            threshold,
            agreeing: 0,
            automatic: PairedCounts::default(),
            first: PairedCounts::default(),
            among_five: PairedCounts::default(),
            outcomes: OutcomeCounts::default(),
        }
    }

    /// Counts what A, then B, answer for one declaration, each with at least
    /// [`RANKS`] suggestions (where the model has so many codes). `gold` is the
    /// declaration's code as the nomenclature writes it, where it is known.
    pub fn add(&mut self, gold: Option<&str>, codings: [&Coding<'_>; 2]) {
        let [a, b] = codings.map(Coding::first_code);
        self.agreeing += u64::from(a == b);
        let automatic =
            codings.map(|coding| self.threshold.decide(coding.confidence) == Decision::Automatic);
        self.automatic.add(automatic);
        let Some(gold) = gold else {
            return;
        };
        let ranks = codings.map(|coding| {
            let mut suggestions = coding.suggestions.iter().take(RANKS);
            suggestions.position(|suggestion| suggestion.canonical_code() == gold)
        });
        let is_first = ranks.map(|rank| rank == Some(0));
        self.first.add(is_first);
        self.among_five.add(ranks.map(|rank| rank.is_some()));
        let outcome = |coder: usize| match (automatic[coder], is_first[coder]) {
            (false, _) => Outcome::Review,
            (true, true) => Outcome::Right,
            (true, false) => Outcome::Wrong,
        };
        self.outcomes.add([outcome(0), outcome(1)]);
    }

    /// Adds what another comparison of the same coders, at the same threshold,
    /// has counted.
    pub fn merge(&mut self, other: &Self) {
        self.agreeing += other.agreeing;
        self.automatic.merge(&other.automatic);
        self.first.merge(&other.first);
        self.among_five.merge(&other.among_five);
        self.outcomes.merge(&other.outcomes);
    }

    /// What decides on automatic coding.
    #[must_use]
    pub fn threshold(&self) -> Threshold {
        self.threshold
    }

    /// The declarations that were compared.
    #[must_use]
    pub fn declarations(&self) -> u64 {
        self.automatic.total()
    }

    /// Those of them whose code is known.
    #[must_use]
    pub fn labelled(&self) -> u64 {
        self.first.total()
    }

    /// The declarations for which both suggest the same code first; or nothing,
    /// both.
    #[must_use]
    pub fn agreement(&self) -> Proportion {
        Proportion {
            part: self.agreeing,
            whole: self.declarations(),
        }
    }

    /// What is coded automatically, of all declarations.
    #[must_use]
    pub fn automatic(&self) -> PairedCounts {
        self.automatic
    }

    /// Whose first code is right, of the declarations whose code is known.
    #[must_use]
    pub fn first(&self) -> PairedCounts {
        self.first
    }

    /// Who has the right code among the first [`RANKS`], of the declarations
    /// whose code is known.
    #[must_use]
    pub fn among_five(&self) -> PairedCounts {
        self.among_five
    }

    /// The precision of automatic coding by A, then by B: what is right of what
    /// each codes automatically, of the declarations whose code is known.
    #[must_use]
    pub fn precisions(&self) -> [Proportion; 2] {
        self.outcomes.precisions()
    }

    /// How the precision of B differs from that of A; `None` where one of them
    /// codes nothing automatically.
    ///
    /// The two code different declarations automatically, many of them the
    /// same: their precisions are those of samples that overlap, as predictive
    /// values of two medical tests of the same patients are. The p-value is that
    /// of the score test for these (Kosinski, "A weighted generalized score
    /// statistic for comparison of predictive values of diagnostic tests",
    /// Statistics in Medicine 32, 2013): a normal approximation, which is
    /// McNemar's χ², without a correction, where both code everything. Take it
    /// with care where fewer than ten codings are wrong. The interval puts
    /// Wilson's two together with their correlation (Zou and Donner,
    /// "Construction of confidence limits about effect measures: a general
    /// approach", Statistics in Medicine 27, 2008).
    #[must_use]
    pub fn precision_difference(&self) -> Option<Difference> {
        self.outcomes.precision_difference()
    }

    /// Whose code is right, of the declarations that both code automatically
    /// and whose code is known.
    #[must_use]
    pub fn both_automatic(&self) -> PairedCounts {
        self.outcomes.both_automatic()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::tests::coding;

    fn pairs() -> [(Option<&'static str>, [Coding<'static>; 2]); 5] {
        [
            (
                Some("5610C"),
                [coding(&["5610C"], 0.9), coding(&["5610C"], 0.95)],
            ),
            // A label with a dot is the same code.
            (
                Some("5610C"),
                [coding(&["5610A", "5610C"], 0.9), coding(&["56.10C"], 0.2)],
            ),
            (
                Some("9602A"),
                [coding(&["9602A"], 0.9), coding(&["9602B", "x"], 0.8)],
            ),
            // Beyond the first five a code does not count.
            (
                Some("9602A"),
                [
                    coding(&["1", "2", "3", "4", "5", "9602A"], 0.1),
                    coding(&[], 0.0),
                ],
            ),
            (None, [coding(&["9602A"], 0.8), coding(&["9602A"], 0.79)]),
        ]
    }

    fn compared(pairs: &[(Option<&str>, [Coding<'_>; 2])]) -> Comparison {
        let mut comparison = Comparison::new(Threshold::new(0.8).unwrap());
        for (gold, [a, b]) in pairs {
            comparison.add(*gold, [a, b]);
        }
        comparison
    }

    #[test]
    fn each_declaration_is_counted_once_for_each_question() {
        let comparison = compared(&pairs());
        assert_eq!((comparison.declarations(), comparison.labelled()), (5, 4));
        assert_eq!(comparison.agreement().part, 2);
        let counts = |both, only_a, only_b, neither| PairedCounts {
            both,
            only_a,
            only_b,
            neither,
        };
        assert_eq!(comparison.first(), counts(1, 1, 1, 1));
        assert_eq!(comparison.among_five(), counts(2, 1, 0, 1));
        assert_eq!(comparison.automatic(), counts(2, 2, 0, 1));
        assert_eq!(comparison.both_automatic(), counts(1, 1, 0, 0));
        let [a, b] = comparison.precisions();
        assert_eq!((a.part, a.whole, b.part, b.whole), (2, 3, 1, 2));
        assert!(comparison.precision_difference().is_some());
    }

    #[test]
    fn parts_merge_into_the_whole() {
        let pairs = pairs();
        let whole = compared(&pairs);
        let mut merged = compared(&pairs[..2]);
        merged.merge(&compared(&pairs[2..]));
        assert_eq!(whole.agreement(), merged.agreement());
        assert_eq!(whole.first(), merged.first());
        assert_eq!(whole.among_five(), merged.among_five());
        assert_eq!(whole.automatic(), merged.automatic());
        assert_eq!(whole.outcomes, merged.outcomes);
    }

    #[test]
    fn without_codes_there_is_nothing_right() {
        let comparison = compared(&pairs()[4..]);
        assert_eq!(comparison.first().difference(), None);
        assert_eq!(comparison.precision_difference(), None);
        assert_eq!(comparison.agreement().share(), Some(1.0));
    }
}
