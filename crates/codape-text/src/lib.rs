//! Text cleaning as data: an ordered list of steps, carried with the model that was trained on what
//! they make of a text, compiled once and then applied to each description.
//!
//! ```
//! use codape_text::{Cleaner, Profile};
//!
//! let profile = Profile::from_json(
//!     r#"{"name": "demo", "steps": [
//!         {"op": "transliterate", "table": "python-unidecode-1.3.8"},
//!         {"op": "lowercase"},
//!         {"op": "replace", "pattern": "[^\\w\\s]", "with": " "},
//!         {"op": "remove_stopwords", "lists": ["nltk-french", "ascii-letters"]},
//!         {"op": "stem", "algorithm": "nltk-snowball-french"},
//!         {"op": "join", "with": " "}
//!     ]}"#,
//! )?;
//! let cleaner = Cleaner::new(&profile)?;
//! assert_eq!(cleaner.clean("Élevage d'autres bœufs & réparation"), "elevag autr boeuf repar");
//! # Ok::<(), codape_text::ProfileError>(())
//! ```
//!
//! The steps are those of Python pipelines, and equal to them letter for letter, since a model asked
//! about another text than it was trained on gives another answer:
//!
//! - transliteration: Unidecode 1.3.8, for every code point ([`transliterate`]);
//! - stemming: NLTK 3.9.1's `SnowballStemmer("french")` ([`stem_french`]);
//! - stop words: NLTK's lists;
//! - patterns and white space: Python's `re` and `str.split` (see [`Step::Replace`] for what is
//!   refused).
//!
//! This crate knows texts and nothing else. It must not know of models or labels, of codes and
//! nomenclatures, of HTTP or of where profiles are kept.

mod cleaner;
mod error;
mod pattern;
mod profile;
mod stemming;
mod stop_words;
mod tokens;
mod transliteration;

pub use cleaner::{Cleaner, Scratch};
pub use error::ProfileError;
pub use profile::{Features, Keep, OwnWords, Profile, Step, StopList};
pub use stemming::stem_french;
pub use transliteration::{transliterate, transliterate_char};
