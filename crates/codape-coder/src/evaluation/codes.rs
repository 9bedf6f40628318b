//! What happened to each code.

use std::collections::{BTreeMap, HashMap};

use super::share;

/// What happened to one code.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeRow<'a> {
    /// The code.
    pub code: &'a str,
    /// Declarations of this code that were evaluated.
    pub declarations: u64,
    /// Examples of it that the model was trained on.
    pub training: u64,
    /// Declarations for which it was suggested first.
    pub predicted: u64,
    /// Those of them for which it is right.
    pub right: u64,
    /// The code that was most often suggested first in its place, and how
    /// often; of equals, the first in order.
    pub mistaken_for: Option<(&'a str, u64)>,
}

impl CodeRow<'_> {
    /// The share of first suggestions of this code that are right; `None`
    /// where it was never suggested first.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        (self.predicted > 0).then(|| share(self.right, self.predicted))
    }

    /// The share of declarations of this code that were given it first; `None`
    /// where there are none.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        (self.declarations > 0).then(|| share(self.right, self.declarations))
    }

    /// The harmonic mean of precision and recall; `None` where neither exists.
    #[must_use]
    pub fn f1(&self) -> Option<f64> {
        let both = self.declarations + self.predicted;
        (both > 0).then(|| share(2 * self.right, both))
    }
}

/// A code that was suggested first in the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confusion<'a> {
    /// The right code.
    pub gold: &'a str,
    /// The code that was suggested first.
    pub suggested: &'a str,
    /// How often.
    pub declarations: u64,
}

/// For each right code, what was suggested first.
#[derive(Debug, Clone, Default)]
pub(super) struct CodeCounts {
    by_gold: HashMap<Box<str>, OfGold>,
}

#[derive(Debug, Clone, Default)]
struct OfGold {
    declarations: u64,
    suggested: HashMap<Box<str>, u64>,
}

impl CodeCounts {
    pub(super) fn add(&mut self, gold: &str, suggested: Option<&str>) {
        let of_gold = entry(&mut self.by_gold, gold);
        of_gold.declarations += 1;
        if let Some(suggested) = suggested {
            *entry(&mut of_gold.suggested, suggested) += 1;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (gold, more) in &other.by_gold {
            let of_gold = entry(&mut self.by_gold, gold);
            of_gold.declarations += more.declarations;
            for (suggested, count) in &more.suggested {
                *entry(&mut of_gold.suggested, suggested) += count;
            }
        }
    }

    pub(super) fn rows<'a>(
        &'a self,
        training: impl Iterator<Item = (&'a str, u64)>,
    ) -> Vec<CodeRow<'a>> {
        let mut rows: BTreeMap<&'a str, CodeRow<'a>> = BTreeMap::new();
        fn row<'r, 'a>(
            rows: &'r mut BTreeMap<&'a str, CodeRow<'a>>,
            code: &'a str,
        ) -> &'r mut CodeRow<'a> {
            rows.entry(code).or_insert(CodeRow {
                code,
                declarations: 0,
                training: 0,
                predicted: 0,
                right: 0,
                mistaken_for: None,
            })
        }
        for (code, count) in training {
            row(&mut rows, code).training += count;
        }
        for (gold, of_gold) in &self.by_gold {
            let of_code = row(&mut rows, gold);
            of_code.declarations = of_gold.declarations;
            of_code.right = of_gold.suggested.get(gold).copied().unwrap_or(0);
            of_code.mistaken_for = of_gold
                .suggested
                .iter()
                .filter(|(suggested, _)| *suggested != gold)
                .map(|(suggested, &count)| (&**suggested, count))
                .max_by(|(a, m), (b, n)| m.cmp(n).then_with(|| b.cmp(a)));
            for (suggested, count) in &of_gold.suggested {
                row(&mut rows, suggested).predicted += count;
            }
        }
        rows.into_values().collect()
    }

    pub(super) fn confusions(&self, limit: usize) -> Vec<Confusion<'_>> {
        let mut pairs: Vec<_> = self
            .by_gold
            .iter()
            .flat_map(|(gold, of_gold)| {
                let wrong = of_gold.suggested.iter().filter(move |(s, _)| *s != gold);
                wrong.map(move |(suggested, &declarations)| Confusion {
                    gold,
                    suggested,
                    declarations,
                })
            })
            .collect();
        pairs.sort_unstable_by(|a, b| {
            let by_count = b.declarations.cmp(&a.declarations);
            by_count.then_with(|| (a.gold, a.suggested).cmp(&(b.gold, b.suggested)))
        });
        pairs.truncate(limit);
        pairs
    }
}

/// The value of a key, which is only copied when it is new.
fn entry<'m, V: Default>(map: &'m mut HashMap<Box<str>, V>, key: &str) -> &'m mut V {
    if !map.contains_key(key) {
        map.insert(key.into(), V::default());
    }
    map.get_mut(key).expect("the key was inserted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_follow_from_counts() {
        let mut counts = CodeCounts::default();
        for (gold, suggested) in [("A", "A"), ("A", "C"), ("A", "B"), ("B", "A")] {
            counts.add(gold, Some(suggested));
        }
        counts.add("B", None);
        let rows = counts.rows([("A", 7), ("D", 1)].into_iter());
        let codes: Vec<_> = rows.iter().map(|row| row.code).collect();
        assert_eq!(codes, ["A", "B", "C", "D"]);
        let a = &rows[0];
        assert_eq!(
            (a.declarations, a.training, a.predicted, a.right),
            (3, 7, 2, 1)
        );
        assert_eq!(a.precision(), Some(0.5));
        assert_eq!(a.recall(), Some(1.0 / 3.0));
        assert_eq!(a.f1(), Some(0.4));
        assert_eq!(a.mistaken_for, Some(("B", 1)));
        assert_eq!(rows[1].recall(), Some(0.0));
        assert_eq!(rows[2].recall(), None);
        assert_eq!(rows[3].f1(), None);
        assert_eq!(counts.confusions(1)[0].suggested, "B");
        assert_eq!(counts.confusions(9).len(), 3);
    }
}
