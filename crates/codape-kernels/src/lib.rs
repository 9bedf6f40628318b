//! The arithmetic and the memory mapping under codape: the only crate of the
//! workspace with `unsafe` code.
//!
//! It knows slices of numbers and of bytes. It must not know what a model, a
//! dictionary or a label is, nor the layout of any file.
//!
//! Two promises hold for every kernel here:
//!
//! * **One answer everywhere** (but in [`minibatch`], the arithmetic of
//!   training). Sums run in the order of the index, products
//!   are rounded before they are added (no fused multiply-add), so that every
//!   instruction set gives the same bits as the scalar code, and as the
//!   official fastText built for plain x86-64. Speed comes from computing
//!   several sums side by side, never from splitting one.
//! * **Any alignment.** Numbers that come from a file are taken as
//!   little-endian bytes, at whatever offset the file has them.

mod bytes;
mod dots;
mod exponentials;
mod isa;
mod maxima;
pub mod minibatch;
mod nearest;
mod numbers;
mod panels;
mod prefetch;
mod rows;

pub use bytes::{Access, FileBytes};
pub use dots::{dot_rows, dot_rows_fused};
pub use exponentials::exponentials;
pub use isa::Isa;
pub use maxima::{BLOCK, block_maxima};
pub use nearest::Codebook;
pub use numbers::{LargePages, Numbers};
pub use panels::Panels;
pub use rows::{add_bf16_rows, add_int8_rows, add_rows};
