//! Packages on disk and the codes that come out of them.

mod coding;
mod package;
mod support;
