//! Writes a pattern out as the list of phrases that it matches, if it is such a list.

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

use super::Alphabet;
use super::trie::{Condition, Edge};

/// Most letters and conditions that all phrases together may have; beyond, the pattern is left to
/// the regular-expression engine.
const ITEMS_LIMIT: usize = 1 << 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Byte(u8),
    Edge(Edge),
}

/// Sequences in the order in which a backtracking engine tries them.
type Sequences = Vec<Vec<Item>>;

/// The phrases that the pattern matches, first choice first, each with the conditions on its two
/// ends. `None` if it is not a list of phrases of reasonable length. For ASCII texts, phrases that
/// hold other characters are left out.
pub(super) fn phrases(hir: &Hir, alphabet: Alphabet) -> Option<Vec<(Vec<u8>, Condition)>> {
    let mut budget = ITEMS_LIMIT;
    let sequences = expand(hir, alphabet, &mut budget)?;
    sequences.into_iter().map(phrase).collect()
}

/// Separates the letters from the conditions, which may stand at the two ends only.
fn phrase(items: Vec<Item>) -> Option<(Vec<u8>, Condition)> {
    let is_byte = |item: &Item| matches!(item, Item::Byte(_));
    let start = items.iter().position(is_byte)?;
    let end = items.iter().rposition(is_byte)? + 1;
    let bytes = items[start..end]
        .iter()
        .map(|item| match item {
            Item::Byte(byte) => Some(*byte),
            Item::Edge(_) => None,
        })
        .collect::<Option<Vec<u8>>>()?;
    let condition = Condition {
        lead: edge(&items[..start])?,
        trail: edge(&items[end..])?,
    };
    Some((bytes, condition))
}

/// The one condition that `items` states, all of which are conditions.
fn edge(items: &[Item]) -> Option<Edge> {
    match items {
        [] => Some(Edge::Any),
        [first @ Item::Edge(edge), rest @ ..] => rest.iter().all(|i| i == first).then_some(*edge),
        _ => None,
    }
}

fn expand(hir: &Hir, alphabet: Alphabet, budget: &mut usize) -> Option<Sequences> {
    match hir.kind() {
        HirKind::Empty => Some(vec![Vec::new()]),
        HirKind::Literal(literal) => {
            if alphabet == Alphabet::Ascii && !literal.0.is_ascii() {
                return Some(Vec::new());
            }
            spend(budget, literal.0.len())?;
            Some(vec![literal.0.iter().copied().map(Item::Byte).collect()])
        }
        HirKind::Class(Class::Unicode(class)) => {
            let last = if alphabet == Alphabet::Ascii {
                '\x7f'
            } else {
                char::MAX
            };
            let mut sequences = Vec::new();
            for range in class.ranges() {
                for c in range.start()..=range.end().min(last) {
                    let mut buffer = [0; 4];
                    let bytes = c.encode_utf8(&mut buffer).bytes();
                    spend(budget, bytes.len())?;
                    sequences.push(bytes.map(Item::Byte).collect());
                }
            }
            Some(sequences)
        }
        HirKind::Class(Class::Bytes(_)) => None,
        HirKind::Look(Look::WordUnicode) => Some(vec![vec![Item::Edge(Edge::Boundary)]]),
        HirKind::Look(Look::WordUnicodeNegate) => Some(vec![vec![Item::Edge(Edge::Inside)]]),
        HirKind::Look(_) => None,
        HirKind::Repetition(repetition) => repeat(repetition, alphabet, budget),
        HirKind::Capture(capture) => expand(&capture.sub, alphabet, budget),
        HirKind::Concat(parts) => {
            let mut sequences = vec![Vec::new()];
            for part in parts {
                sequences = product(&sequences, &expand(part, alphabet, budget)?, budget)?;
            }
            Some(sequences)
        }
        HirKind::Alternation(parts) => {
            let mut sequences = Vec::new();
            for part in parts {
                sequences.append(&mut expand(part, alphabet, budget)?);
            }
            Some(sequences)
        }
    }
}

/// A bounded repetition: once more, then the rest; or, from the minimum on, nothing.
fn repeat(repetition: &Repetition, alphabet: Alphabet, budget: &mut usize) -> Option<Sequences> {
    let max = repetition.max?;
    let once = expand(&repetition.sub, alphabet, budget)?;
    let mut sequences = vec![Vec::new()];
    // From the innermost repetition outwards.
    for count in (0..max).rev() {
        let mut more = product(&once, &sequences, budget)?;
        if count >= repetition.min {
            let nothing = if repetition.greedy { more.len() } else { 0 };
            more.insert(nothing, Vec::new());
        }
        sequences = more;
    }
    Some(sequences)
}

/// Every sequence of `left` followed by every one of `right`.
fn product(left: &Sequences, right: &Sequences, budget: &mut usize) -> Option<Sequences> {
    let mut sequences = Vec::new();
    for head in left {
        for tail in right {
            spend(budget, 1 + head.len() + tail.len())?;
            sequences.push([head.as_slice(), tail].concat());
        }
    }
    Some(sequences)
}

fn spend(budget: &mut usize, items: usize) -> Option<()> {
    *budget = budget.checked_sub(items)?;
    Some(())
}
