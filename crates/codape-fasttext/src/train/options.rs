//! What can be asked of a training.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::LossName;

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
    /// Threads (`thread`). The model repeats to the bit for the same text,
    /// options and number of threads.
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
