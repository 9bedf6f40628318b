//! The stemmers that a profile can name.

pub(crate) mod french;
mod suffixes;

use french::FrenchScratch;

/// Algorithm names that a `stem` step accepts.
pub(crate) const ALGORITHMS: &[&str] = &["nltk-snowball-french"];

/// A stemming algorithm, resolved from its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stemmer {
    /// NLTK 3.9.1's `SnowballStemmer("french")`.
    NltkFrench,
}

impl Stemmer {
    /// The algorithm of that name, if there is one; [`ALGORITHMS`] lists them.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "nltk-snowball-french" => Some(Self::NltkFrench),
            _ => None,
        }
    }

    /// Appends the stem of `word`. An ASCII word has an ASCII stem, and no stem is longer than the
    /// lower-cased word.
    pub(crate) fn stem_into(self, word: &[u8], scratch: &mut StemScratch, out: &mut Vec<u8>) {
        match self {
            Self::NltkFrench => scratch.french.stem_into(word, out),
        }
    }
}

/// Buffers that the stemmers reuse from word to word.
#[derive(Debug, Default)]
pub(crate) struct StemScratch {
    french: FrenchScratch,
}

/// The French stem of a word, as NLTK 3.9.1's `SnowballStemmer("french")` gives it.
///
/// The word is lower-cased first, as there. Each call allocates; a [`Cleaner`](crate::Cleaner)
/// with a `stem` step does not.
///
/// ```
/// assert_eq!(codape_text::stem_french("boulangeries"), "boulanger");
/// assert_eq!(codape_text::stem_french("réparation"), "répar");
/// ```
#[must_use]
pub fn stem_french(word: &str) -> String {
    let mut out = Vec::new();
    FrenchScratch::default().stem_into(word.as_bytes(), &mut out);
    String::from_utf8(out).unwrap_or_default()
}
