//! codape-text against what it must equal.

// Clippy's leave for tests does not reach the functions that tests share.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod conformance;
mod properties;
mod reference;
mod stemming;
mod transliteration;
