//! Search by words: which words stand in which titles, kept sorted so that the beginning of a word is a
//! run of them.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

use crate::fold::{clip, compact_code, fold_text, words};
use crate::tree::{Entry, Node, Nomenclature};

/// How much of a query is looked at, in bytes.
pub const MAX_QUERY_BYTES: usize = 1024;
/// How many different words of a query are looked for.
pub const MAX_QUERY_WORDS: usize = 16;

/// The fewest letters that a word is cut down to when nothing begins with it.
const MIN_CUT_CHARS: usize = 4;
/// How many last letters a word may lose: an ending of number or gender.
const MAX_CUT_CHARS: usize = 2;

/// One result of [`Nomenclature::search`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit<'a> {
    /// What was found.
    pub entry: Entry<'a>,
    /// Whether every word of the query leads to it, and not only some.
    pub complete: bool,
}

pub(crate) struct Index {
    /// The different words of all titles, sorted.
    words: Vec<Box<str>>,
    /// The titles with word `w` are `postings[starts[w]..starts[w + 1]]`.
    starts: Vec<u32>,
    postings: Vec<u32>,
    /// Letters and digits of each code, sorted.
    codes: Vec<(Box<str>, u32)>,
    /// How many words each title has.
    title_words: Vec<u32>,
}

/// One thing that a query asks for.
#[derive(Debug, PartialEq, Eq)]
struct Term {
    /// Beginning of a code, letters and digits only.
    code: Option<String>,
    /// Beginning of a title's word, folded.
    word: Option<String>,
}

/// How an entry answers a term.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    No,
    Beginning,
    Whole,
}

/// How an entry answers a query.
#[derive(Clone, Copy, Default)]
struct Score {
    terms: u32,
    weight: u32,
    whole_weight: u32,
}

impl Index {
    pub(crate) fn new(nodes: &[Node]) -> Self {
        let mut titles_by_word: HashMap<Box<str>, Vec<u32>> = HashMap::new();
        let mut title_words = Vec::with_capacity(nodes.len());
        let mut codes = Vec::with_capacity(nodes.len());
        for (id, node) in (0..).zip(nodes) {
            let folded = fold_text(&node.title);
            let mut count = 0;
            for word in words(&folded) {
                count += 1;
                match titles_by_word.get_mut(word) {
                    Some(titles) if titles.last() == Some(&id) => {}
                    Some(titles) => titles.push(id),
                    None => {
                        titles_by_word.insert(word.into(), vec![id]);
                    }
                }
            }
            title_words.push(count);
            for written in [&node.code, &node.display] {
                codes.push((compact_code(written).into_boxed_str(), id));
            }
        }
        codes.sort_unstable();
        codes.dedup();
        let mut titles_by_word: Vec<_> = titles_by_word.into_iter().collect();
        titles_by_word.sort_unstable();

        let mut index = Self {
            words: Vec::with_capacity(titles_by_word.len()),
            starts: vec![0],
            postings: Vec::new(),
            codes,
            title_words,
        };
        for (word, titles) in titles_by_word {
            index.words.push(word);
            index.postings.extend(titles);
            index.starts.push(index.postings.len() as u32);
        }
        index
    }

    pub(crate) fn search<'a>(
        &self,
        nomenclature: &'a Nomenclature,
        query: &str,
        limit: usize,
    ) -> Vec<Hit<'a>> {
        let query = clip(query.trim_start(), MAX_QUERY_BYTES);
        let terms = self.terms(query);
        let (mut scores, mut found) = self.score(&terms);

        let best = found
            .iter()
            .map(|id| scores[*id as usize].weight)
            .max()
            .unwrap_or(0);
        found.retain(|id| 2 * scores[*id as usize].weight >= best);
        if let Some(named) = nomenclature.get(query) {
            let id = named.id().index();
            if !found.contains(&(id as u32)) {
                found.push(id as u32);
            }
            scores[id] = Score {
                terms: terms.len() as u32,
                weight: u32::MAX,
                whole_weight: u32::MAX,
            };
        }

        // Codes stay in the table's order; nothing else about an entry says that it is the one meant.
        let by_title = terms.iter().any(|term| term.word.is_some());
        let rank = |id: &u32| {
            let score = scores[*id as usize];
            let shape = by_title.then(|| {
                (
                    !nomenclature.at(*id).is_leaf(),
                    self.title_words[*id as usize],
                )
            });
            (
                Reverse(score.weight),
                Reverse(score.whole_weight),
                shape,
                *id,
            )
        };
        if limit < found.len() {
            found.select_nth_unstable_by_key(limit, rank);
            found.truncate(limit);
        }
        found.sort_unstable_by_key(rank);
        let hit = |id| Hit {
            entry: nomenclature.at(id),
            complete: scores[id as usize].terms as usize == terms.len(),
        };
        found.into_iter().map(hit).collect()
    }

    /// Every entry's score, and the entries that have one.
    fn score(&self, terms: &[Term]) -> (Vec<Score>, Vec<u32>) {
        let len = self.title_words.len();
        let mut scores = vec![Score::default(); len];
        let mut found = Vec::new();
        let mut matches = vec![Match::No; len];
        let mut matched = Vec::new();
        for term in terms {
            self.matches(term, &mut |id, how| {
                let kept = &mut matches[id as usize];
                if *kept == Match::No {
                    matched.push(id);
                }
                *kept = how.max(*kept);
            });
            // In whole numbers: the same order on every machine.
            let weight = 1 + (len / matched.len().max(1)).max(1).ilog2();
            for id in matched.drain(..) {
                let score = &mut scores[id as usize];
                if score.terms == 0 {
                    found.push(id);
                }
                score.terms += 1;
                score.weight += weight;
                if std::mem::replace(&mut matches[id as usize], Match::No) == Match::Whole {
                    score.whole_weight += weight;
                }
            }
        }
        (scores, found)
    }

    /// Calls `found` for each entry that answers the term, more than once for some.
    fn matches(&self, term: &Term, found: &mut impl FnMut(u32, Match)) {
        let how = |asked: &str, held: &str| {
            if asked == held {
                Match::Whole
            } else {
                Match::Beginning
            }
        };
        if let Some(code) = &term.code {
            for (held, id) in &self.codes[self.codes_from(code)] {
                found(*id, how(code, held));
            }
        }
        if let Some(word) = &term.word {
            for held in self.words_from(word) {
                for id in &self.postings[self.starts[held] as usize..self.starts[held + 1] as usize]
                {
                    found(*id, how(word, &self.words[held]));
                }
            }
        }
    }

    fn codes_from(&self, beginning: &str) -> Range<usize> {
        run_of(&self.codes, |(code, _)| code, beginning)
    }

    /// The words with that beginning; if there are none, those with most of it.
    fn words_from(&self, beginning: &str) -> Range<usize> {
        std::iter::successors(Some(beginning), |word| shorter(word))
            .take(1 + MAX_CUT_CHARS)
            .map(|beginning| run_of(&self.words, |word| word, beginning))
            .find(|run| !run.is_empty())
            .unwrap_or_default()
    }

    /// What a query asks for: each thing once, in the query's order, [`MAX_QUERY_WORDS`] at most.
    fn terms(&self, query: &str) -> Vec<Term> {
        // A code may be typed with blanks in it: `56 10`.
        if let Some(code) = self.code_beginning(query) {
            return vec![Term {
                code: Some(code),
                word: None,
            }];
        }
        let mut terms = Vec::new();
        for token in query.split_whitespace() {
            let folded = fold_text(token);
            let parts: Vec<&str> = without_elisions(&folded)
                .into_iter()
                .flat_map(words)
                .collect();
            let word = |word: &&str| Some((*word).to_owned());
            // Among words, one digit is a number rather than the beginning of a tenth of all codes.
            let code = self.code_beginning(token).filter(|code| code.len() > 1);
            let asked: Vec<Term> = match (code, parts.as_slice()) {
                (None, parts) => {
                    let asked = parts.iter().map(|part| Term {
                        code: None,
                        word: word(part),
                    });
                    asked.collect()
                }
                // Parts of a code, such as those of `56.10`, are not words.
                (code, parts) => {
                    let only = parts.first().filter(|_| parts.len() == 1);
                    vec![Term {
                        code,
                        word: only.and_then(word),
                    }]
                }
            };
            for term in asked {
                if terms.len() == MAX_QUERY_WORDS {
                    return terms;
                }
                if !terms.contains(&term) {
                    terms.push(term);
                }
            }
        }
        terms
    }

    /// The letters and digits of a text, if it has a digit and a code begins with them. Text without a
    /// digit is words, or the whole of a code, which needs no search.
    fn code_beginning(&self, text: &str) -> Option<String> {
        if !text.contains(|c: char| c.is_numeric()) {
            return None;
        }
        let code = compact_code(text);
        (!code.is_empty() && !self.codes_from(&code).is_empty()).then_some(code)
    }
}

/// A word without its last letter; none if too little is left.
fn shorter(word: &str) -> Option<&str> {
    let (end, _) = word.char_indices().next_back()?;
    let cut = &word[..end];
    (cut.chars().count() >= MIN_CUT_CHARS).then_some(cut)
}

/// The run of a sorted list whose keys have that beginning.
fn run_of<T>(sorted: &[T], key: impl Fn(&T) -> &str, beginning: &str) -> Range<usize> {
    let start = sorted.partition_point(|item| key(item) < beginning);
    start..start + sorted[start..].partition_point(|item| key(item).starts_with(beginning))
}

/// What is between the apostrophes of a folded query word, without what an elision leaves (`l'`, `qu'`,
/// `'s`), unless that is all there is.
fn without_elisions(folded: &str) -> Vec<&str> {
    let parts: Vec<&str> = folded.split('\'').filter(|part| !part.is_empty()).collect();
    let last = parts.len().saturating_sub(1);
    let is_word = |i: usize| match parts[i].chars().count() {
        1 => false,
        2 => i == last,
        _ => true,
    };
    let kept: Vec<&str> = (0..parts.len())
        .filter(|i| is_word(*i))
        .map(|i| parts[i])
        .collect();
    if kept.is_empty() { parts } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elisions_are_not_asked_for() {
        assert_eq!(without_elisions("l'elevage"), ["elevage"]);
        assert_eq!(without_elisions("qu'elevage"), ["elevage"]);
        assert_eq!(without_elisions("d'or"), ["or"]);
        assert_eq!(without_elisions("women's"), ["women"]);
        assert_eq!(without_elisions("l'"), ["l"]);
        assert_eq!(without_elisions("a"), ["a"]);
        assert_eq!(without_elisions(""), Vec::<&str>::new());
        assert_eq!(without_elisions("'"), Vec::<&str>::new());
    }

    #[test]
    fn a_beginning_is_a_run_of_a_sorted_list() {
        let sorted = ["a", "ab", "abc", "b"];
        assert_eq!(run_of(&sorted, |word| word, "ab"), 1..3);
        assert_eq!(run_of(&sorted, |word| word, "aa"), 1..1);
        assert_eq!(run_of(&sorted, |word| word, "z"), 4..4);
        assert_eq!(run_of(&sorted, |word| word, ""), 0..4);
    }
}
