//! The domain: from a declaration to suggested codes.
//!
//! It knows what a model package is, how a declaration becomes the line that a
//! model was trained on, what the confidence index is and when a code may be
//! assigned without a person. It must not know HTTP, logs or where packages
//! are stored: a [`Coder`] is opened from a directory or built from parts that
//! are already in memory.
//!
//! ```no_run
//! use codape_coder::{Access, CodeOptions, Coder, Declaration, Scratch, Threshold};
//!
//! let coder = Coder::open("package".as_ref(), Access::Map)?;
//! let declaration = Declaration {
//!     text: "Coiffure à domicile",
//!     categorical: vec![None; coder.categorical_features().len()],
//! };
//! let coding = coder.code(&declaration, CodeOptions::new(5)?, &mut Scratch::default())?;
//! for suggestion in &coding.suggestions {
//!     println!("{} {}", suggestion.code, suggestion.probability);
//! }
//! println!("{:?}", Threshold::new(0.6)?.decide(coding.confidence));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod coder;
mod coding;
mod decision;
mod declaration;
mod draft;
mod error;
mod evaluation;
mod golden;
mod labels;
mod manifest;
mod metrics;
mod package;

pub use codape_fasttext::Access;
pub use codape_nomenclature::Nomenclature;
pub use coder::{CodeOptions, Coder, Scratch};
pub use coding::{Coding, Suggestion};
pub use decision::{Decision, Threshold, ThresholdError};
pub use declaration::{Declaration, Line, LineScratch};
pub use draft::{Draft, DraftError};
pub use error::{CodeError, FeatureProblem, ManifestError, PackageError, PathProblem};
pub use evaluation::{
    CodeRow, Comparison, Confusion, Difference, Evaluation, IC_BINS, Interval, LevelAccuracy,
    PairedCounts, Proportion, RANKS, ThresholdRow,
};
pub use golden::{GOLDEN_FILE, Golden, GoldenDeclaration, GoldenError};
pub use manifest::{FORMAT, Manifest};
pub use metrics::Metrics;
pub use package::{MANIFEST_FILE, METRICS_FILE, NomenclatureSource, PackageParts};
