//! The service as its clients see it.

#![allow(clippy::unwrap_used, reason = "all of a test is test code")]

mod contract;
mod limits;
mod replay;
mod sockets;
mod support;
