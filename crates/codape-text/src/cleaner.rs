//! A profile compiled, and applied to texts.

use crate::error::ProfileError;
use crate::pattern::{Alphabet, Replacer};
use crate::profile::{Keep, Profile, Step};
use crate::stemming::{self, StemScratch, Stemmer};
use crate::stop_words::{self, StopWords};
use crate::tokens::{self, Token};
use crate::transliteration;

/// The only transliteration table.
const UNIDECODE: &str = "python-unidecode-1.3.8";

/// The most that the steps of a profile may multiply the length of a text by, in bytes. Insee's
/// profile: 6.
const GROWTH_LIMIT: u32 = 1000;

/// A compiled cleaning profile.
///
/// Cheap to share between threads and never changed by cleaning. Time is linear in the text; the
/// cleaned text is at most 1,000 times as long as the text, whatever the profile (a profile that
/// could make more of it is refused). Any text can be cleaned, and an empty result is a result.
#[derive(Debug)]
pub struct Cleaner {
    name: String,
    operations: Vec<Operation>,
}

/// What the compiled steps do. The text is one of two things at any time: text, or the places of
/// tokens in it. [`Operation::Split`] and [`Operation::Join`] lead from one to the other, and the
/// operations behind a split up to the join are on tokens.
#[derive(Debug)]
enum Operation {
    Transliterate,
    LowercaseAscii,
    LowercaseUnicode,
    Replace(Replacer),
    Split,
    DropShorterThan(usize),
    KeepFirst,
    RemoveStopWords(StopWords),
    Stem(Stemmer),
    Join(String),
}

/// Buffers that are kept from one text to the next, so that cleaning allocates nothing once they
/// have grown. Each thread has its own.
#[derive(Debug, Default)]
pub struct Scratch {
    text: Vec<u8>,
    spare: Vec<u8>,
    tokens: Vec<Token>,
    order: Vec<usize>,
    stem: StemScratch,
}

impl Cleaner {
    /// Compiles a profile.
    ///
    /// # Errors
    ///
    /// [`ProfileError::UnknownName`] for a table, list or algorithm that there is not,
    /// [`ProfileError::Pattern`] and [`ProfileError::Replacement`] for a `replace` step that cannot
    /// be honoured, [`ProfileError::Growth`] for steps that could blow a text up.
    pub fn new(profile: &Profile) -> Result<Self, ProfileError> {
        let mut compiler = Compiler::default();
        for (step, definition) in profile.steps.iter().enumerate() {
            compiler.add(step, definition)?;
        }
        compiler.enter_text(" ");
        Ok(Self {
            name: profile.name.clone(),
            operations: compiler.operations,
        })
    }

    /// The profile's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cleaned text.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        let mut out = String::new();
        self.clean_into(text, &mut Scratch::default(), &mut out);
        out
    }

    /// The cleaned text, in place of what `out` held.
    pub fn clean_into(&self, text: &str, scratch: &mut Scratch, out: &mut String) {
        scratch.text.clear();
        scratch.text.extend_from_slice(text.as_bytes());
        for operation in &self.operations {
            operation.apply(scratch);
        }
        out.clear();
        out.push_str(valid(&scratch.text));
    }
}

/// The bytes as text: every operation takes and leaves valid UTF-8.
fn valid(bytes: &[u8]) -> &str {
    let text = std::str::from_utf8(bytes);
    debug_assert!(text.is_ok());
    text.unwrap_or_default()
}

impl Operation {
    fn apply(&self, scratch: &mut Scratch) {
        let Scratch {
            text,
            spare,
            tokens,
            order,
            stem,
        } = scratch;
        match self {
            Self::Transliterate => {
                if !text.is_ascii() {
                    spare.clear();
                    transliteration::transliterate_into(valid(text), spare);
                    std::mem::swap(text, spare);
                }
            }
            Self::LowercaseAscii => text.make_ascii_lowercase(),
            Self::LowercaseUnicode => {
                if text.is_ascii() {
                    text.make_ascii_lowercase();
                } else {
                    let lower = valid(text).to_lowercase();
                    text.clear();
                    text.extend_from_slice(lower.as_bytes());
                }
            }
            Self::Replace(replacer) => replacer.replace(text, spare),
            Self::Split => tokens::split(text, tokens),
            Self::DropShorterThan(chars) => tokens::drop_shorter_than(text, tokens, *chars),
            Self::KeepFirst => tokens::dedupe(text, tokens, order),
            Self::RemoveStopWords(words) => tokens::remove_stop_words(text, tokens, words),
            Self::Stem(stemmer) => {
                spare.clear();
                for token in tokens {
                    let start = spare.len();
                    stemmer.stem_into(&text[token.start..token.end], stem, spare);
                    *token = Token {
                        start,
                        end: spare.len(),
                    };
                }
                std::mem::swap(text, spare);
            }
            Self::Join(separator) => {
                tokens::join(text, tokens, separator.as_bytes(), spare);
                std::mem::swap(text, spare);
            }
        }
    }
}

/// The state between two steps while a profile is compiled.
struct Compiler {
    operations: Vec<Operation>,
    /// Whether the last operation left tokens.
    in_tokens: bool,
    alphabet: Alphabet,
    /// The most that the text's length may have been multiplied by so far.
    growth: f64,
}

impl Default for Compiler {
    fn default() -> Self {
        Self {
            operations: Vec::new(),
            in_tokens: false,
            alphabet: Alphabet::Unicode,
            growth: 1.0,
        }
    }
}

impl Compiler {
    fn add(&mut self, step: usize, definition: &Step) -> Result<(), ProfileError> {
        let op = definition.op();
        let unknown = |what, name: &str, known: Vec<String>| ProfileError::UnknownName {
            step,
            op,
            what,
            name: name.to_owned(),
            known,
        };
        match definition {
            Step::Transliterate { table } => {
                if table != UNIDECODE {
                    return Err(unknown("table", table, vec![UNIDECODE.to_owned()]));
                }
                self.text(Operation::Transliterate);
                if self.alphabet == Alphabet::Unicode {
                    self.growth *= f64::from(transliteration::MAX_GROWTH);
                }
                self.alphabet = Alphabet::Ascii;
            }
            Step::Lowercase {} => match self.alphabet {
                Alphabet::Ascii => self.text(Operation::LowercaseAscii),
                Alphabet::Unicode => {
                    // U+0130, two bytes, becomes three; U+023A, two bytes, becomes three.
                    self.growth *= 1.5;
                    self.text(Operation::LowercaseUnicode);
                }
            },
            Step::Replace { pattern, with } => {
                if with.contains('\\') {
                    return Err(ProfileError::Replacement { step });
                }
                let replacer = Replacer::new(pattern, with, self.alphabet)
                    .map_err(|source| ProfileError::Pattern { step, source })?;
                self.growth *= replacer.growth();
                self.text(Operation::Replace(replacer));
                self.widen(with);
            }
            Step::DropTokensShorterThan { chars } => {
                self.tokens(Operation::DropShorterThan(*chars));
            }
            Step::CollapseWhitespace {} => self.enter_tokens(),
            Step::DedupeTokens { keep: Keep::First } => self.tokens(Operation::KeepFirst),
            Step::RemoveStopwords { lists } => {
                let words = StopWords::new(lists)
                    .map_err(|name| unknown("list", &name, stop_words::names()))?;
                self.tokens(Operation::RemoveStopWords(words));
            }
            Step::Stem { algorithm } => {
                let stemmer = Stemmer::from_name(algorithm).ok_or_else(|| {
                    let known = stemming::ALGORITHMS
                        .iter()
                        .map(ToString::to_string)
                        .collect();
                    unknown("algorithm", algorithm, known)
                })?;
                if self.alphabet == Alphabet::Unicode {
                    // The stemmer lower-cases.
                    self.growth *= 1.5;
                }
                self.tokens(Operation::Stem(stemmer));
            }
            Step::Join { with } => {
                self.enter_tokens();
                // At most every other byte is between two tokens.
                self.growth *= 1.0 + with.len().saturating_sub(1) as f64 / 2.0;
                self.enter_text(with);
                self.widen(with);
            }
        }
        if self.growth > f64::from(GROWTH_LIMIT) {
            return Err(ProfileError::Growth {
                step,
                op,
                limit: GROWTH_LIMIT,
            });
        }
        Ok(())
    }

    /// Notes that `with` may now be part of the text.
    fn widen(&mut self, with: &str) {
        if !with.is_ascii() {
            self.alphabet = Alphabet::Unicode;
        }
    }

    fn text(&mut self, operation: Operation) {
        self.enter_text(" ");
        self.operations.push(operation);
    }

    fn tokens(&mut self, operation: Operation) {
        self.enter_tokens();
        self.operations.push(operation);
    }

    fn enter_text(&mut self, separator: &str) {
        if std::mem::take(&mut self.in_tokens) {
            self.operations.push(Operation::Join(separator.to_owned()));
        }
    }

    fn enter_tokens(&mut self) {
        if !std::mem::replace(&mut self.in_tokens, true) {
            self.operations.push(Operation::Split);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaner(steps: &str) -> Result<Cleaner, ProfileError> {
        let json = format!(r#"{{"name": "t", "steps": {steps}}}"#);
        Cleaner::new(&Profile::from_json(&json).unwrap())
    }

    #[test]
    fn steps_work_with_and_without_transliteration() {
        let clean = |steps, text| cleaner(steps).unwrap().clean(text);
        assert_eq!(clean("[]", " À  b "), " À  b ");
        assert_eq!(clean(r#"[{"op":"lowercase"}]"#, "ÀΣ İ"), "àς i\u{307}");
        assert_eq!(
            clean(r#"[{"op":"collapse_whitespace"}]"#, "\u{a0} À \x1f b "),
            "À b"
        );
        assert_eq!(clean(r#"[{"op":"join","with":"–"}]"#, " À  b "), "À–b");
        assert_eq!(
            clean(
                r#"[{"op":"stem","algorithm":"nltk-snowball-french"},
                    {"op":"replace","pattern":"r ","with":"R_"},
                    {"op":"dedupe_tokens","keep":"first"}]"#,
                "Réparer réparations  naïvement  naïves, naïve"
            ),
            "répaR_répaR_naïv naïves, naïv"
        );
        assert_eq!(
            clean(
                r#"[{"op":"join","with":"é"},{"op":"remove_stopwords","lists":[{"words":["aéb"]}]}]"#,
                "a b"
            ),
            ""
        );
    }

    #[test]
    fn names_that_there_are_not_are_refused() {
        for (steps, expected) in [
            (
                r#"[{"op":"transliterate","table":"icu"}]"#,
                "steps[0] (`transliterate`) names the unknown table `icu`; \
                 known are python-unidecode-1.3.8",
            ),
            (
                r#"[{"op":"lowercase"},{"op":"stem","algorithm":"porter"}]"#,
                "steps[1] (`stem`) names the unknown algorithm `porter`; \
                 known are nltk-snowball-french",
            ),
            (
                r#"[{"op":"remove_stopwords","lists":["french"]}]"#,
                "steps[0] (`remove_stopwords`) names the unknown list `french`; \
                 known are ascii-letters, nltk-albanian, ",
            ),
            (
                r#"[{"op":"replace","pattern":"(","with":""}]"#,
                "steps[0] (`replace`) has a pattern that cannot be compiled",
            ),
            (
                r#"[{"op":"replace","pattern":"(a)","with":"\\1"}]"#,
                "steps[0] (`replace`) has a backslash in `with`",
            ),
        ] {
            let error = cleaner(steps).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn a_profile_that_blows_texts_up_is_refused() {
        let double = r#"{"op":"replace","pattern":"a","with":"aa"}"#;
        let steps = |count| format!("[{}]", vec![double; count].join(","));
        assert_eq!(cleaner(&steps(9)).unwrap().clean("a").len(), 512);
        let error = cleaner(&steps(40)).unwrap_err();
        assert!(matches!(error, ProfileError::Growth { step: 9, .. }));
    }

    #[test]
    fn cleaners_are_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Cleaner>();
    }
}
