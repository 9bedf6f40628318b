//! The rows of the words of a dictionary, named once.

use std::collections::HashMap;
use std::ops::Range;

use crate::dictionary::EOS;
use crate::features::{Features, hash};
use crate::input::InputMatrix;

/// The rows of the words that a text is most likely to have: the dictionary
/// has the frequent ones first.
#[derive(Debug)]
pub(crate) struct KnownWords {
    /// The rows of one word after the other, each with itself first.
    rows: Vec<u32>,
    words: Vec<KnownWord>,
}

#[derive(Debug)]
struct KnownWord {
    /// Where its rows end.
    end: u32,
    hash: u32,
}

impl KnownWords {
    /// The most rows that are kept: 16 MB of them.
    const MOST_ROWS: usize = 4 << 20;

    /// Names the rows of as many words as there is room for, and has those of
    /// the first of them kept side by side.
    pub(crate) fn new(features: Features<'_>, (input, file): (&InputMatrix, &[u8])) -> Self {
        let mut known = Self::find(features);
        let mut frequent = Vec::new();
        let mut numbers = HashMap::new();
        let room = input.frequent_room();
        for row in &known.rows {
            if frequent.len() == room {
                break;
            }
            numbers.entry(*row).or_insert_with(|| {
                frequent.push(*row);
                (input.rows() + frequent.len() - 1) as u32
            });
        }
        if input.keep_frequent(file, &frequent) {
            for row in &mut known.rows {
                if let Some(number) = numbers.get(row) {
                    *row = *number;
                }
            }
        }
        known
    }

    fn find(features: Features<'_>) -> Self {
        let mut known = Self {
            rows: Vec::new(),
            words: Vec::new(),
        };
        let mut marked = Vec::new();
        for id in 0..features.dictionary.word_count() as u32 {
            let word = features.dictionary.word(id);
            // As many n-grams as it can have at most, before they are named.
            let most = (word.len() + 2).saturating_mul(features.header.maxn as usize);
            if known.rows.len().saturating_add(most) >= Self::MOST_ROWS {
                break;
            }
            known.rows.push(id);
            if word != EOS {
                features.character_ngrams(word, &mut marked, &mut |row| known.rows.push(row));
            }
            known.words.push(KnownWord {
                end: known.rows.len() as u32,
                hash: hash(word),
            });
        }
        known
    }

    /// The rows and the hash of a word of the dictionary.
    pub(crate) fn get(&self, id: u32) -> Option<(&[u32], u32)> {
        let word = self.words.get(id as usize)?;
        let start = match id.checked_sub(1) {
            Some(before) => self.words[before as usize].end,
            None => 0,
        };
        let range: Range<usize> = start as usize..word.end as usize;
        Some((&self.rows[range], word.hash))
    }
}
