//! How good a coder's answers are, against codes that are known.
//!
//! An [`Evaluation`] is fed one answer at a time and holds counts only, so that
//! any number of declarations can be evaluated; several, of parts of the
//! declarations, are merged into one. A [`Comparison`] is the same for two
//! coders that answer for the same declarations.

mod codes;
mod comparison;
mod confidence;
mod interval;
mod outcomes;
mod paired;

use codape_nomenclature::{Entry, Nomenclature};

use crate::coding::Coding;
use codes::CodeCounts;
use confidence::ConfidenceCounts;

pub use codes::{CodeRow, Confusion};
pub use comparison::Comparison;
pub use confidence::{IC_BINS, ThresholdRow};
pub use interval::{Difference, Interval, Proportion};
pub use paired::PairedCounts;

/// Accuracy is measured among the first 1, 2, … `RANKS` suggestions.
pub const RANKS: usize = 5;

/// Counts of right answers, and all that follows from them.
#[derive(Debug, Clone)]
pub struct Evaluation<'n> {
    nomenclature: &'n Nomenclature,
    as_written: Hits,
    /// By depth in the nomenclature, from the top.
    levels: Vec<Hits>,
    confidence: ConfidenceCounts,
    codes: CodeCounts,
}

/// For each k, the declarations whose code is among the first k suggestions.
#[derive(Debug, Clone, Copy, Default)]
struct Hits {
    declarations: u64,
    at_rank: [u64; RANKS],
}

impl Hits {
    /// Counts a declaration whose code is the suggestion at `rank`, from 0.
    fn add(&mut self, rank: Option<usize>) {
        self.declarations += 1;
        if let Some(count) = rank.and_then(|rank| self.at_rank.get_mut(rank)) {
            *count += 1;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.declarations += other.declarations;
        for (count, more) in self.at_rank.iter_mut().zip(other.at_rank) {
            *count += more;
        }
    }

    fn accuracy(&self) -> LevelAccuracy {
        let mut among = 0;
        LevelAccuracy {
            declarations: self.declarations,
            among_first: self.at_rank.map(|count| {
                among += count;
                share(among, self.declarations)
            }),
        }
    }
}

/// How often the right code is suggested, at one level of the nomenclature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelAccuracy {
    /// The declarations whose code is at this level or below it.
    pub declarations: u64,
    /// The share of them, 0 to 1, whose code (its ancestor at this level) is
    /// that of one of the first k suggestions, for k = 1 to [`RANKS`]. NaN where
    /// there are no declarations.
    pub among_first: [f64; RANKS],
}

impl<'n> Evaluation<'n> {
    /// No answer so far, of codes of this nomenclature.
    #[must_use]
    pub fn new(nomenclature: &'n Nomenclature) -> Self {
        Self {
            nomenclature,
            as_written: Hits::default(),
            levels: vec![Hits::default(); nomenclature.levels().len()],
            confidence: ConfidenceCounts::default(),
            codes: CodeCounts::default(),
        }
    }

    /// Counts an answer of at least [`RANKS`] suggestions (where the model has
    /// so many codes) for a declaration whose code is `gold`. A code that the
    /// nomenclature does not know is compared as it is written, and counts at
    /// no level.
    pub fn add(&mut self, gold: &str, coding: &Coding<'_>) {
        let suggestions = &coding.suggestions;
        let rank = suggestions.iter().position(|s| s.code == gold);
        self.as_written.add(rank);
        if let Some(entry) = self.nomenclature.get(gold) {
            for depth in 0..=entry.level().depth() {
                let above = entry.at_depth(depth).map(Entry::id);
                let rank = suggestions.iter().position(|suggestion| {
                    let other = suggestion.entry.and_then(|other| other.at_depth(depth));
                    other.is_some() && other.map(Entry::id) == above
                });
                self.levels[depth].add(rank);
            }
        }
        let is_right = rank == Some(0);
        self.confidence.add(coding.confidence, is_right);
        self.codes.add(gold, coding.best().map(|best| best.code));
    }

    /// Adds what another evaluation of the same nomenclature has counted.
    pub fn merge(&mut self, other: &Self) {
        self.as_written.merge(&other.as_written);
        for (level, more) in self.levels.iter_mut().zip(&other.levels) {
            level.merge(more);
        }
        self.confidence.merge(&other.confidence);
        self.codes.merge(&other.codes);
    }

    /// The answers that were counted.
    #[must_use]
    pub fn declarations(&self) -> u64 {
        self.as_written.declarations
    }

    /// The accuracy of codes as they are written.
    #[must_use]
    pub fn as_written(&self) -> LevelAccuracy {
        self.as_written.accuracy()
    }

    /// The accuracy at each level of the nomenclature, from the top.
    #[must_use]
    pub fn levels(&self) -> Vec<LevelAccuracy> {
        self.levels.iter().map(Hits::accuracy).collect()
    }

    /// How many right first suggestions had a confidence index in each of
    /// [`IC_BINS`] parts of 0 to 1, equally wide; the last takes all above.
    #[must_use]
    pub fn right_by_confidence(&self) -> [u64; IC_BINS] {
        self.confidence.histogram(true)
    }

    /// The same of wrong first suggestions, and of none.
    #[must_use]
    pub fn wrong_by_confidence(&self) -> [u64; IC_BINS] {
        self.confidence.histogram(false)
    }

    /// What automatic coding comes to at each threshold from 0 to 1 in steps
    /// of 0.01: 101 rows.
    #[must_use]
    pub fn by_threshold(&self) -> Vec<ThresholdRow> {
        self.confidence.by_threshold()
    }

    /// What happened to each code that was right or suggested first, or that
    /// is in `training`; in the order of the codes.
    #[must_use]
    pub fn by_code<'a>(
        &'a self,
        training: impl Iterator<Item = (&'a str, u64)>,
    ) -> Vec<CodeRow<'a>> {
        self.codes.rows(training)
    }

    /// The `limit` most frequent pairs of a right code and another that was
    /// suggested first in its place; of equals, in the order of the codes.
    #[must_use]
    pub fn confusions(&self, limit: usize) -> Vec<Confusion<'_>> {
        self.codes.confusions(limit)
    }
}

/// A share of 0 to 1; NaN of nothing.
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::coding::Suggestion;

    /// Suggestions of these codes, each with half of the probability.
    pub(crate) fn coding<'a>(codes: &[&'a str], confidence: f64) -> Coding<'a> {
        let naf = Nomenclature::naf_rev2();
        Coding {
            line: String::new(),
            suggestions: codes
                .iter()
                .map(|&code| Suggestion {
                    code,
                    entry: naf.get(code),
                    probability: 0.5,
                })
                .collect(),
            confidence,
        }
    }

    fn three_answers() -> [(&'static str, Coding<'static>); 3] {
        [
            ("5610C", coding(&["5610C", "5610A"], 0.9)),
            ("5610A", coding(&["5610C", "9602A", "5610A"], 0.5)),
            ("XXXX", coding(&["9602A", "XXXX"], 0.1)),
        ]
    }

    #[test]
    fn accuracy_is_counted_at_each_level_and_rank() {
        let mut evaluation = Evaluation::new(Nomenclature::naf_rev2());
        for (gold, coding) in three_answers() {
            evaluation.add(gold, &coding);
        }
        let third = 1.0 / 3.0;
        assert_eq!(evaluation.as_written().declarations, 3);
        assert_eq!(
            evaluation.as_written().among_first,
            [third, 2.0 * third, 1.0, 1.0, 1.0]
        );
        let levels = evaluation.levels();
        assert_eq!(levels.len(), 5);
        // The class 5610 of both is the same; the unknown code is at no level.
        assert_eq!(levels[3].declarations, 2);
        assert_eq!(levels[3].among_first, [1.0; 5]);
        assert_eq!(levels[4].among_first, [0.5, 0.5, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn parts_merge_into_the_whole() {
        let mut whole = Evaluation::new(Nomenclature::naf_rev2());
        let mut merged = whole.clone();
        for (gold, coding) in three_answers() {
            whole.add(gold, &coding);
            let mut part = Evaluation::new(Nomenclature::naf_rev2());
            part.add(gold, &coding);
            merged.merge(&part);
        }
        assert_eq!(whole.levels(), merged.levels());
        assert_eq!(whole.by_threshold(), merged.by_threshold());
        assert_eq!(whole.right_by_confidence(), merged.right_by_confidence());
        assert_eq!(whole.confusions(9), merged.confusions(9));
        assert_eq!(
            whole.by_code(std::iter::empty()),
            merged.by_code(std::iter::empty())
        );
    }

    #[test]
    fn an_answer_without_suggestions_is_wrong() {
        let mut evaluation = Evaluation::new(Nomenclature::naf_rev2());
        evaluation.add("5610C", &coding(&[], 0.0));
        assert_eq!(evaluation.as_written().among_first, [0.0; 5]);
        assert_eq!(evaluation.wrong_by_confidence()[0], 1);
        assert!(evaluation.confusions(1).is_empty());
    }
}
