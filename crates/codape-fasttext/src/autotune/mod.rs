//! Searching for the options that a text is trained best with.
//!
//! As in the reference (`Autotune`): options are drawn around the best ones so
//! far, a model is trained with them and measured on a validation text, until
//! the time is over. With a limit for the size each model is quantized so that
//! it fits, and measured then.

mod metric;
mod strategy;

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use codape_kernels::FileBytes;

use strategy::{Candidate, Strategy};

use crate::{
    Access, LoadError, Meter, Model, QuantizeError, QuantizeObserver, QuantizeOptions,
    QuantizedModel, Query, QueryError, SaveError, TestError, TrainError, TrainOptions,
    TrainProgress, TrainedModel, TrainingText, train,
};

pub use metric::{AutotuneMetric, MetricError};
pub use strategy::Tuned;

/// Lines that are measured together.
const LINES_PER_BATCH: usize = 4096;
/// Fewer rows than this cannot be quantized.
const LEAST_CUTOFF: i64 = 256;
/// Times that a model may be made smaller until it fits.
const FITTINGS: usize = 4;

/// How to search.
#[derive(Debug, Clone, PartialEq)]
pub struct AutotuneOptions {
    /// What is to be as high as possible.
    pub metric: AutotuneMetric,
    /// Labels that are predicted for each line; at least 1.
    pub predictions: usize,
    /// How long to search. A trial that is not done by then does not count.
    pub duration: Duration,
    /// The most bytes that the model's file may have; it is quantized then.
    pub model_bytes: Option<u64>,
    /// Options that are left as they are given.
    pub manual: Vec<Tuned>,
    /// Numbers that one byte stands for, where the search starts (`dsub`).
    pub dsub: usize,
}

impl Default for AutotuneOptions {
    fn default() -> Self {
        Self {
            metric: AutotuneMetric::default(),
            predictions: 1,
            duration: Duration::from_secs(5 * 60),
            model_bytes: None,
            manual: Vec::new(),
            dsub: 2,
        }
    }
}

/// Labelled lines that models are measured on. A file is mapped.
#[derive(Debug)]
pub struct ValidationText(FileBytes);

impl ValidationText {
    /// Maps a file of lines.
    ///
    /// # Errors
    ///
    /// Whatever the system says of the file.
    pub fn open(path: &Path) -> io::Result<Self> {
        FileBytes::open(path, Access::Map).map(Self)
    }

    /// Takes lines that are in memory.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    fn measure(&self, model: &Model, query: &Query, meter: &mut Meter) -> Result<(), TestError> {
        let mut lines = self.0.split(|byte| *byte == b'\n');
        loop {
            let batch: Vec<&[u8]> = lines.by_ref().take(LINES_PER_BATCH).collect();
            if batch.is_empty() {
                return Ok(());
            }
            model.test(&batch, query, meter)?;
        }
    }
}

/// Why no options were found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AutotuneError {
    /// No trial was done in time.
    #[error("no training was done within {} s: allow more time, or make the text shorter", .duration.as_secs())]
    OutOfTime {
        /// The time that was allowed.
        duration: Duration,
    },
    /// No trial came to a model that fits.
    #[error("no model fits in {model_bytes} bytes: allow more")]
    TooLarge {
        /// The bytes that were allowed.
        model_bytes: u64,
    },
    /// Every trial diverged.
    #[error("every training diverged")]
    Diverged,
    /// The validation text has nothing to measure.
    #[error("the validation text has no line with a label of the training text")]
    NothingMeasured,
    /// The metric is about a label that the training text does not have.
    #[error("the training text has no label {label:?}")]
    UnknownLabel {
        /// The label.
        label: String,
    },
    /// What is asked of each model is not possible.
    #[error("cannot ask for that many labels")]
    Query(#[from] QueryError),
    /// A training failed.
    #[error("a trial cannot be trained")]
    Train(#[from] TrainError),
    /// A model cannot be quantized.
    #[error("a trial cannot be quantized")]
    Quantize(#[from] QuantizeError),
    /// The temporary file of a model cannot be written.
    #[error("a trial cannot be kept for its test")]
    Save(#[from] SaveError),
    /// The temporary file of a model cannot be read.
    #[error("a trial cannot be read for its test")]
    Load(#[from] LoadError),
    /// There is no directory for temporary files.
    #[error("no temporary directory in {folder}")]
    Temporary {
        /// Where it was to be.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A model cannot answer.
    #[error("a trial cannot be tested")]
    Test(#[from] TestError),
}

/// What a trial came to.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The score, 0 to 1.
    Scored(f64),
    /// The training diverged.
    Diverged,
    /// The model does not fit.
    TooLarge,
    /// The time was over.
    OutOfTime,
}

/// A trial that is done.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Its number, from 1.
    pub number: u32,
    /// What it was trained with.
    pub options: TrainOptions,
    /// What it was quantized with.
    pub quantize: Option<QuantizeOptions>,
    /// What it came to.
    pub outcome: Outcome,
    /// How long it took.
    pub elapsed: Duration,
}

/// How far a search is.
#[derive(Clone, Copy, Debug)]
pub struct AutotuneProgress<'a> {
    /// The number of the trial in hand, from 1.
    pub trial: u32,
    /// The best score so far.
    pub best_score: Option<f64>,
    /// The time since the start.
    pub elapsed: Duration,
    /// What happened.
    pub event: AutotuneEvent<'a>,
}

/// What happens in a search.
#[derive(Clone, Copy, Debug)]
pub enum AutotuneEvent<'a> {
    /// The trial in hand is being trained.
    Training(&'a TrainProgress),
    /// The trial in hand is being quantized; this share is done, 0 to 1. It
    /// starts anew where the model did not fit.
    Quantizing(f64),
    /// The trial in hand is done.
    Done(&'a Trial),
}

/// Is told how far a search is, and may end it: the best model so far is kept.
pub type AutotuneObserver<'a> = dyn FnMut(&AutotuneProgress<'_>) -> ControlFlow<()> + Send + 'a;

/// The best model that was found.
#[derive(Debug)]
pub struct Autotuned {
    /// What it was trained with.
    pub options: TrainOptions,
    /// What it was quantized with.
    pub quantize: Option<QuantizeOptions>,
    /// Its score, 0 to 1.
    pub score: f64,
    /// The trials that were begun.
    pub trials: u32,
    /// The model.
    pub model: AutotunedModel,
}

/// A model as a search leaves it.
#[derive(Debug)]
pub enum AutotunedModel {
    /// For a `.bin` file.
    Dense(Box<TrainedModel>),
    /// For a `.ftz` file.
    Quantized(Box<QuantizedModel>),
}

impl AutotunedModel {
    /// Writes the model, as [`TrainedModel::save`] and
    /// [`QuantizedModel::save`] do.
    ///
    /// # Errors
    ///
    /// Whatever the system says.
    pub fn save(&self, path: &Path) -> Result<(), SaveError> {
        match self {
            Self::Dense(model) => model.save(path),
            Self::Quantized(model) => model.save(path),
        }
    }
}

/// Searches for the options that a text is trained best with, from `start` on,
/// and gives the best model.
///
/// # Errors
///
/// Where no trial comes to a score, or something fails that no other options
/// can mend.
pub fn autotune(
    (text, validation): (&TrainingText, &ValidationText),
    start: &TrainOptions,
    options: &AutotuneOptions,
    observer: &mut AutotuneObserver<'_>,
) -> Result<Autotuned, AutotuneError> {
    let folder = tempfile::tempdir().map_err(|source| AutotuneError::Temporary {
        folder: std::env::temp_dir(),
        source,
    })?;
    let mut search = Search {
        text,
        validation,
        options,
        query: Query::new(options.predictions, 0.0)?,
        path: folder.path().join("trial.bin"),
        started: Instant::now(),
        trials: 0,
        best: None,
        stopped: false,
    };
    search.run(start, observer)
}

struct Search<'a> {
    text: &'a TrainingText,
    validation: &'a ValidationText,
    options: &'a AutotuneOptions,
    query: Query,
    /// Where the model of a trial is kept for its test.
    path: PathBuf,
    started: Instant,
    trials: u32,
    best: Option<Autotuned>,
    /// Whether the observer ended the search.
    stopped: bool,
}

impl Search<'_> {
    fn run(
        &mut self,
        start: &TrainOptions,
        observer: &mut AutotuneObserver<'_>,
    ) -> Result<Autotuned, AutotuneError> {
        let AutotuneOptions {
            manual,
            duration,
            dsub,
            ..
        } = self.options;
        let start = Candidate {
            train: start.clone(),
            dsub: *dsub,
        };
        let seed = start.train.seed;
        let mut strategy = Strategy::new(start, manual, *duration, seed);
        let mut last = Outcome::OutOfTime;
        while !self.stopped && self.started.elapsed() < *duration {
            self.trials += 1;
            let candidate = strategy.next(self.started.elapsed());
            let began = Instant::now();
            let best_before = self.best_score();
            let (outcome, quantize) = self.try_out(&candidate, observer)?;
            if self.best_score() != best_before {
                strategy.update_best(&candidate);
            }
            let trial = Trial {
                number: self.trials,
                options: candidate.train,
                quantize,
                outcome,
                elapsed: began.elapsed(),
            };
            self.tell(AutotuneEvent::Done(&trial), observer);
            if outcome != Outcome::OutOfTime {
                last = outcome;
            }
        }
        let trials = self.trials;
        let best = self.best.take().map(|best| Autotuned { trials, ..best });
        best.ok_or(match (last, self.options.model_bytes) {
            (Outcome::TooLarge, Some(model_bytes)) => AutotuneError::TooLarge { model_bytes },
            (Outcome::Diverged, _) => AutotuneError::Diverged,
            _ => AutotuneError::OutOfTime {
                duration: *duration,
            },
        })
    }

    fn best_score(&self) -> Option<f64> {
        self.best.as_ref().map(|best| best.score)
    }

    fn tell(&mut self, event: AutotuneEvent<'_>, observer: &mut AutotuneObserver<'_>) {
        let progress = AutotuneProgress {
            trial: self.trials,
            best_score: self.best_score(),
            elapsed: self.started.elapsed(),
            event,
        };
        self.stopped |= observer(&progress).is_break();
    }

    /// Does as [`tell`](Self::tell) within a trial, which ends where it must.
    fn go_on(
        &mut self,
        event: AutotuneEvent<'_>,
        observer: &mut AutotuneObserver<'_>,
    ) -> ControlFlow<()> {
        self.tell(event, observer);
        if self.stopped || self.started.elapsed() >= self.options.duration {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Trains and measures a model, and keeps it where it is the best.
    fn try_out(
        &mut self,
        candidate: &Candidate,
        observer: &mut AutotuneObserver<'_>,
    ) -> Result<(Outcome, Option<QuantizeOptions>), AutotuneError> {
        let trained = train(
            self.text,
            &candidate.train,
            &mut |progress: &TrainProgress| self.go_on(AutotuneEvent::Training(progress), observer),
        );
        let trained = match trained {
            Ok(trained) => trained,
            Err(TrainError::Diverged { .. }) => return Ok((Outcome::Diverged, None)),
            Err(TrainError::Stopped) => return Ok((Outcome::OutOfTime, None)),
            Err(error) => return Err(error.into()),
        };
        trained.save(&self.path)?;
        let dense = Model::open(&self.path, Access::Map)?;
        let Some(model_bytes) = self.options.model_bytes else {
            let score = self.score(&dense)?;
            let model = AutotunedModel::Dense(Box::new(trained));
            self.keep_if_best(score, candidate, None, model);
            return Ok((Outcome::Scored(score), None));
        };
        let fitted = fit(&dense, (candidate.dsub, model_bytes), &mut |done| {
            self.go_on(AutotuneEvent::Quantizing(done), observer)
        });
        let (quantized, bytes, options) = match fitted {
            Ok(Some(fitted)) => fitted,
            Ok(None) => return Ok((Outcome::TooLarge, None)),
            Err(QuantizeError::Stopped) => return Ok((Outcome::OutOfTime, None)),
            Err(error) => return Err(error.into()),
        };
        let model = Model::from_bytes(bytes).map_err(|source| LoadError::Format {
            path: self.path.clone(),
            source,
        })?;
        let score = self.score(&model)?;
        let model = AutotunedModel::Quantized(Box::new(quantized));
        self.keep_if_best(score, candidate, Some(options.clone()), model);
        Ok((Outcome::Scored(score), Some(options)))
    }

    fn score(&self, model: &Model) -> Result<f64, AutotuneError> {
        let metric = &self.options.metric;
        let of = metric
            .of(model)
            .ok_or_else(|| AutotuneError::UnknownLabel {
                label: metric.label().unwrap_or_default().to_owned(),
            })?;
        let mut meter = Meter::new(model.dictionary().label_count(), metric.scores());
        self.validation.measure(model, &self.query, &mut meter)?;
        if meter.examples() == 0 {
            return Err(AutotuneError::NothingMeasured);
        }
        Ok(metric.score(&meter, of))
    }

    fn keep_if_best(
        &mut self,
        score: f64,
        candidate: &Candidate,
        quantize: Option<QuantizeOptions>,
        model: AutotunedModel,
    ) {
        let is_best = self.best_score().is_none_or(|best| score > best);
        if is_best {
            self.best = Some(Autotuned {
                options: candidate.train.clone(),
                quantize,
                score,
                trials: self.trials,
                model,
            });
        }
    }
}

/// Quantizes a model so that its file has at most `most` bytes; `None` where
/// it cannot.
fn fit(
    model: &Model,
    (dsub, most): (usize, u64),
    observer: &mut QuantizeObserver<'_>,
) -> Result<Option<(QuantizedModel, Vec<u8>, QuantizeOptions)>, QuantizeError> {
    let labels = model.dictionary().label_count() as i64;
    let qout = labels >= LEAST_CUTOFF;
    let mut cutoff = first_cutoff(model, qout, dsub, most);
    for _ in 0..FITTINGS {
        if cutoff <= LEAST_CUTOFF || model.input_rows() < LEAST_CUTOFF as usize {
            break;
        }
        let options = QuantizeOptions {
            dsub,
            qnorm: true,
            qout,
            cutoff: usize::try_from(cutoff).ok(),
        };
        let quantized = model.quantize(&options, observer)?;
        let bytes = quantized.to_bytes();
        let excess = (bytes.len() as u64).saturating_sub(most) as i64;
        if excess == 0 {
            return Ok(Some((quantized, bytes, options)));
        }
        let kept = cutoff.min(model.input_rows() as i64);
        cutoff = kept - excess.div_euclid(row_bytes(model, dsub)) - 1;
    }
    Ok(None)
}

/// Bytes that a row takes at least in a file: its codes, its length, and what
/// its n-gram or its word without the letters takes.
fn row_bytes(model: &Model, dsub: usize) -> i64 {
    (model.header().dim.div_ceil(dsub) + 1 + 10) as i64
}

/// Rows for which the file should have `most` bytes: words are not counted
/// with their letters, so that it may turn out too large
/// (`Autotune::getCutoffForFileSize`).
fn first_cutoff(model: &Model, qout: bool, dsub: usize, most: u64) -> i64 {
    const CENTROIDS: i64 = 256;
    const HEAD: i64 = 107;
    let dim = model.header().dim as i64;
    let labels = model.dictionary().label_count() as i64;
    let output = if qout {
        21 + labels * ((dim + 1) / 2) + 16 + 4 * CENTROIDS * dim + labels
    } else {
        16 + 4 * labels * dim
    };
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    (most - HEAD - 4 * CENTROIDS * dim - output) / row_bytes(model, dsub)
}
