//! The service as its clients see it.

#![allow(clippy::unwrap_used, reason = "all of a test is test code")]

mod admin;
mod contract;
mod journal;
mod limits;
mod log;
mod metrics;
mod reload;
mod replay;
mod shadow;
mod sockets;
mod source;
mod support;
