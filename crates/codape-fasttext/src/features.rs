//! From a line of text to rows of the input matrix.

use crate::Dictionary;
use crate::dictionary::{EOS, Token};
use crate::header::Header;
use crate::known_words::KnownWords;

/// The factor of the hash of word n-grams.
const WORD_NGRAM_FACTOR: u64 = 116_049_371;

/// Buffers that the features of a line are made in.
#[derive(Debug, Default)]
pub(crate) struct FeatureScratch {
    /// The hashes of the words of the line, in its order.
    word_hashes: Vec<i32>,
    /// A word between its marks.
    marked: Vec<u8>,
}

/// What turns words into rows of the input matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Features<'a> {
    pub(crate) header: &'a Header,
    pub(crate) dictionary: &'a Dictionary,
    buckets: Buckets,
    /// Words whose rows are known already.
    known: Option<&'a KnownWords>,
    /// Of a packed model, how many rows each word's row is the sum of.
    packed: Option<&'a [u32]>,
}

impl<'a> Features<'a> {
    pub(crate) fn new(header: &'a Header, dictionary: &'a Dictionary) -> Self {
        Self {
            header,
            dictionary,
            buckets: Buckets::new(header.bucket),
            known: None,
            packed: None,
        }
    }

    /// The same, sooner where words are known.
    pub(crate) fn knowing(self, known: Option<&'a KnownWords>) -> Self {
        Self { known, ..self }
    }

    /// The same for a packed model, with how many rows each word's row is the
    /// sum of.
    pub(crate) fn packed(self, word_rows: &'a [u32]) -> Self {
        Self {
            packed: Some(word_rows),
            ..self
        }
    }

    /// Gives `row` the rows of the input matrix that a line stands for, in
    /// the order in which the reference adds them: for each word the word
    /// itself and its character n-grams, then the word n-grams
    /// (`Dictionary::getLine`). Returns their number, for which a row of a
    /// packed model counts as often as it is a sum of rows.
    ///
    /// The line ends with its last byte, at a newline, or at a token `</s>`,
    /// whichever comes first; a `</s>` is appended, as the reference does at a
    /// newline. Labels in the line give nothing.
    pub(crate) fn of_line(
        self,
        line: &[u8],
        scratch: &mut FeatureScratch,
        mut row: impl FnMut(u32),
    ) -> u64 {
        let mut count = 0_u64;
        let mut row = |number| {
            count += 1;
            row(number);
        };
        let mut summed = 0;
        scratch.word_hashes.clear();
        for token in tokens(line).chain([EOS]) {
            let kind = self.dictionary.classify(token);
            let known = match (kind, self.known) {
                (Token::Word(id), Some(known)) => known.get(id),
                _ => None,
            };
            if let Some((rows, hash)) = known {
                rows.iter().copied().for_each(&mut row);
                scratch.word_hashes.push(hash.cast_signed());
            } else if kind != Token::Label {
                if let Token::Word(id) = kind {
                    row(id);
                }
                if let (Token::Word(id), Some(word_rows)) = (kind, self.packed) {
                    summed += u64::from(word_rows[id as usize]) - 1;
                } else if token != EOS {
                    self.character_ngrams(token, &mut scratch.marked, &mut row);
                }
                scratch.word_hashes.push(hash(token).cast_signed());
            }
            if token == EOS {
                break;
            }
        }
        self.word_ngrams(&scratch.word_hashes, &mut row);
        count + summed
    }

    /// Gives `row` the rows of one word: itself where the dictionary has it,
    /// and its character n-grams (`Dictionary::getSubwords`). Returns their
    /// number, as [`of_line`](Self::of_line) does.
    pub(crate) fn of_word(
        self,
        word: &[u8],
        scratch: &mut FeatureScratch,
        mut row: impl FnMut(u32),
    ) -> u64 {
        let mut count = 0_u64;
        let mut row = |number| {
            count += 1;
            row(number);
        };
        let found = self.dictionary.find(word);
        if let Some(id) = found {
            row(id);
        }
        let word_rows = found.and_then(|id| self.packed?.get(id as usize));
        if let Some(word_rows) = word_rows {
            return u64::from(*word_rows);
        }
        if word != EOS {
            self.character_ngrams(word, &mut scratch.marked, &mut row);
        }
        count
    }

    /// Gives `row` the rows of the character n-grams of a word between `<`
    /// and `>` (`Dictionary::computeSubwords`). A character is a byte and
    /// the UTF-8 continuation bytes after it.
    pub(crate) fn character_ngrams(
        self,
        word: &[u8],
        marked: &mut Vec<u8>,
        row: &mut impl FnMut(u32),
    ) {
        let Header { minn, maxn, .. } = *self.header;
        if maxn == 0 {
            return;
        }
        marked.clear();
        marked.push(b'<');
        marked.extend_from_slice(word);
        marked.push(b'>');
        for start in 0..marked.len() {
            if is_continuation(marked[start]) {
                continue;
            }
            let mut hash = HASH_START;
            let mut end = start;
            for characters in 1..=maxn {
                hash = hash_step(hash, marked[end]);
                end += 1;
                while end < marked.len() && is_continuation(marked[end]) {
                    hash = hash_step(hash, marked[end]);
                    end += 1;
                }
                let is_mark = characters == 1 && (start == 0 || end == marked.len());
                if characters >= minn && !is_mark {
                    self.ngram(self.buckets.of_u32(hash), row);
                }
                if end == marked.len() {
                    break;
                }
            }
        }
    }

    /// Gives `row` the rows of the word n-grams (`Dictionary::addWordNgrams`).
    pub(crate) fn word_ngrams(self, hashes: &[i32], row: &mut impl FnMut(u32)) {
        let longest = self.header.word_ngrams as usize;
        if longest < 2 {
            return;
        }
        for (i, first) in hashes.iter().enumerate() {
            let mut hash = sign_extended(*first);
            for next in hashes[i + 1..].iter().take(longest - 1) {
                hash = hash
                    .wrapping_mul(WORD_NGRAM_FACTOR)
                    .wrapping_add(sign_extended(*next));
                self.ngram(self.buckets.of_u64(hash), row);
            }
        }
    }

    fn ngram(self, bucket: u32, row: &mut impl FnMut(u32)) {
        if let Some(ngram) = self.dictionary.ngram_row(bucket) {
            row(ngram);
        }
    }
}

/// The number of buckets, and what makes a division by it a multiplication.
#[derive(Clone, Copy, Debug)]
struct Buckets {
    count: u64,
    /// 2^64 over the count, rounded up; 0 for 1.
    up: u64,
    /// 2^64 less 1 over the count, rounded down.
    down: u64,
}

impl Buckets {
    /// For so many; of none nothing may be asked.
    fn new(count: u32) -> Self {
        let count = u64::from(count.max(1));
        let down = u64::MAX / count;
        Self {
            count,
            up: down.wrapping_add(1),
            down,
        }
    }

    /// `hash % count` (Lemire, Kaser and Kurz, "Faster remainder by direct
    /// computation", Software: Practice and Experience 49, 2019).
    fn of_u32(self, hash: u32) -> u32 {
        let fraction = self.up.wrapping_mul(u64::from(hash));
        ((u128::from(fraction) * u128::from(self.count)) >> 64) as u32
    }

    /// `hash % count`: the quotient is estimated, never too high and by 2 too
    /// low at most.
    fn of_u64(self, hash: u64) -> u32 {
        let quotient = ((u128::from(hash) * u128::from(self.down)) >> 64) as u64;
        let mut rest = hash - quotient * self.count;
        while rest >= self.count {
            rest -= self.count;
        }
        rest as u32
    }
}

/// The tokens before the first newline (`Dictionary::readWord`).
pub(crate) fn tokens(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = text.iter().position(|byte| *byte == b'\n');
    text[..end.unwrap_or(text.len())]
        .split(|byte| matches!(byte, b' ' | b'\r' | b'\t' | 0x0b | 0x0c | 0))
        .filter(|token| !token.is_empty())
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// A word's hash as a number of 64 bits: the reference keeps it as a signed
/// one of 32 in between.
fn sign_extended(hash: i32) -> u64 {
    i64::from(hash).cast_unsigned()
}

/// Where the hash of a word starts (FNV-1a, 32 bits).
const HASH_START: u32 = 2_166_136_261;

/// Takes one more byte into a hash. The byte is sign-extended first, which
/// FNV does not do: models are trained with it (`Dictionary::hash`).
fn hash_step(hash: u32, byte: u8) -> u32 {
    (hash ^ i32::from(byte.cast_signed()).cast_unsigned()).wrapping_mul(16_777_619)
}

/// The hash of a word.
pub(crate) fn hash(word: &[u8]) -> u32 {
    word.iter()
        .fold(HASH_START, |hash, byte| hash_step(hash, *byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_hashed_as_the_reference_hashes_them() {
        // For ASCII it is FNV-1a, whose published values these are.
        assert_eq!(hash(b""), 2_166_136_261);
        assert_eq!(hash(b"a"), 0xe40c_292c);
        // A byte above 127 counts as a negative number.
        assert_eq!(hash(&[0xe9]), hash_step(HASH_START, 0xe9));
        assert_ne!(hash(&[0xe9]), (HASH_START ^ 0xe9).wrapping_mul(16_777_619));
    }

    #[test]
    fn buckets_are_those_of_the_remainder() {
        let mut hash = 1_u64;
        for count in [
            1,
            2,
            3,
            7,
            200_000,
            2_000_000,
            1 << 20,
            i32::MAX as u32,
            u32::MAX,
        ] {
            let buckets = Buckets::new(count);
            for edge in [
                0,
                1,
                u64::from(count) - 1,
                u64::from(count),
                u64::MAX,
                u64::MAX - 1,
            ] {
                assert_eq!(u64::from(buckets.of_u64(edge)), edge % u64::from(count));
                assert_eq!(buckets.of_u32(edge as u32), edge as u32 % count);
            }
            for _ in 0..10_000 {
                hash = hash.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                assert_eq!(u64::from(buckets.of_u64(hash)), hash % u64::from(count));
                assert_eq!(
                    buckets.of_u32((hash >> 32) as u32),
                    (hash >> 32) as u32 % count
                );
            }
        }
    }

    #[test]
    fn tokens_end_at_the_whitespace_of_the_reference() {
        let found: Vec<&[u8]> = tokens(b" a\tb\rc\x0bd\x0ce\0f\xc2\xa0g \nh").collect();
        let expected: Vec<&[u8]> = vec![b"a", b"b", b"c", b"d", b"e", b"f\xc2\xa0g"];
        assert_eq!(found, expected);
    }
}
