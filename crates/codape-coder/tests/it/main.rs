//! Packages on disk and the codes that come out of them.

#![allow(clippy::unwrap_used, reason = "the helpers of a test are test code")]

mod coding;
mod package;
mod support;
