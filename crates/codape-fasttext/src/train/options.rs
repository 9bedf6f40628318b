//! What can be asked of a training.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::TrainError;
use super::vocabulary::MinCounts;
use crate::{Header, LossName, ModelName};

/// The longest n-gram that a model may have, of words and of characters.
const LONGEST_NGRAM: u32 = 255;

/// The options of a supervised training. Each is the option of that name of
/// the reference, and defaults to what its command `supervised` defaults to,
/// but for the threads.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainOptions {
    /// The learning rate at the start; it falls to 0 in a straight line.
    pub lr: f64,
    /// Tokens between two updates of the learning rate (`lrUpdateRate`).
    pub lr_update_rate: u32,
    /// Numbers in a vector.
    pub dim: usize,
    /// Times that the text is read.
    pub epoch: u32,
    /// Occurrences that a word needs to enter the dictionary (`minCount`).
    pub min_count: u32,
    /// Occurrences that a label needs (`minCountLabel`).
    pub min_count_label: u32,
    /// Negative examples for each one (negative sampling).
    pub neg: u32,
    /// Words in the longest word n-gram (`wordNgrams`); 1 means none.
    pub word_ngrams: u32,
    /// The loss.
    pub loss: LossName,
    /// Rows that n-grams are hashed into.
    pub bucket: u32,
    /// Characters in the shortest character n-gram.
    pub minn: u32,
    /// Characters in the longest character n-gram; 0 means none.
    pub maxn: u32,
    /// Threads (`thread`), of which as many are used as lines are learnt
    /// together: 1 for fewer than 32 labels, at most 16. The model repeats to
    /// the bit for the same text, options and number of threads.
    pub threads: NonZeroUsize,
    /// Sampling threshold: kept in the file, without use in supervised training.
    pub t: f64,
    /// How a label starts (`label`).
    pub label_prefix: String,
    /// Where the random numbers start.
    pub seed: u64,
    /// A text file of word vectors to start from (`pretrainedVectors`).
    pub pretrained_vectors: Option<PathBuf>,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            lr: 0.1,
            lr_update_rate: 100,
            dim: 100,
            epoch: 5,
            min_count: 1,
            min_count_label: 0,
            neg: 5,
            word_ngrams: 1,
            loss: LossName::Softmax,
            bucket: 2_000_000,
            minn: 0,
            maxn: 0,
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            t: 1e-4,
            label_prefix: "__label__".to_owned(),
            seed: 0,
            pretrained_vectors: None,
        }
    }
}

impl TrainOptions {
    /// Refuses what cannot be trained with.
    pub(crate) fn check(&self) -> Result<(), TrainError> {
        let refuse = |option, found: String, expected: &str| {
            Err(TrainError::Option {
                option,
                found,
                expected: expected.to_owned(),
            })
        };
        let whole = i32::MAX as usize;
        if !(self.lr.is_finite() && self.lr > 0.0) {
            return refuse("lr", self.lr.to_string(), "a number above 0");
        }
        if self.dim == 0 || self.dim > whole {
            return refuse("dim", self.dim.to_string(), "1 to 2147483647");
        }
        if self.epoch == 0 || self.epoch as usize > whole {
            return refuse("epoch", self.epoch.to_string(), "1 to 2147483647");
        }
        for (option, found) in [
            ("minCount", self.min_count),
            ("minCountLabel", self.min_count_label),
            ("neg", self.neg),
            ("bucket", self.bucket),
            ("lrUpdateRate", self.lr_update_rate),
        ] {
            if found as usize > whole {
                return refuse(option, found.to_string(), "at most 2147483647");
            }
        }
        if self.word_ngrams > LONGEST_NGRAM {
            return refuse("wordNgrams", self.word_ngrams.to_string(), "at most 255");
        }
        if self.maxn > LONGEST_NGRAM {
            return refuse("maxn", self.maxn.to_string(), "at most 255");
        }
        if self.maxn > 0 && self.minn > self.maxn {
            return refuse("minn", self.minn.to_string(), "at most maxn");
        }
        if self.bucket == 0 && self.has_ngrams() {
            return refuse("bucket", "0".to_owned(), "at least 1, for n-grams");
        }
        if self.label_prefix.is_empty()
            || self
                .label_prefix
                .contains(|c: char| c.is_whitespace() || c == '\0')
        {
            let expected = "what the labels start with, without white space";
            return refuse("label", format!("{:?}", self.label_prefix), expected);
        }
        Ok(())
    }

    fn has_ngrams(&self) -> bool {
        self.maxn > 0 || self.word_ngrams > 1
    }

    /// The head of the model, as `Args::parseArgs` leaves it: without n-grams
    /// there are no buckets.
    pub(crate) fn header(&self) -> Header {
        Header {
            version: 12,
            dim: self.dim,
            ws: 5,
            epoch: self.epoch as i32,
            min_count: self.min_count as i32,
            neg: self.neg as i32,
            word_ngrams: self.word_ngrams,
            loss: self.loss,
            model: ModelName::Supervised,
            bucket: if self.has_ngrams() { self.bucket } else { 0 },
            minn: self.minn,
            maxn: self.maxn,
            lr_update_rate: self.lr_update_rate as i32,
            t: self.t,
        }
    }

    pub(crate) fn min_counts(&self) -> MinCounts {
        MinCounts {
            words: u64::from(self.min_count),
            labels: u64::from(self.min_count_label),
        }
    }
}
