//! The data model of a cleaning profile: the JSON that a model package carries.
//!
//! Reading is strict. A member that is not known would be a cleaning option that is silently not
//! applied, and the model would then be asked about a text that it was not trained on.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::ProfileError;
use crate::stop_words;

/// An ordered list of cleaning steps, with the features that the model was trained with.
///
/// [`Cleaner`](crate::Cleaner) compiles it.
///
/// ```
/// let profile = codape_text::Profile::from_json(
///     r#"{"name": "plain", "steps": [{"op": "lowercase"}, {"op": "collapse_whitespace"}]}"#,
/// )?;
/// assert_eq!(profile.name, "plain");
/// # Ok::<(), codape_text::ProfileError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// What the profile is called.
    pub name: String,
    /// A remark for readers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The steps, in the order in which they are applied.
    pub steps: Vec<Step>,
    /// The features of the training data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Features>,
}

/// One cleaning step.
///
/// A *token* is a run of characters that are not white space, as Python's `str.split` sees it:
/// Unicode's `White_Space` and U+001C to U+001F. A step on tokens leaves one space between two
/// tokens and none at the ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Step {
    /// Turns the text into ASCII.
    Transliterate {
        /// `python-unidecode-1.3.8`.
        table: String,
    },
    /// Puts the text into lower case, with Unicode's full mapping.
    Lowercase {},
    /// Replaces every match of a regular expression, from left to right and without overlap.
    Replace {
        /// A pattern in Python's `re` syntax and with its meaning (leftmost-first alternation,
        /// Unicode classes), save look-around and back-references, which are refused. `$` matches
        /// at the very end only, not before a final line feed.
        pattern: String,
        /// What takes the place of a match: literal text.
        with: String,
    },
    /// Drops the tokens that are too short.
    DropTokensShorterThan {
        /// The fewest characters (Unicode scalar values) that a token may have.
        chars: usize,
    },
    /// Makes one space of each run of white space, and none of those at the ends.
    CollapseWhitespace {},
    /// Drops the tokens that repeat an earlier or a later one.
    DedupeTokens {
        /// Which of the equal tokens stays.
        keep: Keep,
    },
    /// Drops the tokens that are, letter for letter and case for case, in a list.
    RemoveStopwords {
        /// The lists; a token in any of them is dropped.
        lists: Vec<StopList>,
    },
    /// Replaces each token by its stem.
    Stem {
        /// `nltk-snowball-french`.
        algorithm: String,
    },
    /// Puts a separator between the tokens.
    Join {
        /// The separator.
        with: String,
    },
}

/// Which of several equal tokens stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Keep {
    /// The first.
    First,
}

/// A list of stop words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum StopList {
    /// A list that codape has: `nltk-french` and NLTK's for other languages, by their English
    /// name; `ascii-letters`, the 52 letters of ASCII.
    Named(String),
    /// The profile's own list.
    Words(OwnWords),
}

/// A list of stop words that the profile spells out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnWords {
    /// The words, as the tokens look by the time of the step.
    pub words: Vec<String>,
}

/// The features of the training data, in the names of the office that trained the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Features {
    /// The name of the text.
    pub text: String,
    /// The names of the categorical variables, in the order in which they follow the text.
    #[serde(default)]
    pub categorical: Vec<String>,
    /// How a line is put together, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// A profile before its steps are looked at, so that an error can name the step.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProfile {
    name: String,
    note: Option<String>,
    steps: Vec<serde_json::Value>,
    features: Option<Features>,
}

impl Profile {
    /// Reads a profile from its JSON text.
    ///
    /// # Errors
    ///
    /// [`ProfileError::Json`] for a text that is no profile at all; [`ProfileError::MissingOp`],
    /// [`ProfileError::UnknownOp`] and [`ProfileError::Step`] for a step that is none. Names of
    /// lists, tables and algorithms, and patterns, are looked at by
    /// [`Cleaner::new`](crate::Cleaner::new).
    pub fn from_json(json: &str) -> Result<Self, ProfileError> {
        // Files written on Windows may begin with a byte order mark.
        let json = json.strip_prefix('\u{feff}').unwrap_or(json);
        let raw: RawProfile =
            serde_json::from_str(json).map_err(|source| ProfileError::Json { source })?;
        let steps = raw
            .steps
            .into_iter()
            .enumerate()
            .map(|(step, value)| Step::from_value(step, value))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            name: raw.name,
            note: raw.note,
            steps,
            features: raw.features,
        })
    }

    /// Reads a profile from a file.
    ///
    /// # Errors
    ///
    /// [`ProfileError::Read`] if the file cannot be read, [`ProfileError::File`] with an error of
    /// [`from_json`](Self::from_json) in it otherwise.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ProfileError> {
        let path = path.as_ref();
        let json = std::fs::read_to_string(path).map_err(|source| ProfileError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::from_json(&json).map_err(|source| ProfileError::File {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// The same profile with the words of each [`StopList::Named`] spelled out, for a program that
    /// does not have these lists. It cleans as this one does. A name that codape does not know
    /// stays; [`Cleaner::new`](crate::Cleaner::new) refuses it.
    #[must_use]
    pub fn with_own_words(&self) -> Self {
        let mut profile = self.clone();
        for step in &mut profile.steps {
            if let Step::RemoveStopwords { lists } = step {
                for list in lists {
                    if let StopList::Named(name) = list
                        && let Some(words) = stop_words::named(name)
                    {
                        *list = StopList::Words(OwnWords { words });
                    }
                }
            }
        }
        profile
    }
}

impl Step {
    /// Every `op` there is.
    pub const OPS: &'static [&'static str] = &[
        "transliterate",
        "lowercase",
        "replace",
        "drop_tokens_shorter_than",
        "collapse_whitespace",
        "dedupe_tokens",
        "remove_stopwords",
        "stem",
        "join",
    ];

    /// The step's `op` in JSON.
    #[must_use]
    pub fn op(&self) -> &'static str {
        match self {
            Self::Transliterate { .. } => "transliterate",
            Self::Lowercase {} => "lowercase",
            Self::Replace { .. } => "replace",
            Self::DropTokensShorterThan { .. } => "drop_tokens_shorter_than",
            Self::CollapseWhitespace {} => "collapse_whitespace",
            Self::DedupeTokens { .. } => "dedupe_tokens",
            Self::RemoveStopwords { .. } => "remove_stopwords",
            Self::Stem { .. } => "stem",
            Self::Join { .. } => "join",
        }
    }

    fn from_value(step: usize, value: serde_json::Value) -> Result<Self, ProfileError> {
        let Some(found) = value.get("op").and_then(serde_json::Value::as_str) else {
            return Err(ProfileError::MissingOp { step });
        };
        let Some(op) = Self::OPS.iter().copied().find(|&op| op == found) else {
            let op = found.to_owned();
            return Err(ProfileError::UnknownOp {
                step,
                op,
                known: Self::OPS,
            });
        };
        serde_json::from_value(value).map_err(|source| ProfileError::Step { step, op, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(json: &str) -> Result<Vec<Step>, ProfileError> {
        Profile::from_json(&format!(r#"{{"name": "t", "steps": {json}}}"#)).map(|p| p.steps)
    }

    #[test]
    fn every_op_is_read_and_written_back() {
        let json = r#"{"name":"t","note":"n","steps":[
            {"op":"transliterate","table":"python-unidecode-1.3.8"},{"op":"lowercase"},
            {"op":"replace","pattern":"a","with":"b"},{"op":"drop_tokens_shorter_than","chars":2},
            {"op":"collapse_whitespace"},{"op":"dedupe_tokens","keep":"first"},
            {"op":"remove_stopwords","lists":["nltk-french",{"words":["zz"]}]},
            {"op":"stem","algorithm":"nltk-snowball-french"},{"op":"join","with":" "}],
            "features":{"text":"t","categorical":["a","b"],"format":"f"}}"#;
        let profile = Profile::from_json(json).unwrap();
        assert_eq!(
            profile.steps.iter().map(Step::op).collect::<Vec<_>>(),
            Step::OPS
        );
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_value(&profile).unwrap(), value);
    }

    #[test]
    fn named_lists_are_spelled_out() {
        let json = r#"{"name":"t","steps":[{"op":"lowercase"},{"op":"remove_stopwords",
            "lists":["ascii-letters",{"words":["zz"]},"nltk-french","nltk-klingon"]}]}"#;
        let profile = Profile::from_json(json).unwrap().with_own_words();
        let Step::RemoveStopwords { lists } = &profile.steps[1] else {
            panic!("{profile:?}")
        };
        let own = |list: &StopList| match list {
            StopList::Words(own) => own.words.clone(),
            StopList::Named(name) => panic!("{name}"),
        };
        assert_eq!(own(&lists[0]).concat().len(), 52);
        assert_eq!(own(&lists[1]), ["zz"]);
        assert_eq!(own(&lists[2]).len(), 157);
        assert_eq!(lists[3], StopList::Named("nltk-klingon".into()));
        let written = serde_json::to_string(&profile).unwrap();
        assert_eq!(Profile::from_json(&written).unwrap(), profile);
    }

    #[test]
    fn an_unknown_op_is_named_with_its_step() {
        let error = steps(r#"[{"op":"lowercase"},{"op":"lemmatise"}]"#).unwrap_err();
        assert!(matches!(&error, ProfileError::UnknownOp { step: 1, op, .. } if op == "lemmatise"));
        let text = error.to_string();
        assert!(
            text.starts_with("steps[1] has the unknown op `lemmatise`; known are "),
            "{text}"
        );
    }

    #[test]
    fn members_that_are_not_known_are_refused() {
        for (json, expected) in [
            (
                r#"[{"op":"lowercase","locale":"tr"}]"#,
                "unknown field `locale`",
            ),
            (
                r#"[{"op":"join","with":" ","last":"et"}]"#,
                "unknown field `last`",
            ),
            (
                r#"[{"op":"dedupe_tokens","keep":"last"}]"#,
                "unknown variant `last`",
            ),
            (
                r#"[{"op":"drop_tokens_shorter_than","chars":-1}]"#,
                "invalid value",
            ),
            (
                r#"[{"op":"remove_stopwords","lists":[{"words":[],"x":1}]}]"#,
                "did not match",
            ),
        ] {
            let error = steps(json).unwrap_err();
            let ProfileError::Step {
                step: 0, source, ..
            } = &error
            else {
                panic!("{error:?}")
            };
            assert!(source.to_string().contains(expected), "{source}");
        }
        assert!(matches!(
            steps(r#"[{"table":"x"}]"#),
            Err(ProfileError::MissingOp { step: 0 })
        ));
        assert!(matches!(
            Profile::from_json(r#"{"name":"t","steps":[],"locale":"fr"}"#),
            Err(ProfileError::Json { .. })
        ));
    }

    #[test]
    fn a_file_is_named_in_its_errors() {
        let error = Profile::read("no/such/profile.json").unwrap_err();
        assert!(matches!(error, ProfileError::Read { .. }));
        assert_eq!(
            error.to_string(),
            "cannot read the cleaning profile no/such/profile.json"
        );
    }
}
