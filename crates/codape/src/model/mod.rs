//! Models of a registry in the service: found, fetched, opened, tried.

mod ledger;
mod open;
mod source;

pub use ledger::ServiceLedger;
pub use open::{Missing, try_out};
pub use source::{RegistrySource, Start};
