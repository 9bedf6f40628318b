//! Packages made of small tables.

#![allow(clippy::unwrap_used, reason = "all of a test is test code")]

mod errors;
mod package;
mod support;
