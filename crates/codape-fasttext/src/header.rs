//! The head of a model file: how the model was trained.

use std::io::{self, Write};

use crate::FormatError;
use crate::packed;
use crate::reader::{Reader, inconsistent};
use crate::writer::write_i32;

/// The first four bytes of every model of the official program.
pub(crate) const MAGIC: [u8; 4] = 793_712_314_i32.to_le_bytes();
/// The version of the format that is written.
const VERSION: i32 = 12;
/// Longer n-grams than any that are trained for; past it, a short line could
/// ask for hours of work.
const LONGEST_NGRAM: i32 = 255;

/// What a model was trained for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelName {
    /// Word vectors: a word from the words around it.
    Cbow,
    /// Word vectors: the words around a word.
    SkipGram,
    /// Labels of a text.
    Supervised,
}

impl ModelName {
    /// The name in the reference.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cbow => "cbow",
            Self::SkipGram => "sg",
            Self::Supervised => "sup",
        }
    }
}

/// The loss that a model was trained with, which decides how its output
/// becomes probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossName {
    /// Hierarchical softmax: a path in a Huffman tree.
    HierarchicalSoftmax,
    /// Negative sampling: one sigmoid a label.
    NegativeSampling,
    /// Softmax: probabilities sum to 1.
    Softmax,
    /// One-vs-all: one sigmoid a label; probabilities do not sum to 1.
    OneVsAll,
}

impl LossName {
    /// The name in the reference.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HierarchicalSoftmax => "hs",
            Self::NegativeSampling => "ns",
            Self::Softmax => "softmax",
            Self::OneVsAll => "ova",
        }
    }
}

/// The head of a model file, in the order of the file (`Args::load` of the
/// reference).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Header {
    /// Version of the file's format: 11 or 12.
    pub version: i32,
    /// Numbers in a vector; at least 1.
    pub dim: usize,
    /// Words on either side that made a context (unsupervised models).
    pub ws: i32,
    /// Times that the training text was read.
    pub epoch: i32,
    /// Occurrences that a word needed to enter the dictionary.
    pub min_count: i32,
    /// Negative examples drawn for each one (negative sampling).
    pub neg: i32,
    /// Words in the longest word n-gram; 0 and 1 mean none.
    pub word_ngrams: u32,
    /// The loss.
    pub loss: LossName,
    /// What the model was trained for.
    pub model: ModelName,
    /// Rows of the input matrix that n-grams are hashed into; may be 0 where
    /// the model has no n-grams.
    pub bucket: u32,
    /// Characters in the shortest character n-gram.
    pub minn: u32,
    /// Characters in the longest character n-gram; 0 means none.
    pub maxn: u32,
    /// Tokens between two updates of the learning rate.
    pub lr_update_rate: i32,
    /// Threshold of frequency above which words were dropped (unsupervised
    /// models).
    pub t: f64,
}

impl Header {
    /// Reads the head of a model, and whether it is a packed one.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<(Self, bool), FormatError> {
        let start = reader.remaining();
        let found = &start[..start.len().min(MAGIC.len())];
        let is_packed = found == packed::MAGIC;
        if found != MAGIC && !is_packed {
            return Err(FormatError::BadMagic {
                found: found.to_vec(),
            });
        }
        reader.take("magic", MAGIC.len() as u64)?;
        let version = reader.i32_in("version", 11..=12)?;
        let dim = reader.i32_in("args.dim", 1..=i32::MAX)?;
        let ws = reader.i32("args.ws")?;
        let epoch = reader.i32("args.epoch")?;
        let min_count = reader.i32("args.minCount")?;
        let neg = reader.i32("args.neg")?;
        let word_ngrams = reader.i32_in("args.wordNgrams", 0..=LONGEST_NGRAM)?;
        let loss = match reader.i32_in("args.loss", 1..=4)? {
            1 => LossName::HierarchicalSoftmax,
            2 => LossName::NegativeSampling,
            3 => LossName::Softmax,
            _ => LossName::OneVsAll,
        };
        let model = match reader.i32_in("args.model", 1..=3)? {
            1 => ModelName::Cbow,
            2 => ModelName::SkipGram,
            _ => ModelName::Supervised,
        };
        let bucket_offset = reader.offset();
        let bucket = reader.i32_in("args.bucket", 0..=i32::MAX)?;
        let minn_offset = reader.offset();
        let minn = reader.i32_in("args.minn", 0..=i32::MAX)?;
        let maxn = reader.i32_in("args.maxn", 0..=LONGEST_NGRAM)?;
        if maxn > 0 && minn > maxn {
            return Err(inconsistent(
                "args.minn",
                minn_offset,
                minn,
                format!("at most args.maxn, {maxn}"),
            ));
        }
        // Supervised models of version 11 had no character n-grams, whatever
        // their maxn says (`FastText::loadModel`).
        let maxn = if version == 11 && model == ModelName::Supervised {
            0
        } else {
            maxn
        };
        if bucket == 0 && (maxn > 0 || word_ngrams > 1) {
            return Err(inconsistent(
                "args.bucket",
                bucket_offset,
                bucket,
                "at least 1, since the model has n-grams",
            ));
        }
        let header = Self {
            version,
            dim: dim.unsigned_abs() as usize,
            ws,
            epoch,
            min_count,
            neg,
            word_ngrams: word_ngrams.unsigned_abs(),
            loss,
            model,
            bucket: bucket.unsigned_abs(),
            minn: minn.unsigned_abs(),
            maxn: maxn.unsigned_abs(),
            lr_update_rate: reader.i32("args.lrUpdateRate")?,
            t: reader.f64("args.t")?,
        };
        Ok((header, is_packed))
    }

    /// Writes the head of a model file of version 12 (`FastText::signModel`,
    /// `Args::save`), whatever version it was read from: what version 11 means
    /// by its fields was taken into account then. `magic` is what the file
    /// starts with.
    pub(crate) fn write(&self, out: &mut impl Write, magic: [u8; 4]) -> io::Result<()> {
        let loss = match self.loss {
            LossName::HierarchicalSoftmax => 1,
            LossName::NegativeSampling => 2,
            LossName::Softmax => 3,
            LossName::OneVsAll => 4,
        };
        let model = match self.model {
            ModelName::Cbow => 1,
            ModelName::SkipGram => 2,
            ModelName::Supervised => 3,
        };
        out.write_all(&magic)?;
        write_i32(out, "version", VERSION)?;
        write_i32(out, "args.dim", self.dim)?;
        write_i32(out, "args.ws", self.ws)?;
        write_i32(out, "args.epoch", self.epoch)?;
        write_i32(out, "args.minCount", self.min_count)?;
        write_i32(out, "args.neg", self.neg)?;
        write_i32(out, "args.wordNgrams", self.word_ngrams)?;
        write_i32(out, "args.loss", loss)?;
        write_i32(out, "args.model", model)?;
        write_i32(out, "args.bucket", self.bucket)?;
        write_i32(out, "args.minn", self.minn)?;
        write_i32(out, "args.maxn", self.maxn)?;
        write_i32(out, "args.lrUpdateRate", self.lr_update_rate)?;
        out.write_all(&self.t.to_le_bytes())
    }
}
