//! The HTTP service: the contract that Sirene calls since 2024, over a
//! [`Coder`](codape_coder::Coder).
//!
//! It knows HTTP, JSON and the shapes of the contracts. It must not know how a
//! text is cleaned, how a model predicts, or where a model package came from;
//! nor does it read arguments or the environment.
//!
//! [`app`] gives the router, which tests call without a socket; [`serve`] puts
//! it behind a listener with deadlines, a limit of connections and an orderly
//! stop.

mod app;
mod body;
pub mod contract2024;
mod error;
mod health;
mod observe;
mod serve;
mod settings;
mod state;

pub use app::app;
pub use error::{ApiError, Cause};
pub use serve::{ServeError, bind, serve, stop_signal};
pub use settings::{Limits, Settings};
pub use state::{AppState, ModelIdentity};
