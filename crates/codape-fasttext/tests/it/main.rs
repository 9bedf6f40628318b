//! The engine against the official program, against itself, and against files
//! that mean it harm.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at what it does not expect"
)]

mod autotune;
mod compare;
mod consistency;
mod damage;
mod edges;
mod fuzz_body;
mod hostile;
mod meter;
mod packed;
mod parity;
mod quantize;
mod train;
mod train_reference;
