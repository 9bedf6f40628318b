//! Tests of the journal from outside.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod journal;
mod power;
