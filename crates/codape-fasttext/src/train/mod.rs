//! Training: from lines of labelled text to a model.
//!
//! 1. The text is read once for its words and labels (`vocabulary`), then for
//!    the rows of the input matrix that it uses (`rows`).
//! 2. Threads read it `epoch` times and learn (`fit`, then `worker`): an
//!    `example` is made of each line, `targets` are picked for it, and the
//!    output matrix learns them (`output`). `exchange` is all that the threads
//!    share.
//! 3. The `model` is written.

mod barrier;
mod error;
mod example;
mod exchange;
mod fit;
mod lane;
mod model;
mod options;
mod output;
mod pretrained;
mod progress;
mod random;
mod report;
mod retrain;
mod rows;
mod std_sort;
mod targets;
mod text;
mod vocabulary;
mod worker;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use codape_kernels::minibatch::LANES;

use crate::features::Features;
use crate::writer::{Row, Rows};
use crate::{Dictionary, Header, LossName, Model, ModelName};

use example::LineReader;
use fit::{Lesson, Schedule, fit};
use model::Base;
use pretrained::WordVectors;
use random::Random;
use targets::TargetPicker;
use vocabulary::{Marks, MinCounts, Vocabulary};

pub use error::{SaveError, TrainError};
pub use model::TrainedModel;
pub use options::TrainOptions;
pub use progress::{Observer, TrainPhase, TrainProgress};
pub(crate) use retrain::{Retrained, TrainedOutput, retrain};
pub use text::TrainingText;

/// Trains a supervised model.
///
/// The dictionary is the reference's, in its order. Rows of the input matrix
/// start from random numbers as in the reference, but for those of n-grams that
/// the text does not have: they are 0, so that n-grams which were never seen do
/// not blur a prediction.
///
/// # Errors
///
/// Where the options contradict each other, the text has no label or no word,
/// the numbers diverge, or the observer asks to stop.
pub fn train(
    text: &TrainingText,
    options: &TrainOptions,
    observer: &mut Observer<'_>,
) -> Result<TrainedModel, TrainError> {
    options.check()?;
    let header = options.header();
    let (mut vocabulary, marks) = count(text, options, observer)?;
    let vectors = match &options.pretrained_vectors {
        None => None,
        Some(path) => Some(WordVectors::read(path, options.dim)?),
    };
    if let Some(vectors) = &vectors {
        // As the reference does it: each word counts once more, and `minCount`
        // does not hold for those of the file.
        vocabulary.keep_frequent(options.min_counts());
        vectors.words().for_each(|word| vocabulary.add(word, 1));
    }
    let least = if vectors.is_some() {
        MinCounts {
            words: 1,
            labels: 0,
        }
    } else {
        options.min_counts()
    };
    let dictionary = vocabulary
        .into_dictionary(least)
        .ok_or_else(too_many_words)?;
    let seed = options.seed;
    let bound = 1.0 / header.dim as f64;
    let start = |row: u32, numbers: &mut [f32]| {
        let known = vectors.as_ref().and_then(|vectors| {
            let is_word = (row as usize) < dictionary.word_count();
            is_word.then(|| vectors.get(dictionary.word(row))).flatten()
        });
        match known {
            Some(known) => numbers.copy_from_slice(known),
            None => Random::new(seed, INPUT_STREAMS + u64::from(row)).fill(numbers, bound),
        }
    };
    let trained = {
        let learning = Learning {
            text,
            options,
            header: &header,
            dictionary: &dictionary,
            marks: &marks,
        };
        learning.run(&start, &|_, _| {}, observer)?
    };
    Ok(TrainedModel {
        header,
        dictionary,
        trained,
        base: None,
    })
}

/// Streams of random numbers: below this those of the lanes, from here on
/// those of the rows of the input matrix.
const INPUT_STREAMS: u64 = 1 << 32;

/// The stream that decides where the parts of the text are begun.
const PARTS_STREAM: u64 = INPUT_STREAMS - 1;

/// Goes on training a supervised model whose matrices are dense on more text,
/// whose words and labels are added to its own.
///
/// The shape of the model (`dim`, `bucket`, the n-grams, the loss, `neg`) is
/// the model's; what the options say of it is passed over. Rows that the text
/// does not use stay as they are.
///
/// # Errors
///
/// Those of [`train`], and [`TrainError::NotTrainable`] for a model of word
/// vectors, a quantized one, and one of hierarchical softmax whose labels
/// would change: its output matrix belongs to a tree of these labels.
pub fn continue_training(
    model: Arc<Model>,
    text: &TrainingText,
    options: &TrainOptions,
    observer: &mut Observer<'_>,
) -> Result<TrainedModel, TrainError> {
    options.check()?;
    let not_trainable = |reason: &str| TrainError::NotTrainable {
        reason: reason.to_owned(),
    };
    if model.header.model != ModelName::Supervised {
        return Err(not_trainable("it has word vectors and no labels"));
    }
    if options.pretrained_vectors.is_some() {
        return Err(not_trainable(
            "it has its vectors: leave pretrainedVectors away",
        ));
    }
    if model.dense_matrices().is_none() {
        return Err(not_trainable(
            "it is quantized: go on from the .bin file that it was made of",
        ));
    }
    let (vocabulary, marks) = count(text, options, observer)?;
    let dictionary = if model.header.loss == LossName::HierarchicalSoftmax {
        // Other counts would be another tree.
        vocabulary.into_words_of(&model.dictionary, options.min_counts())
    } else {
        vocabulary.into_extension_of(&model.dictionary, options.min_counts())
    };
    let dictionary = dictionary.ok_or_else(too_many_words)?;
    let header = Header {
        epoch: options.epoch as i32,
        lr_update_rate: options.lr_update_rate as i32,
        ..model.header.clone()
    };
    let old_words = model.dictionary.word_count();
    let old_labels = model.dictionary.label_count();
    let base = Base {
        added_words: dictionary.word_count() - old_words,
        model,
    };
    let added = old_words as u32..dictionary.word_count() as u32;
    let bound = 1.0 / header.dim as f64;
    let start = |row: u32, numbers: &mut [f32]| {
        if added.contains(&row) || base.fill(row as usize, numbers) == Row::Zeros {
            Random::new(options.seed, INPUT_STREAMS + u64::from(row)).fill(numbers, bound);
        }
    };
    let output_start = |row: u32, numbers: &mut [f32]| {
        if let Some([_, output]) = base.model.dense_matrices()
            && (row as usize) < old_labels
        {
            output.fill(row as usize, numbers);
        }
    };
    let trained = {
        let learning = Learning {
            text,
            options,
            header: &header,
            dictionary: &dictionary,
            marks: &marks,
        };
        learning.run(&start, &output_start, observer)?
    };
    Ok(TrainedModel {
        header,
        dictionary,
        trained,
        base: Some(base),
    })
}

/// Lines that are learnt together.
///
/// Where each label answers by itself, a line is learnt as if the output matrix
/// had learnt from those before it. Under softmax all labels of a batch are
/// judged before any is learnt: with hundreds of them, the lines rarely touch
/// the same; with few, all lines push the same rows the same way, as one would
/// with so many times the learning rate, and a rate that the reference takes
/// would diverge. What counts is how many labels there are in effect: the
/// inverse of the chance that two lines have the same (Simpson, Nature 163,
/// 1949).
fn lanes(loss: LossName, dictionary: &Dictionary) -> usize {
    const LABELS_PER_LANE: f64 = 8.0;
    if loss != LossName::Softmax {
        return LANES;
    }
    let counts = dictionary.label_counts().iter().map(|count| *count as f64);
    let (sum, squares) = counts.fold((0.0, 0.0), |(sum, squares), count| {
        (sum + count, squares + count * count)
    });
    ((sum * sum / squares / LABELS_PER_LANE) as usize).clamp(1, LANES)
}

/// Counts the words and labels of a text.
fn count(
    text: &TrainingText,
    options: &TrainOptions,
    observer: &mut Observer<'_>,
) -> Result<(Vocabulary, Marks), TrainError> {
    let start = Instant::now();
    let length = text.len_bytes().max(1) as f64;
    let mut progress = |bytes: u64, tokens: u64| {
        let progress = TrainProgress {
            phase: TrainPhase::Counting,
            done: bytes as f64 / length,
            examples: tokens,
            loss: f64::NAN,
            lr: options.lr,
            elapsed: start.elapsed(),
        };
        observer(&progress) == ControlFlow::Continue(())
    };
    let prefix = options.label_prefix.as_bytes();
    vocabulary::count(text, prefix, &mut progress)
        .map_err(TrainError::Read)?
        .ok_or(TrainError::Stopped)
}

fn too_many_words() -> TrainError {
    TrainError::Option {
        option: "minCount",
        found: "too low".to_owned(),
        expected: "a number that leaves less than 4 GiB of words".to_owned(),
    }
}

/// A text, and a model to learn it.
struct Learning<'a> {
    text: &'a TrainingText,
    options: &'a TrainOptions,
    header: &'a Header,
    dictionary: &'a Dictionary,
    marks: &'a Marks,
}

impl Learning<'_> {
    fn run(
        &self,
        input_start: &(dyn Fn(u32, &mut [f32]) + Sync),
        output_start: &(dyn Fn(u32, &mut [f32]) + Sync),
        observer: &mut Observer<'_>,
    ) -> Result<model::Trained, TrainError> {
        let Self {
            text,
            options,
            header,
            dictionary,
            marks,
        } = *self;
        if dictionary.label_count() == 0 {
            return Err(TrainError::NoLabels {
                prefix: options.label_prefix.clone(),
            });
        }
        if dictionary.word_count() == 0 && header.maxn == 0 {
            return Err(TrainError::NoWords);
        }
        let targets =
            TargetPicker::new(header, dictionary).map_err(|error| TrainError::NotTrainable {
                reason: error.to_string(),
            })?;
        let mut random = Random::new(options.seed, PARTS_STREAM);
        let parts = marks.parts(lanes(header.loss, dictionary), &mut random);
        let lesson = Lesson {
            text,
            parts: &parts,
            reader: LineReader {
                features: Features::new(header, dictionary),
                label_prefix: options.label_prefix.as_bytes(),
            },
            targets: &targets,
            schedule: Schedule {
                lr: options.lr,
                lr_update_rate: options.lr_update_rate,
                epoch: options.epoch,
                // To share a batch of a line or two takes longer than to learn it.
                threads: options.threads.get().min(parts.len().max(1)),
                seed: options.seed,
            },
            input_rows: dictionary.word_count()
                + dictionary.kept_ngrams().unwrap_or(header.bucket as usize),
            input_start,
            output_rows: dictionary.label_count(),
            output_start,
        };
        let trained = fit(&lesson, observer)?;
        if trained.output.iter().any(|number| !number.is_finite()) {
            return Err(TrainError::Diverged {
                examples: marks.lines() * u64::from(options.epoch),
                lr: options.lr,
            });
        }
        Ok(trained)
    }
}
