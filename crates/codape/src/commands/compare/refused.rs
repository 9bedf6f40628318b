//! Rows that are not compared.

use std::collections::BTreeMap;

use codape_trainer::{Refusal, RefusalKind};

/// Rows that are shown with what is wrong with them.
const SHOWN: usize = 5;

/// The rows that are not compared, counted, and the first of them.
#[derive(Debug, Default)]
pub struct Refused {
    by_kind: BTreeMap<RefusalKind, u64>,
    first: Vec<(u64, Refusal)>,
}

impl Refused {
    /// Adds the refused rows of a batch, each with its number in the file.
    pub fn add(&mut self, mut refusals: Vec<(u64, Refusal)>) {
        refusals.sort_by_key(|(number, _)| *number);
        for (_, refusal) in &refusals {
            *self.by_kind.entry(refusal.kind()).or_default() += 1;
        }
        let room = SHOWN - self.first.len();
        self.first.extend(refusals.into_iter().take(room));
    }

    /// All refused rows.
    pub fn total(&self) -> u64 {
        self.by_kind.values().sum()
    }

    /// What is wrong, and how often; the most frequent first.
    pub fn by_reason(&self) -> Vec<(String, u64)> {
        let mut reasons: Vec<_> = self
            .by_kind
            .iter()
            .map(|(kind, count)| (kind.to_string(), *count))
            .collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        reasons
    }

    /// What is wrong most often.
    pub fn most_frequent(&self) -> Option<(String, u64)> {
        self.by_reason().into_iter().next()
    }

    /// The first refused rows, by their numbers in the file.
    pub fn first(&self) -> &[(u64, Refusal)] {
        &self.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_are_named() {
        let mut refused = Refused::default();
        refused.add(vec![
            (9, Refusal::MissingText),
            (2, Refusal::UnknownCode("x".into())),
        ]);
        refused.add((10..20).map(|row| (row, Refusal::MissingText)).collect());
        assert_eq!(refused.total(), 12);
        let rows: Vec<_> = refused.first().iter().map(|(row, _)| *row).collect();
        assert_eq!(rows, [2, 9, 10, 11, 12]);
        let reasons = refused.by_reason();
        assert_eq!(reasons[0], ("the text is missing".to_owned(), 11));
        assert_eq!(reasons[1].1, 1);
        assert_eq!(refused.most_frequent(), Some(reasons[0].clone()));
    }
}
