//! From a line of labelled text to what a model learns from it.

use super::rows::{Deal, RowSet};
use crate::dictionary::EOS;
use crate::features::{Features, hash, tokens};

/// What a line gives.
#[derive(Debug, Default)]
pub(crate) struct Example {
    /// The rows of its features, by owner, as places among the owner's rows.
    pub(crate) rows: Vec<Vec<u32>>,
    /// How many rows it has.
    pub(crate) count: usize,
    /// Its labels that the dictionary has.
    pub(crate) labels: Vec<u32>,
    /// How many tokens the line has, its end among them.
    pub(crate) tokens: u64,
}

impl Example {
    pub(crate) fn for_owners(owners: usize) -> Self {
        Self {
            rows: vec![Vec::new(); owners],
            ..Self::default()
        }
    }

    pub(crate) fn clear(&mut self) {
        self.rows.iter_mut().for_each(Vec::clear);
        self.labels.clear();
        self.count = 0;
        self.tokens = 0;
    }

    /// Whether there is something to learn, and something to learn it from.
    pub(crate) fn is_usable(&self) -> bool {
        self.count > 0 && !self.labels.is_empty()
    }
}

/// Buffers that one line after another is read with.
#[derive(Debug, Default)]
pub(crate) struct LineScratch {
    word_hashes: Vec<i32>,
    marked: Vec<u8>,
}

/// What is found in a line.
enum Found<'a> {
    Word(u32),
    UnknownWord(&'a [u8]),
    Label(u32),
    /// The row of an n-gram of words; these come last.
    WordNgram(u32),
}

/// Reads lines as `Dictionary::getLine` does: a line ends at a token `</s>`,
/// as which a newline counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineReader<'a> {
    pub(crate) features: Features<'a>,
    pub(crate) label_prefix: &'a [u8],
}

impl LineReader<'_> {
    /// Gives `found` the words and labels of a line, then its word n-grams;
    /// says how many tokens there are.
    fn walk(
        self,
        line: &[u8],
        scratch: &mut LineScratch,
        mut found: impl FnMut(Found<'_>, &mut Vec<u8>),
    ) -> u64 {
        let mut count = 0;
        let LineScratch {
            word_hashes,
            marked,
        } = scratch;
        let words = self.features.dictionary.word_count() as u32;
        word_hashes.clear();
        for token in tokens(line).chain([EOS]) {
            count += 1;
            let what = match self.features.dictionary.find(token) {
                Some(id) if id < words => Some(Found::Word(id)),
                Some(id) => Some(Found::Label(id - words)),
                None if token.starts_with(self.label_prefix) => None,
                None => Some(Found::UnknownWord(token)),
            };
            if matches!(what, Some(Found::Word(_) | Found::UnknownWord(_))) {
                word_hashes.push(hash(token).cast_signed());
            }
            if let Some(what) = what {
                found(what, marked);
            }
            if token == EOS {
                break;
            }
        }
        self.features
            .word_ngrams(word_hashes, &mut |row| found(Found::WordNgram(row), marked));
        count
    }

    /// The rows of a word that the dictionary does not have.
    fn unknown_word(self, word: &[u8], marked: &mut Vec<u8>, mut row: impl FnMut(u32)) {
        if word != EOS {
            self.features.character_ngrams(word, marked, &mut row);
        }
    }

    /// Puts the rows that a line uses into a set; those of the words that the
    /// dictionary has are left out.
    pub(crate) fn mark_rows(self, line: &[u8], scratch: &mut LineScratch, rows: &mut RowSet) {
        self.walk(line, scratch, |found, marked| match found {
            Found::UnknownWord(word) => self.unknown_word(word, marked, |row| rows.insert(row)),
            Found::WordNgram(row) => rows.insert(row),
            Found::Word(_) | Found::Label(_) => {}
        });
    }

    /// Puts the rows of all words of the dictionary into a set.
    pub(crate) fn mark_words(self, rows: &mut RowSet) {
        let mut marked = Vec::new();
        for id in 0..self.features.dictionary.word_count() as u32 {
            rows.insert(id);
            let word = self.features.dictionary.word(id);
            self.unknown_word(word, &mut marked, |row| rows.insert(row));
        }
    }
}

/// The rows of the words of a dictionary, so that they are hashed once
/// (`Dictionary::initNgrams`).
#[derive(Debug)]
pub(crate) struct WordRows {
    /// Slots, word after word.
    slots: Vec<u32>,
    ends: Vec<usize>,
}

impl WordRows {
    pub(crate) fn new(reader: LineReader<'_>, rows: &RowSet) -> Self {
        let words = reader.features.dictionary.word_count() as u32;
        let (mut slots, mut ends) = (Vec::new(), Vec::with_capacity(words as usize));
        let mut marked = Vec::new();
        for id in 0..words {
            slots.extend(rows.slot(id));
            let word = reader.features.dictionary.word(id);
            reader.unknown_word(word, &mut marked, |row| slots.extend(rows.slot(row)));
            ends.push(slots.len());
        }
        Self { slots, ends }
    }

    fn of(&self, id: u32) -> &[u32] {
        let id = id as usize;
        let start = if id == 0 { 0 } else { self.ends[id - 1] };
        &self.slots[start..self.ends[id]]
    }
}

/// Makes examples of lines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExampleMaker<'a> {
    pub(crate) reader: LineReader<'a>,
    pub(crate) words: &'a WordRows,
    pub(crate) rows: &'a RowSet,
    pub(crate) deal: Deal,
}

impl ExampleMaker<'_> {
    pub(crate) fn make(self, line: &[u8], scratch: &mut LineScratch, example: &mut Example) {
        let Self { rows, deal, .. } = self;
        example.clear();
        let Example {
            rows: places,
            count,
            labels,
            tokens,
        } = example;
        let mut push = |slot: u32| {
            let (owner, place) = deal.place(slot);
            places[owner].push(place);
            *count += 1;
        };
        *tokens = self
            .reader
            .walk(line, scratch, |found, marked| match found {
                Found::Word(id) => self.words.of(id).iter().for_each(|slot| push(*slot)),
                Found::UnknownWord(word) => self.reader.unknown_word(word, marked, |row| {
                    rows.slot(row).into_iter().for_each(&mut push);
                }),
                Found::WordNgram(row) => rows.slot(row).into_iter().for_each(&mut push),
                Found::Label(label) => labels.push(label),
            });
    }
}
