//! Packages on disk and the codes that come out of them.

#![allow(clippy::unwrap_used, reason = "all of a test is test code")]

mod coding;
mod golden;
mod package;
mod support;
