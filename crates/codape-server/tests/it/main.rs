//! The service as its clients see it.

#![allow(clippy::unwrap_used, reason = "the helpers of a test are test code")]

mod contract;
mod limits;
mod replay;
mod sockets;
mod support;
