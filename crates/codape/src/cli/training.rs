//! Options of training, under the names that fastText gives them.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use codape_fasttext::TrainOptions;
use codape_trainer::Training;

use super::{AutotuneArgs, Typed};

/// Train a classifier on labelled lines
///
/// Each line of the input holds its labels (`__label__5610C`) among its words.
/// The options are those of `fasttext supervised`, with its defaults; the model
/// opens in fastText too. The same text, options and number of threads give
/// the same file.
///
/// Ctrl-C stops it without a file; a search for the best options keeps the best
/// model so far.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    codape train --input train.txt --output model.bin\n  \
    codape train --input train.txt --output model.bin --loss ova --dim 180 --lr 0.2 --epoch 50 \\\n    \
    --wordNgrams 3 --minn 3 --maxn 4 --minCount 3\n  \
    codape train --input new.txt --output model2.bin --init-from model.bin --epoch 3\n  \
    codape train --input train.txt --output model.ftz --autotune-validation valid.txt \\\n    \
    --autotune-duration 600 --autotune-modelsize 2M --loss ova")]
pub struct Train {
    #[command(flatten)]
    pub typed: Typed,

    /// The labelled lines
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,

    /// The model to write, a `.bin` file; an `.ftz` file with
    /// --autotune-modelsize
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,

    /// Go on training this model, a `.bin` file: new words and labels are
    /// added to it, its shape stays
    #[arg(long, value_name = "FILE")]
    pub init_from: Option<PathBuf>,

    #[command(flatten)]
    pub training: TrainingArgs,

    /// Sampling threshold: kept in the model, not used by classifiers
    #[arg(long, default_value_t = 1e-4, help_heading = "Training")]
    pub t: f64,

    /// Where random numbers start
    #[arg(long, default_value_t = 0, help_heading = "Training")]
    pub seed: u64,

    #[command(flatten)]
    pub autotune: AutotuneArgs,

    /// How labels start
    #[arg(long, value_name = "PREFIX", default_value = "__label__")]
    pub label: String,

    /// Word vectors to start from, a `.vec` file
    #[arg(long = "pretrainedVectors", value_name = "FILE")]
    pub pretrained_vectors: Option<PathBuf>,

    /// How much to say: 0 nothing, 1 a summary, 2 the progress too
    #[arg(long, value_name = "LEVEL", default_value_t = 2)]
    pub verbose: u8,
}

impl Train {
    /// The options of the engine.
    pub fn options(&self) -> TrainOptions {
        TrainOptions {
            label_prefix: self.label.clone(),
            pretrained_vectors: self.pretrained_vectors.clone(),
            t: self.t,
            ..self.training.recipe(self.seed).options()
        }
    }
}

/// What a model is trained with. The defaults are fastText's; `train-coder`
/// puts its own in their place.
#[derive(Debug, Args)]
#[command(next_help_heading = "Training")]
pub struct TrainingArgs {
    /// Learning rate at the start
    #[arg(long, default_value_t = 0.1)]
    pub lr: f64,

    /// Tokens between two changes of the learning rate
    #[arg(long = "lrUpdateRate", default_value_t = 100)]
    pub lr_update_rate: u32,

    /// Numbers in a vector
    #[arg(long, default_value_t = 100)]
    pub dim: usize,

    /// Times that the text is read
    #[arg(long, default_value_t = 5)]
    pub epoch: u32,

    /// Occurrences that a word needs
    #[arg(long = "minCount", default_value_t = 1)]
    pub min_count: u32,

    /// Occurrences that a label needs
    #[arg(long = "minCountLabel", default_value_t = 0)]
    pub min_count_label: u32,

    /// Negative examples for each one, of the loss `ns`
    #[arg(long, default_value_t = 5)]
    pub neg: u32,

    /// Words in the longest word n-gram; 1 means none
    #[arg(long = "wordNgrams", default_value_t = 1)]
    pub word_ngrams: u32,

    /// The loss
    #[arg(long, default_value = "softmax")]
    pub loss: Loss,

    /// Rows that n-grams are hashed into
    #[arg(long, default_value_t = 2_000_000)]
    pub bucket: u32,

    /// Characters in the shortest character n-gram
    #[arg(long, default_value_t = 0)]
    pub minn: u32,

    /// Characters in the longest character n-gram; 0 means none
    #[arg(long, default_value_t = 0)]
    pub maxn: u32,

    /// Threads [default: as many as there are processors]
    #[arg(long)]
    pub thread: Option<NonZeroUsize>,
}

impl TrainingArgs {
    /// The options of a recipe, with `seed` for the random numbers.
    pub fn recipe(&self, seed: u64) -> Training {
        Training {
            lr: self.lr,
            lr_update_rate: self.lr_update_rate,
            dim: self.dim,
            epoch: self.epoch,
            min_count: self.min_count,
            min_count_label: self.min_count_label,
            neg: self.neg,
            word_ngrams: self.word_ngrams,
            loss: self.loss.into(),
            bucket: self.bucket,
            minn: self.minn,
            maxn: self.maxn,
            thread: self.thread,
            seed,
        }
    }
}

/// The losses.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Loss {
    /// Probabilities that sum to 1
    Softmax,
    /// Each label for itself, against all others
    #[value(alias = "one-vs-all")]
    Ova,
    /// Hierarchical softmax, a path in a tree: fast with many labels
    Hs,
    /// Negative sampling
    Ns,
}

impl From<Loss> for codape_trainer::Loss {
    fn from(loss: Loss) -> Self {
        match loss {
            Loss::Softmax => Self::Softmax,
            Loss::Ova => Self::Ova,
            Loss::Hs => Self::Hs,
            Loss::Ns => Self::Ns,
        }
    }
}
