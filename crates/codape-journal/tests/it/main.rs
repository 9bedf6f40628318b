//! Tests of the journal from outside.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod archive;
mod journal;
mod power;
