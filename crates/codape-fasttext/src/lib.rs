//! A fastText-compatible engine: it reads the model files of the official
//! program, and answers as the official program does.
//!
//! It knows `.bin` and `.ftz` files, dictionaries, n-gram hashing, losses and
//! vectors. It must not know French, a nomenclature, text cleaning, HTTP or
//! the network: a text is bytes here, and a label is bytes.
//!
//! ```no_run
//! use codape_fasttext::{Access, Model, Query, Scratch};
//!
//! let model = Model::open("model.bin", Access::Map)?;
//! let query = Query::new(5, 0.0)?;
//! for best in model.predict(b"coiffure a domicile", &query, &mut Scratch::default())? {
//!     let label = String::from_utf8_lossy(model.label(best.label));
//!     println!("{label} {}", best.probability);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Compatibility
//!
//! The reference is fastText 0.9.3, as its source distribution on PyPI builds
//! for plain x86-64. Every sum here runs in the reference's order and every
//! rounding is the reference's, so that logits have the same bits; the
//! functions that must stay so name the function of the reference that they
//! follow. A build of the reference with fused multiply-add (`-march=native`)
//! may differ from both in the last bits.
//!
//! # Hostile files
//!
//! A model file is taken as hostile: each field is checked against the others
//! and against the bytes that are left before anything is allocated for it
//! ([`FormatError`]). What a check at opening would have to read a gigabyte
//! for, numbers of the input matrix that are not finite, is found when such a
//! row is used ([`PredictError`]) or asked for ([`Model::verify`]).

mod autotune;
mod basis;
mod best;
mod classifier;
mod dense;
mod dictionary;
mod error;
mod features;
mod header;
mod huffman;
mod input;
mod known_words;
mod loss;
mod meter;
mod model;
mod output;
mod packed;
mod predict;
mod quantize;
mod quantizer;
mod query;
mod reader;
mod screen;
#[cfg(feature = "stages")]
pub mod stages;
mod train;
mod vectors;
mod writer;

pub use autotune::{
    AutotuneError, AutotuneEvent, AutotuneMetric, AutotuneObserver, AutotuneOptions,
    AutotuneProgress, Autotuned, AutotunedModel, MetricError, Outcome, Trial, Tuned,
    ValidationText, autotune,
};
pub use codape_kernels::Access;
pub use dictionary::Dictionary;
pub use error::{FormatError, LoadError, PredictError, QueryError};
pub use header::{Header, LossName, ModelName};
pub use meter::{Counts, Meter, Of, Scores, TestError};
pub use model::{InputStorage, Model};
pub use packed::{PackError, PackedRows};
pub use predict::Scratch;
pub use quantize::{QuantizeError, QuantizeObserver, QuantizeOptions, QuantizedModel, Retrain};
pub use query::{Prediction, Query};
pub use train::{
    Observer, SaveError, TrainError, TrainOptions, TrainPhase, TrainProgress, TrainedModel,
    TrainingText, continue_training, train,
};
