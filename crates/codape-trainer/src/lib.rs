//! The recipe: from a table of declarations to a model package.
//!
//! It reads the table, cleans each text as the coder will, refuses what cannot
//! be used with its number and reason, keeps a part aside, adds the titles of
//! codes without an example, repeats rare codes, trains, evaluates what it has
//! trained on the part kept aside, and writes a package with its metrics and a
//! report for a person. It must not know HTTP, or how progress is drawn.
//!
//! Declarations go through temporary files beside the package, never all
//! through memory, so that a table may have any number of rows.
//!
//! ```no_run
//! use std::ops::ControlFlow;
//! use codape_text::Profile;
//! use codape_trainer::{Columns, Job, Recipe, train_coder};
//!
//! let job = Job {
//!     table: "declarations.csv".into(),
//!     delimiter: Default::default(),
//!     golden: None,
//!     profile: Profile::read("cleaning.json")?,
//!     recipe: Recipe::new(Columns {
//!         text: "libelle".into(),
//!         categorical: vec!["nature".into()],
//!         code: "code".into(),
//!     }),
//!     output: "package".into(),
//! };
//! let outcome = train_coder(&job, &mut |_| ControlFlow::Continue(()))?;
//! println!("{} declarations were refused", outcome.data.refused());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod cells;
mod corpus;
mod declarations;
mod error;
mod evaluate;
mod golden;
mod hash;
mod job;
mod metrics;
mod package;
mod prepare;
mod progress;
mod recipe;
mod refusal;
mod report;

pub use codape_table::Delimiter;
pub use error::TrainerError;
pub use golden::GoldenResult;
pub use job::{Job, Outcome, train_coder};
pub use prepare::Data;
pub use progress::{Observer, Progress, Stage};
pub use recipe::{Columns, Loss, Quantize, Recipe, Training};
pub use refusal::{Refusal, RefusalKind};
