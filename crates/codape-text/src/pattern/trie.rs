//! A trie of byte strings, and the search for phrases that is built on it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

use super::{char_at, char_before};

/// What must hold at one end of a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Edge {
    /// Nothing.
    #[default]
    Any,
    /// `\b`: a word character on one side only.
    Boundary,
    /// `\B`: a word character on both sides or on none.
    Inside,
}

impl Edge {
    fn allows(self, text: &[u8], at: usize) -> bool {
        match self {
            Self::Any => true,
            Self::Boundary => is_boundary(text, at),
            Self::Inside => !is_boundary(text, at),
        }
    }
}

/// What must hold at the two ends of a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Condition {
    pub(crate) lead: Edge,
    pub(crate) trail: Edge,
}

/// The end of a string of the trie.
#[derive(Debug, Clone, Copy)]
struct Accept {
    /// Position in the list that the trie was made from: the lowest wins.
    rank: u32,
    condition: Condition,
}

/// Outgoing edges and ends, as ranges of the trie's vectors.
#[derive(Debug, Clone, Copy)]
struct Node {
    edges: (u32, u32),
    accepts: (u32, u32),
}

/// A trie in three flat vectors. The root is node 0, with a table in place of its edges.
#[derive(Debug)]
pub(crate) struct ByteTrie {
    nodes: Vec<Node>,
    edges: Vec<(u8, u32)>,
    accepts: Vec<Accept>,
    /// Child of the root for each byte; 0 is none.
    root: Box<[u32; 256]>,
}

#[derive(Default)]
struct Draft {
    edges: BTreeMap<u8, usize>,
    accepts: Vec<Accept>,
}

impl ByteTrie {
    /// Builds the trie of the strings, in order of rank.
    pub(crate) fn new(strings: impl IntoIterator<Item = (Vec<u8>, Condition)>) -> Self {
        let mut drafts = vec![Draft::default()];
        for (rank, (bytes, condition)) in (0..).zip(strings) {
            let mut at = 0;
            for byte in bytes {
                let new = drafts.len();
                let next = *drafts[at].edges.entry(byte).or_insert(new);
                if next == new {
                    drafts.push(Draft::default());
                }
                at = next;
            }
            drafts[at].accepts.push(Accept { rank, condition });
        }
        let mut trie = Self {
            nodes: Vec::with_capacity(drafts.len()),
            edges: Vec::new(),
            accepts: Vec::new(),
            root: Box::new([0; 256]),
        };
        for (i, draft) in drafts.into_iter().enumerate() {
            let edges = draft
                .edges
                .into_iter()
                .map(|(byte, node)| (byte, node as u32));
            if i == 0 {
                edges.for_each(|(byte, node)| trie.root[usize::from(byte)] = node);
                trie.nodes.push(Node {
                    edges: (0, 0),
                    accepts: (0, 0),
                });
                continue;
            }
            let starts = (trie.edges.len() as u32, trie.accepts.len() as u32);
            trie.edges.extend(edges);
            trie.accepts.extend(draft.accepts);
            let ends = (trie.edges.len() as u32, trie.accepts.len() as u32);
            trie.nodes.push(Node {
                edges: (starts.0, ends.0),
                accepts: (starts.1, ends.1),
            });
        }
        trie
    }

    /// Whether `string` is in the trie. The empty string never is.
    pub(crate) fn holds(&self, string: &[u8]) -> bool {
        let Some((&first, rest)) = string.split_first() else {
            return false;
        };
        let mut node = self.root[usize::from(first)];
        for &byte in rest {
            node = self.child(node, byte);
            if node == 0 {
                return false;
            }
        }
        !self.accepts(node).is_empty()
    }

    /// The child of a node other than the root; 0 is none, and has none.
    fn child(&self, node: u32, byte: u8) -> u32 {
        let (start, end) = self.nodes[node as usize].edges;
        let edges = &self.edges[start as usize..end as usize];
        edges
            .iter()
            .find(|&&(label, _)| label == byte)
            .map_or(0, |&(_, child)| child)
    }

    fn accepts(&self, node: u32) -> &[Accept] {
        let (start, end) = self.nodes[node as usize].accepts;
        &self.accepts[start as usize..end as usize]
    }
}

/// What is known of a byte before any phrase is looked at.
#[derive(Debug, Clone, Copy, Default)]
struct Start {
    /// Which bytes come second in the phrases that begin with this one: bit `second & 63`.
    seconds: u64,
    /// The same for the phrases that begin at a word boundary only.
    boundary_seconds: u64,
    /// All ones for an ASCII word character.
    word: u64,
    /// All ones for a part of a character outside ASCII, which may or may not be a word character.
    unknown: u64,
}

/// An ordered list of phrases to search for.
#[derive(Debug)]
pub(crate) struct Phrases {
    trie: ByteTrie,
    starts: Box<[Start; 256]>,
}

impl Phrases {
    /// Compiles the phrases, none of which is empty, first choice first.
    pub(crate) fn new(phrases: Vec<(Vec<u8>, Condition)>) -> Self {
        let mut starts = Box::new([Start::default(); 256]);
        for (byte, start) in (0..=u8::MAX).zip(starts.iter_mut()) {
            start.word = if is_word_byte(byte) { !0 } else { 0 };
            start.unknown = if byte.is_ascii() { 0 } else { !0 };
        }
        for (bytes, condition) in &phrases {
            let Some(&first) = bytes.first() else {
                continue;
            };
            let start = &mut starts[usize::from(first)];
            let second = bytes.get(1).map_or(!0, |second| 1 << (second & 63));
            // Outside ASCII one byte does not tell whether there is a boundary.
            if condition.lead == Edge::Boundary && first.is_ascii() {
                start.boundary_seconds |= second;
            } else {
                start.seconds |= second;
            }
        }
        Self {
            trie: ByteTrie::new(phrases),
            starts,
        }
    }

    /// The leftmost match that begins at `from` or later: of the phrases that match there the first
    /// choice, as a range of bytes. `text` is valid UTF-8 and `from` a character's beginning.
    #[inline(never)] // Inlined into the loop over steps, it runs out of registers.
    pub(crate) fn find(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        let mut before = match from.checked_sub(1) {
            Some(i) => &self.starts[usize::from(text[i])],
            None => &Start {
                seconds: 0,
                boundary_seconds: 0,
                word: 0,
                unknown: 0,
            },
        };
        let mut at = from;
        while let Some(&byte) = text.get(at) {
            let start = &self.starts[usize::from(byte)];
            let second = text.get(at + 1).copied().unwrap_or(0) & 63;
            // Without branches, since nothing predicts where words begin.
            let may_be_boundary = (start.word ^ before.word) | before.unknown;
            let seconds = start.seconds | (start.boundary_seconds & may_be_boundary);
            if seconds >> second & 1 != 0
                && let Some(end) = self.match_at(text, at)
            {
                return Some((at, end));
            }
            before = start;
            at += 1;
        }
        None
    }

    /// The end of the phrase that matches at `start`.
    fn match_at(&self, text: &[u8], start: usize) -> Option<usize> {
        let mut best: Option<(u32, usize)> = None;
        let mut node = self.trie.root[usize::from(text[start])];
        let mut end = start + 1;
        loop {
            for accept in self.trie.accepts(node) {
                if best.is_none_or(|(rank, _)| accept.rank < rank)
                    && accept.condition.lead.allows(text, start)
                    && accept.condition.trail.allows(text, end)
                {
                    best = Some((accept.rank, end));
                }
            }
            let next = text.get(end).map_or(0, |&byte| self.trie.child(node, byte));
            if next == 0 {
                return best.map(|(_, end)| end);
            }
            node = next;
            end += 1;
        }
    }
}

/// Whether `at` lies between a word character and something else.
fn is_boundary(text: &[u8], at: usize) -> bool {
    let before = match at.checked_sub(1).map(|i| text[i]) {
        None => false,
        Some(byte) if byte.is_ascii() => is_word_byte(byte),
        Some(_) => char_before(text, at).is_some_and(is_word),
    };
    let after = match text.get(at) {
        None => false,
        Some(&byte) if byte.is_ascii() => is_word_byte(byte),
        Some(_) => char_at(text, at).is_some_and(is_word),
    };
    before != after
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Python's `\w` outside ASCII: `str.isalnum()`, the letters and numbers.
fn is_word(c: char) -> bool {
    static RANGES: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
        let hir = regex_syntax::parse(r"[\p{L}\p{N}]").ok();
        match hir.as_ref().map(|hir| hir.kind()) {
            Some(HirKind::Class(Class::Unicode(class))) => class
                .ranges()
                .iter()
                .map(|range| (range.start(), range.end()))
                .collect(),
            _ => Vec::new(),
        }
    });
    let after = RANGES.partition_point(|&(start, _)| start <= c);
    after.checked_sub(1).is_some_and(|i| c <= RANGES[i].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_pythons() {
        for c in ['é', 'Ω', '日', '²', '½', '٣', 'ª'] {
            assert!(is_word(c), "{c}");
        }
        for c in ['\u{301}', '«', '\u{200d}', 'ⓐ', '‿', '€', '\u{a0}'] {
            assert!(!is_word(c), "{c}");
        }
    }

    #[test]
    fn a_trie_holds_what_it_was_made_from() {
        let words = ["a", "au", "aux", "été"];
        let trie = ByteTrie::new(words.map(|word| (word.into(), Condition::default())));
        assert!(words.iter().all(|word| trie.holds(word.as_bytes())));
        assert!(
            ["", "u", "auxx", "é", "\0"]
                .iter()
                .all(|word| !trie.holds(word.as_bytes()))
        );
    }

    #[test]
    fn the_first_choice_wins_over_the_longest() {
        let boundary = Condition {
            lead: Edge::Boundary,
            trail: Edge::Boundary,
        };
        let phrases = Phrases::new(vec![
            (b"cf objet".to_vec(), boundary),
            (b"cf".to_vec(), boundary),
            (b"cf obs".to_vec(), boundary),
            (b"(vide".to_vec(), Condition::default()),
        ]);
        assert_eq!(phrases.find(b"voir cf obs", 0), Some((5, 7)));
        assert_eq!(phrases.find(b"voir cf objet", 0), Some((5, 13)));
        assert_eq!(phrases.find(b"voir cfobs, x(vide)", 0), Some((13, 18)));
        assert_eq!(phrases.find(b"cf", 1), None);
    }
}
