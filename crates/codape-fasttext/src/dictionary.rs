//! The words and labels of a model.

use std::hash::BuildHasher;
use std::io::{self, Write};

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashTable};

use crate::FormatError;
use crate::header::Header;
use crate::reader::{Reader, inconsistent};
use crate::writer::{write_i32, write_i64};

/// The token that ends a line.
pub(crate) const EOS: &[u8] = b"</s>";
/// How a label starts in a line. The file does not keep the prefix that a
/// model was trained with: the reference goes by this one.
const LABEL_PREFIX: &[u8] = b"__label__";
/// The fewest bytes of an entry: an empty word's NUL, a count, a type.
const SMALLEST_ENTRY: u64 = 1 + 8 + 1;

/// The words and labels of a model, in the order of its file: words first,
/// labels after them.
///
/// Words are bytes; the reference never asks whether they are UTF-8.
#[derive(Clone, Debug)]
pub struct Dictionary {
    /// Where the file has it.
    offset: usize,
    /// The bytes of all entries, one after the other.
    text: Vec<u8>,
    /// Where each entry ends in `text`.
    ends: Vec<u32>,
    counts: Vec<i64>,
    words: u32,
    tokens: i64,
    /// Ids by their bytes. Seeded by chance, so that no file can be made to
    /// collide.
    ids: HashTable<u32>,
    hasher: RandomState,
    pruned: Option<Pruned>,
}

/// Where the rows of the n-grams went that a pruned model kept.
type Pruned = HashMap<u32, u32, RandomState>;

/// What a token of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A word of the dictionary, by its row of the input matrix.
    Word(u32),
    /// A word that the dictionary does not have.
    UnknownWord,
    /// A label, known or not: it says nothing of the text.
    Label,
}

impl Dictionary {
    pub(crate) fn read(reader: &mut Reader<'_>, header: &Header) -> Result<Self, FormatError> {
        let size_offset = reader.offset();
        let size = reader.i32_in("dictionary.size", 0..=i32::MAX)?;
        let words = reader.i32_in("dictionary.nwords", 0..=size)?;
        let labels_offset = reader.offset();
        let labels = reader.i32("dictionary.nlabels")?;
        if labels != size - words {
            return Err(inconsistent(
                "dictionary.nlabels",
                labels_offset,
                labels,
                format!("{}, the size less the words", size - words),
            ));
        }
        let tokens_offset = reader.offset();
        let tokens = reader.i64("dictionary.ntokens")?;
        if tokens < 0 {
            return Err(inconsistent(
                "dictionary.ntokens",
                tokens_offset,
                tokens,
                "no negative number",
            ));
        }
        let prune_offset = reader.offset();
        let prune_size = reader.i64("dictionary.pruneidx_size")?;
        if prune_size < -1 || prune_size > i64::from(header.bucket) {
            return Err(inconsistent(
                "dictionary.pruneidx_size",
                prune_offset,
                prune_size,
                format!("-1 to {}, the buckets", header.bucket),
            ));
        }
        let size = size.unsigned_abs();
        let available = reader.remaining().len() as u64;
        if u64::from(size) * SMALLEST_ENTRY > available {
            return Err(FormatError::Truncated {
                field: "dictionary.size",
                offset: size_offset,
                needed: u64::from(size) * SMALLEST_ENTRY,
                available,
            });
        }
        let mut dictionary = Self::empty(size as usize);
        dictionary.offset = size_offset;
        dictionary.words = words.unsigned_abs();
        dictionary.tokens = tokens;
        for id in 0..size {
            dictionary.read_entry(reader, id)?;
        }
        if let Ok(size) = u64::try_from(prune_size) {
            dictionary.pruned = Some(read_pruned(reader, size, header.bucket)?);
        }
        Ok(dictionary)
    }

    /// A dictionary of these words and labels, in this order, each with its
    /// count; `pruned` are the n-grams that are kept, by their bucket, in the
    /// order of their rows. `None` where the words and labels take 4 GiB or
    /// more.
    pub(crate) fn new<'a>(
        words: impl IntoIterator<Item = (&'a [u8], i64)>,
        labels: impl IntoIterator<Item = (&'a [u8], i64)>,
        tokens: i64,
        pruned: Option<&[u32]>,
    ) -> Option<Self> {
        let mut dictionary = Self::empty(0);
        dictionary.tokens = tokens;
        for (word, count) in words {
            dictionary.push(word, count)?;
        }
        dictionary.words = u32::try_from(dictionary.ends.len()).ok()?;
        for (label, count) in labels {
            dictionary.push(label, count)?;
        }
        dictionary.pruned = pruned.map(|kept| kept.iter().copied().zip(0..).collect());
        Some(dictionary)
    }

    fn empty(capacity: usize) -> Self {
        Self {
            offset: 0,
            text: Vec::new(),
            ends: Vec::with_capacity(capacity),
            counts: Vec::with_capacity(capacity),
            words: 0,
            tokens: 0,
            ids: HashTable::with_capacity(capacity),
            hasher: RandomState::default(),
            pruned: None,
        }
    }

    /// Appends an entry; `None` where the bytes of all would be 4 GiB or more.
    fn push(&mut self, bytes: &[u8], count: i64) -> Option<()> {
        let id = u32::try_from(self.ends.len()).ok()?;
        let end = u32::try_from(self.text.len() + bytes.len()).ok()?;
        self.text.extend_from_slice(bytes);
        self.ends.push(end);
        self.counts.push(count);
        self.insert(id);
        Some(())
    }

    /// Writes the dictionary (`Dictionary::save`); the n-grams that were kept
    /// in the order of their rows, where the reference has the order of a hash
    /// table.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        write_i32(out, "dictionary.size", self.ends.len())?;
        write_i32(out, "dictionary.nwords", self.words)?;
        write_i32(out, "dictionary.nlabels", self.label_count())?;
        out.write_all(&self.tokens.to_le_bytes())?;
        match &self.pruned {
            None => out.write_all(&(-1_i64).to_le_bytes())?,
            Some(kept) => write_i64(out, kept.len() as u64)?,
        }
        for (id, count) in (0..).zip(&self.counts) {
            out.write_all(entry(&self.text, &self.ends, id))?;
            out.write_all(&[0])?;
            out.write_all(&count.to_le_bytes())?;
            out.write_all(&[u8::from(id >= self.words)])?;
        }
        if let Some(kept) = &self.pruned {
            let mut pairs: Vec<(u32, u32)> = kept.iter().map(|(n, row)| (*n, *row)).collect();
            pairs.sort_unstable_by_key(|(ngram, row)| (*row, *ngram));
            for (ngram, row) in pairs {
                write_i32(out, "dictionary.pruneidx", ngram)?;
                write_i32(out, "dictionary.pruneidx", row)?;
            }
        }
        Ok(())
    }

    fn read_entry(&mut self, reader: &mut Reader<'_>, id: u32) -> Result<(), FormatError> {
        let rest = reader.remaining();
        // Found by hand: most words are shorter than a call of memchr.
        let Some(length) = rest.iter().position(|byte| *byte == 0) else {
            return Err(FormatError::Truncated {
                field: "dictionary.word",
                offset: reader.offset(),
                needed: rest.len() as u64 + 1,
                available: rest.len() as u64,
            });
        };
        let offset = reader.offset();
        reader.take("dictionary.word", length as u64 + 1)?;
        let count_offset = reader.offset();
        let count = reader.i64("dictionary.count")?;
        if count < 0 {
            return Err(inconsistent(
                "dictionary.count",
                count_offset,
                count,
                "no negative number",
            ));
        }
        let type_offset = reader.offset();
        let found = reader.u8("dictionary.type")?;
        let expected = u8::from(id >= self.words);
        if found != expected {
            return Err(inconsistent(
                "dictionary.type",
                type_offset,
                found,
                format!("{expected}: 0 for the words, then 1 for the labels"),
            ));
        }
        if self.push(&rest[..length], count).is_none() {
            return Err(inconsistent(
                "dictionary.word",
                offset,
                format!("{length} bytes long"),
                "4 GiB of words at most",
            ));
        }
        Ok(())
    }

    /// Makes an entry known by its bytes. Of two entries with the same bytes
    /// the later counts, as in `Dictionary::load`.
    fn insert(&mut self, id: u32) {
        let Self {
            text,
            ends,
            ids,
            hasher,
            ..
        } = self;
        let hash = hasher.hash_one(entry(text, ends, id));
        match ids.find_mut(hash, |other| {
            entry(text, ends, *other) == entry(text, ends, id)
        }) {
            Some(other) => *other = id,
            None => {
                ids.insert_unique(hash, id, |other| hasher.hash_one(entry(text, ends, *other)));
            }
        }
    }

    /// Where the file has the dictionary.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// The number of words.
    #[must_use]
    pub fn word_count(&self) -> usize {
        self.words as usize
    }

    /// The number of labels.
    #[must_use]
    pub fn label_count(&self) -> usize {
        self.ends.len() - self.words as usize
    }

    /// The tokens of the text that the model was trained on.
    #[must_use]
    pub fn token_count(&self) -> i64 {
        self.tokens
    }

    /// The n-grams that a pruned model kept; `None` for a model that was not
    /// pruned.
    #[must_use]
    pub fn kept_ngrams(&self) -> Option<usize> {
        self.pruned.as_ref().map(HashMap::len)
    }

    /// The word at `id`, in `0..word_count()`.
    ///
    /// # Panics
    ///
    /// If there is no such word.
    #[must_use]
    pub fn word(&self, id: u32) -> &[u8] {
        assert!(id < self.words, "no word {id}");
        entry(&self.text, &self.ends, id)
    }

    /// The label at `id`, in `0..label_count()`, with its prefix.
    ///
    /// # Panics
    ///
    /// If there is no such label.
    #[must_use]
    pub fn label(&self, id: u32) -> &[u8] {
        assert!((id as usize) < self.label_count(), "no label {id}");
        entry(&self.text, &self.ends, self.words + id)
    }

    /// How often each label stood in the training text, by label.
    #[must_use]
    pub fn label_counts(&self) -> &[i64] {
        &self.counts[self.words as usize..]
    }

    /// The labels, in their order.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &[u8]> {
        (self.words..self.ends.len() as u32).map(|id| entry(&self.text, &self.ends, id))
    }

    /// How often each word stood in the training text, by word.
    pub(crate) fn word_counts(&self) -> &[i64] {
        &self.counts[..self.words as usize]
    }

    /// The entry that has these bytes, word or label.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(bytes);
        self.ids
            .find(hash, |id| entry(&self.text, &self.ends, *id) == bytes)
            .copied()
    }

    /// What a token of a line is (`Dictionary::getLine`).
    pub(crate) fn classify(&self, token: &[u8]) -> Token {
        match self.find(token) {
            Some(id) if id < self.words => Token::Word(id),
            Some(_) => Token::Label,
            None if token.starts_with(LABEL_PREFIX) => Token::Label,
            None => Token::UnknownWord,
        }
    }

    /// The row of the input matrix for an n-gram that was hashed into
    /// `bucket`; `None` where pruning dropped it (`Dictionary::pushHash`).
    pub(crate) fn ngram_row(&self, bucket: u32) -> Option<u32> {
        match &self.pruned {
            None => Some(self.words + bucket),
            Some(kept) => kept.get(&bucket).map(|row| self.words + row),
        }
    }
}

fn entry<'a>(text: &'a [u8], ends: &[u32], id: u32) -> &'a [u8] {
    let id = id as usize;
    let start = if id == 0 { 0 } else { ends[id - 1] };
    &text[start as usize..ends[id] as usize]
}

fn read_pruned(reader: &mut Reader<'_>, size: u64, bucket: u32) -> Result<Pruned, FormatError> {
    const PAIR_BYTES: u64 = 8;
    let offset = reader.offset();
    let bytes = reader.take("dictionary.pruneidx", size.saturating_mul(PAIR_BYTES))?;
    let mut pruned =
        Pruned::with_capacity_and_hasher(bytes.len() / PAIR_BYTES as usize, RandomState::default());
    for (i, [a, b, c, d, e, f, g, h]) in bytes.as_chunks().0.iter().enumerate() {
        let ngram = u32::from_le_bytes([*a, *b, *c, *d]);
        let row = u32::from_le_bytes([*e, *f, *g, *h]);
        let offset = offset + i * PAIR_BYTES as usize;
        if ngram >= bucket {
            return Err(inconsistent(
                "dictionary.pruneidx",
                offset,
                ngram,
                format!("an n-gram below {bucket}, the buckets"),
            ));
        }
        if u64::from(row) >= size {
            return Err(inconsistent(
                "dictionary.pruneidx",
                offset + 4,
                row,
                format!("a row below {size}, the n-grams that were kept"),
            ));
        }
        if pruned.insert(ngram, row).is_some() {
            return Err(inconsistent(
                "dictionary.pruneidx",
                offset,
                ngram,
                "each n-gram once",
            ));
        }
    }
    Ok(pruned)
}
