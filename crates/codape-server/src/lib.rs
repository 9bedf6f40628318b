//! The HTTP service: the contract that Sirene calls since 2024, over a
//! [`Coder`](codape_coder::Coder).
//!
//! It knows HTTP, JSON and the shapes of the contracts. It must not know how a
//! text is cleaned, how a model predicts, or where a model package came from;
//! nor does it read arguments or the environment.
//!
//! [`app`] gives the router, which tests call without a socket; [`serve`] puts
//! it behind a listener with deadlines, a limit of connections and an orderly
//! stop. [`AppState::start_reloads`] keeps the model up to date with a
//! [`ModelSource`], which somebody else implements.

mod admin;
mod app;
mod body;
pub mod contract2024;
mod error;
mod health;
mod journal;
mod metrics;
mod model;
mod observe;
mod reap;
mod reload;
mod request_id;
mod secret;
mod serve;
mod settings;
mod shadow;
mod state;

pub use app::app;
pub use error::{ApiError, Cause};
pub use journal::{Amend, BusinessLog, Compactions, EventForm, RECORD_TARGET, Unkept};
pub use model::{Digest, ModelIdentity, ServedModel};
pub use reload::{
    BoxError, BoxFuture, LoadError, Loaded, Mark, ModelSource, Outcome, Prepare, Reload,
    ReloadEvent, ReloadObserver, ReloadStep, Role, SourceError,
};
pub use secret::Secret;
pub use serve::{ServeError, bind, serve, stop_signal};
pub use settings::{Limits, ReloadSettings, Settings, ShadowSettings, Share, ShareError};
pub use state::AppState;
