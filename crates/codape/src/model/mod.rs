//! Models of a registry in the service: found, fetched, opened, tried.

mod ledger;
mod open;
mod source;

pub use ledger::ServiceLedger;
pub use open::{Missing, open};
pub use source::{RegistrySource, Start};
