//! The words and labels of a text, counted.

use std::hash::BuildHasher;
use std::io;
use std::ops::Range;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::random::Random;
use super::std_sort::std_sort;
use super::text::{Line, TrainingText};
use crate::Dictionary;
use crate::dictionary::EOS;
use crate::features::tokens;

/// Entries from which rare ones are dropped while the text is still being
/// counted (`Dictionary::MAX_VOCAB_SIZE`, of which the reference fills three
/// quarters).
const MOST_ENTRIES: usize = 30_000_000 / 4 * 3;
/// The most places in the text that are kept.
const MOST_MARKS: usize = 8192;

/// The least occurrences that keep an entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MinCounts {
    pub(crate) words: u64,
    pub(crate) labels: u64,
}

/// Tokens with how often each occurs, in the order of the reference's
/// dictionary (`Dictionary::readFromFile`).
#[derive(Debug)]
pub(crate) struct Vocabulary {
    label_prefix: Vec<u8>,
    text: Vec<u8>,
    entries: Vec<Entry>,
    /// Places in `entries`, by the bytes of the entry.
    places: HashTable<u32>,
    hasher: RandomState,
    tokens: u64,
    /// What `entries` was last pruned with.
    pruned_below: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Where its bytes are in the text.
    start: u64,
    length: u32,
    is_label: bool,
    count: u64,
}

impl Vocabulary {
    pub(crate) fn new(label_prefix: &[u8]) -> Self {
        Self {
            label_prefix: label_prefix.to_vec(),
            text: Vec::new(),
            entries: Vec::new(),
            places: HashTable::new(),
            hasher: RandomState::default(),
            tokens: 0,
            pruned_below: 1,
        }
    }

    /// Tokens so far, those that were dropped among them.
    pub(crate) fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Counts the tokens of a line, its end among them.
    pub(crate) fn add_line(&mut self, line: Line<'_>) {
        for token in tokens(line.bytes) {
            self.add(token, 1);
        }
        if line.is_ended {
            self.add(EOS, 1);
        }
    }

    /// Counts a token (`Dictionary::add`).
    pub(crate) fn add(&mut self, token: &[u8], count: u64) {
        self.tokens += count;
        let Self {
            text,
            entries,
            places,
            hasher,
            ..
        } = self;
        let hash = hasher.hash_one(token);
        if let Some(place) = places.find(hash, |place| {
            bytes(text, &entries[*place as usize]) == token
        }) {
            entries[*place as usize].count += count;
            return;
        }
        let entry = Entry {
            start: text.len() as u64,
            length: token.len() as u32, // lines are shorter than 4 GiB
            is_label: token.starts_with(&self.label_prefix),
            count,
        };
        text.extend_from_slice(token);
        entries.push(entry);
        places.insert_unique(hash, entries.len() as u32 - 1, |place| {
            hasher.hash_one(bytes(text, &entries[*place as usize]))
        });
        if entries.len() > MOST_ENTRIES {
            self.pruned_below += 1;
            let least = self.pruned_below;
            self.threshold(MinCounts {
                words: least,
                labels: least,
            });
        }
    }

    /// Sorts the entries and drops the rare ones (`Dictionary::threshold`).
    fn threshold(&mut self, least: MinCounts) {
        std_sort(&mut self.entries, |a, b| {
            (a.is_label, b.count) < (b.is_label, a.count)
        });
        self.entries.retain(|entry| {
            entry.count
                >= if entry.is_label {
                    least.labels
                } else {
                    least.words
                }
        });
        let mut kept = Vec::new();
        for entry in &mut self.entries {
            let start = kept.len() as u64;
            kept.extend_from_slice(bytes(&self.text, entry));
            entry.start = start;
        }
        self.text = kept;
        let Self {
            text,
            entries,
            places,
            hasher,
            ..
        } = self;
        let hash = |place: &u32| hasher.hash_one(bytes(text, &entries[*place as usize]));
        places.clear();
        for place in 0..entries.len() as u32 {
            places.insert_unique(hash(&place), place, hash);
        }
    }

    /// Sorts the entries and drops the rare ones, before more are counted.
    pub(crate) fn keep_frequent(&mut self, least: MinCounts) {
        self.threshold(least);
    }

    /// The dictionary of the entries that occur often enough. `None` where
    /// their bytes take 4 GiB or more.
    pub(crate) fn into_dictionary(mut self, least: MinCounts) -> Option<Dictionary> {
        self.threshold(least);
        let Self { text, entries, .. } = &self;
        let words = entries.partition_point(|entry| !entry.is_label);
        let (words, labels) = entries.split_at(words);
        let pairs = |entry: &Entry| (bytes(text, entry), entry.count as i64);
        Dictionary::new(
            words.iter().map(pairs),
            labels.iter().map(pairs),
            self.tokens as i64,
            None,
        )
    }

    /// Words and labels of a dictionary, and after them, in their order, those
    /// of this vocabulary that occur often enough; counts are summed. `None`
    /// where the bytes of all take 4 GiB or more.
    pub(crate) fn into_extension_of(
        self,
        old: &Dictionary,
        least: MinCounts,
    ) -> Option<Dictionary> {
        self.extend(old, least, NewLabels::Added)
    }

    /// As [`into_extension_of`](Self::into_extension_of), but that the labels
    /// and their counts stay those of the dictionary.
    pub(crate) fn into_words_of(self, old: &Dictionary, least: MinCounts) -> Option<Dictionary> {
        self.extend(old, least, NewLabels::Dropped)
    }

    fn extend(
        mut self,
        old: &Dictionary,
        least: MinCounts,
        new_labels: NewLabels,
    ) -> Option<Dictionary> {
        let tokens = old.token_count() + self.tokens as i64;
        self.threshold(least);
        let count_of = |known: &[u8]| {
            let hash = self.hasher.hash_one(known);
            let place = self.places.find(hash, |place| {
                bytes(&self.text, &self.entries[*place as usize]) == known
            });
            place.map_or(0, |place| self.entries[*place as usize].count as i64)
        };
        let old_words =
            (0..old.word_count() as u32).map(|id| (old.word(id), old.word_counts()[id as usize]));
        let old_labels = (0..old.label_count() as u32)
            .map(|id| (old.label(id), old.label_counts()[id as usize]));
        let news = |labels: bool| {
            self.entries
                .iter()
                .filter(move |entry| entry.is_label == labels)
                .map(|entry| (bytes(&self.text, entry), entry.count as i64))
                .filter(|(bytes, _)| old.find(bytes).is_none())
        };
        let summed = |(bytes, count)| (bytes, count + count_of(bytes));
        let words = old_words.map(summed).chain(news(false));
        match new_labels {
            NewLabels::Added => {
                let labels = old_labels.map(summed).chain(news(true));
                Dictionary::new(words, labels, tokens, None)
            }
            NewLabels::Dropped => Dictionary::new(words, old_labels, tokens, None),
        }
    }
}

/// What becomes of labels that a dictionary does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NewLabels {
    Added,
    Dropped,
}

fn bytes<'a>(text: &'a [u8], entry: &Entry) -> &'a [u8] {
    &text[entry.start as usize..][..entry.length as usize]
}

/// Where lines start in a text: one line in every so many.
#[derive(Debug)]
pub(crate) struct Marks {
    offsets: Vec<u64>,
    /// Lines between two marks.
    spacing: u64,
    lines: u64,
    end: u64,
}

impl Marks {
    fn new(end: u64) -> Self {
        Self {
            offsets: Vec::new(),
            spacing: 1,
            lines: 0,
            end,
        }
    }

    fn add(&mut self, offset: u64) {
        if self.lines.is_multiple_of(self.spacing) {
            if self.offsets.len() == MOST_MARKS {
                let mut is_odd = true;
                self.offsets.retain(|_| {
                    is_odd = !is_odd;
                    !is_odd
                });
                self.spacing *= 2;
            }
            if self.lines.is_multiple_of(self.spacing) {
                self.offsets.push(offset);
            }
        }
        self.lines += 1;
    }

    /// Lines of the text.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// Cuts the text into at most `count` parts of about as many lines each.
    ///
    /// Each is read from a place in it that chance chose: parts of a text
    /// that repeats itself would otherwise show the same lines at the same
    /// time.
    pub(crate) fn parts(&self, count: usize, random: &mut Random) -> Vec<Part> {
        let marks = self.offsets.len();
        let count = count.min(marks);
        let first = |part: usize| marks * part / count;
        let offset = |mark: usize| self.offsets.get(mark).copied().unwrap_or(self.end);
        let part = |part: usize| {
            let (start, end) = (first(part), first(part + 1));
            let middle = start + random.below(end - start);
            Part {
                ranges: [offset(middle)..offset(end), offset(start)..offset(middle)],
            }
        };
        (0..count).map(part).collect()
    }
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its bytes, in the order in which they are read.
    pub(crate) ranges: [Range<u64>; 2],
}

impl Part {
    pub(crate) fn bytes(&self) -> u64 {
        self.ranges
            .iter()
            .map(|range| range.end - range.start)
            .sum()
    }
}

/// Counts a text. `progress` is told the bytes that were read and the tokens,
/// now and then, and may break it off: `None` then.
pub(crate) fn count(
    text: &TrainingText,
    label_prefix: &[u8],
    mut progress: impl FnMut(u64, u64) -> bool,
) -> io::Result<Option<(Vocabulary, Marks)>> {
    const LINES_BETWEEN: u64 = 4096;
    let mut vocabulary = Vocabulary::new(label_prefix);
    let mut marks = Marks::new(text.len_bytes());
    let mut lines = text.lines(0..text.len_bytes());
    loop {
        let offset = lines.offset();
        let Some(line) = lines.next_line()? else {
            break;
        };
        marks.add(offset);
        vocabulary.add_line(line);
        if marks.lines().is_multiple_of(LINES_BETWEEN) && !progress(offset, vocabulary.tokens()) {
            return Ok(None);
        }
    }
    Ok(Some((vocabulary, marks)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dictionary(text: &str, words: u64, labels: u64) -> Dictionary {
        let text = TrainingText::from_bytes(text.as_bytes().to_vec());
        let (vocabulary, _) = count(&text, b"__label__", |_, _| true).unwrap().unwrap();
        vocabulary
            .into_dictionary(MinCounts { words, labels })
            .unwrap()
    }

    #[test]
    fn entries_are_sorted_by_type_and_count() {
        let dictionary = dictionary("__label__b x y\n__label__a x\n__label__a x y z\n", 2, 1);
        let words: Vec<&[u8]> = (0..3).map(|id| dictionary.word(id)).collect();
        assert_eq!(dictionary.word_count(), 3);
        assert_eq!(words[2], b"y");
        assert_eq!(dictionary.label(0), b"__label__a");
        assert_eq!(dictionary.label(1), b"__label__b");
        assert_eq!(dictionary.label_counts(), [2, 1]);
        assert_eq!(dictionary.token_count(), 12);
    }

    #[test]
    fn a_dictionary_is_extended_behind_what_it_has() {
        let old = dictionary("__label__a x x y\n", 1, 0);
        let text = TrainingText::from_bytes(b"__label__c y y z z z\n".to_vec());
        let (vocabulary, _) = count(&text, b"__label__", |_, _| true).unwrap().unwrap();
        let least = MinCounts {
            words: 1,
            labels: 0,
        };
        let new = vocabulary.into_extension_of(&old, least).unwrap();
        assert_eq!(new.word_count(), 4);
        for id in 0..3 {
            assert_eq!(new.word(id), old.word(id));
        }
        assert_eq!(new.word(3), b"z");
        assert_eq!(new.label(1), b"__label__c");
        assert_eq!(new.word_counts()[new.find(b"y").unwrap() as usize], 3);
        assert_eq!(new.token_count(), 5 + 7);
    }

    #[test]
    fn parts_are_cut_where_lines_start() {
        let lines: Vec<String> = (0..20_000).map(|i| "x".repeat(i % 13)).collect();
        let all = TrainingText::from_bytes((lines.join("\n") + "\n").into_bytes());
        let (_, marks) = count(&all, b"__label__", |_, _| true).unwrap().unwrap();
        assert_eq!(marks.lines(), 20_000);
        let parts = marks.parts(16, &mut Random::new(0, 0));
        assert_eq!(parts.len(), 16);
        let (mut total, mut end) = (0, 0);
        for part in &parts {
            let [later, earlier] = &part.ranges;
            assert_eq!((earlier.start, earlier.end), (end, later.start));
            end = later.end;
            let mut count = 0;
            for range in part.ranges.clone() {
                let mut reader = all.lines(range);
                while reader.next_line().unwrap().is_some() {
                    count += 1;
                }
            }
            assert!((1200..1300).contains(&count), "{count}");
            total += count;
        }
        assert_eq!(end, all.len_bytes());
        assert_eq!(total, 20_000);
    }

    #[test]
    fn few_lines_make_few_parts() {
        let text = TrainingText::from_bytes(b"a\nb\nc".to_vec());
        let (_, marks) = count(&text, b"__label__", |_, _| true).unwrap().unwrap();
        let parts = marks.parts(16, &mut Random::new(0, 0));
        let ranges: Vec<_> = parts.iter().map(|part| part.ranges.clone()).collect();
        assert_eq!(ranges, [[0..2, 0..0], [2..4, 2..2], [4..5, 4..4]]);
        let none = TrainingText::from_bytes(Vec::new());
        let (_, marks) = count(&none, b"__label__", |_, _| true).unwrap().unwrap();
        assert!(marks.parts(16, &mut Random::new(0, 0)).is_empty());
    }
}
