//! The registry client against a real MLflow server, and against servers that
//! do what they should not.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at what it does not expect"
)]

mod faults;
mod fetching;
mod flavor;
mod hostile;
mod mlflow_server;
mod official_clients;
mod resolving;
mod resuming;
mod stores;
