//! codape-text against what it must equal.

mod conformance;
mod properties;
mod reference;
mod stemming;
mod transliteration;
