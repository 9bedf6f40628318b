//! Statistical nomenclatures: trees of codes with their titles, levels, ancestors, and a search by words.
//!
//! A nomenclature is a table, not a program: one CSV file whose rows say `code`, `level`, `parent`,
//! `title` and, where a code is written otherwise than it is stored, `display`. NAF Rev. 2 comes with the
//! crate ([`Nomenclature::naf_rev2`]); any other country's or subject's is read with
//! [`Nomenclature::read`], and nothing here knows how a NAF code is made.
//!
//! ```
//! use codape_nomenclature::Nomenclature;
//!
//! let naf = Nomenclature::naf_rev2();
//! let entry = naf.get("56.10c").expect("a code of NAF Rev. 2");
//! assert_eq!((entry.code(), entry.display_code()), ("5610C", "56.10C"));
//! assert_eq!(entry.title(), "Restauration de type rapide");
//! assert_eq!(entry.level().name(), "subclass");
//!
//! let above: Vec<&str> = entry.ancestors().map(|ancestor| ancestor.code()).collect();
//! assert_eq!(above, ["5610", "561", "56", "I"]);
//!
//! let hits = naf.search("restauration rapide", 5);
//! assert_eq!(hits[0].entry.code(), "5610C");
//! ```
//!
//! # What it must not know
//! Models and their labels' prefixes, the cleaning of descriptions, HTTP, where files are kept. It
//! depends on no other crate of the workspace, and its types do not serialize themselves.

mod error;
mod fold;
mod search;
mod table;
mod tree;

pub use error::Error;
pub use search::{Hit, MAX_QUERY_BYTES, MAX_QUERY_WORDS};
pub use table::{MAX_CODE_BYTES, MAX_ROWS, MAX_TABLE_BYTES};
pub use tree::{Entry, EntryId, Level, MAX_LEVELS, Nomenclature};
