//! What of a record is kept of the people it tells about.
//!
//! Hashes are keyed: a description of activity is short and one of few, so that a
//! plain hash is found by trying.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::record::Record;

/// The bytes of a key at least.
const LEAST_KEY_BYTES: usize = 16;
/// The bytes of a hash that are kept.
const HASH_BYTES: usize = 16;

/// A field of records that may tell about people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonalField {
    /// The description as it was received.
    Text,
    /// The line that the model saw.
    Cleaned,
    /// Who asked.
    Caller,
    /// What the caller calls the declaration.
    Reference,
    /// The request.
    RequestId,
    /// The values of the variables; their names stay.
    Variables,
}

impl PersonalField {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Text,
        Self::Cleaned,
        Self::Caller,
        Self::Reference,
        Self::RequestId,
        Self::Variables,
    ];

    /// Its name in a record.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Cleaned => "cleaned",
            Self::Caller => "caller",
            Self::Reference => "reference",
            Self::RequestId => "request_id",
            Self::Variables => "variables",
        }
    }
}

/// What is done to a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Treatment {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is left out.
    Drop,
    /// The HMAC-SHA-256 of its value under the operator's key stands in its place:
    /// the first 16 bytes as 32 hexadecimal digits. Equal values stay equal.
    Hash,
}

/// A choice for one field: `text=drop`, `caller=hash`, `reference=keep`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The field.
    pub field: PersonalField,
    /// What is done to it.
    pub treatment: Treatment,
}

/// Why personal data cannot be treated as was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrivacyError {
    /// A choice has another form.
    #[error(
        "{choice:?} is no choice: expected FIELD=keep, FIELD=drop or FIELD=hash, with a field of {}",
        PersonalField::ALL.map(PersonalField::name).join(", ")
    )]
    Choice {
        /// What was given.
        choice: String,
    },
    /// Hashes were asked for, and no key is given.
    #[error("hashes need a key: short texts can be guessed from a hash without one")]
    NoKey,
    /// The key can be guessed.
    #[error("the key has {bytes} bytes, expected {LEAST_KEY_BYTES} at least")]
    ShortKey {
        /// Its bytes.
        bytes: usize,
    },
    /// The line that the model saw tells the text.
    #[error("the text is not kept, and the cleaned line, which tells it, is: choose for both")]
    TextInLine,
}

impl FromStr for Choice {
    type Err = PrivacyError;

    fn from_str(text: &str) -> Result<Self, PrivacyError> {
        let parse = || {
            let (name, treatment) = text.split_once('=')?;
            let treatment = match treatment.trim() {
                "keep" => Treatment::Keep,
                "drop" => Treatment::Drop,
                "hash" => Treatment::Hash,
                _ => return None,
            };
            let mut fields = PersonalField::ALL.into_iter();
            let field = fields.find(|field| field.name() == name.trim())?;
            Some(Self { field, treatment })
        };
        parse().ok_or_else(|| PrivacyError::Choice {
            choice: text.to_owned(),
        })
    }
}

/// What is done to the fields of records before they are written.
#[derive(Clone, Default)]
pub struct Privacy {
    treatments: [Treatment; PersonalField::ALL.len()],
    key: Option<Hmac<Sha256>>,
}

impl fmt::Debug for Privacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Privacy")
            .field("treatments", &self.treatments)
            .finish_non_exhaustive()
    }
}

impl Privacy {
    /// Makes the choices, the last of a field counting; fields without one are
    /// kept. `key` is the operator's.
    ///
    /// # Errors
    ///
    /// [`PrivacyError::NoKey`], [`PrivacyError::ShortKey`] and
    /// [`PrivacyError::TextInLine`].
    pub fn new(choices: &[Choice], key: Option<&[u8]>) -> Result<Self, PrivacyError> {
        let mut privacy = Self::default();
        for choice in choices {
            privacy.treatments[choice.field as usize] = choice.treatment;
        }
        if privacy.treatments.contains(&Treatment::Hash) {
            let key = key.ok_or(PrivacyError::NoKey)?;
            if key.len() < LEAST_KEY_BYTES {
                return Err(PrivacyError::ShortKey { bytes: key.len() });
            }
            privacy.key = Some(Hmac::new_from_slice(key).expect("HMAC takes keys of every length"));
        }
        let is_kept = |field| privacy.of(field) == Treatment::Keep;
        if !is_kept(PersonalField::Text) && is_kept(PersonalField::Cleaned) {
            return Err(PrivacyError::TextInLine);
        }
        Ok(privacy)
    }

    /// Whether every field is kept as it is.
    #[must_use]
    pub fn keeps_all(&self) -> bool {
        self.treatments == Self::default().treatments
    }

    /// Treats the fields of a record.
    pub fn apply(&self, record: &mut Record<'_>) {
        self.treat(PersonalField::Text, &mut record.text);
        self.treat(PersonalField::Cleaned, &mut record.cleaned);
        self.treat(PersonalField::Caller, &mut record.caller);
        self.treat(PersonalField::Reference, &mut record.reference);
        self.treat(PersonalField::RequestId, &mut record.request_id);
        match self.of(PersonalField::Variables) {
            Treatment::Keep => {}
            Treatment::Drop => record.variables.clear(),
            Treatment::Hash => {
                for value in record.variables.values_mut() {
                    *value = self.hash(value).into();
                }
            }
        }
    }

    fn of(&self, field: PersonalField) -> Treatment {
        self.treatments[field as usize]
    }

    fn treat(&self, field: PersonalField, value: &mut Option<Cow<'_, str>>) {
        match self.of(field) {
            Treatment::Keep => {}
            Treatment::Drop => *value = None,
            Treatment::Hash => {
                *value = value.as_deref().map(|value| self.hash(value).into());
            }
        }
    }

    fn hash(&self, value: &str) -> String {
        let key = self.key.as_ref().expect("hashes are asked for with a key");
        let hash = key.clone().chain_update(value).finalize().into_bytes();
        hex::encode(&hash[..HASH_BYTES])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::complete;

    fn privacy(choices: &[&str], key: Option<&str>) -> Result<Privacy, PrivacyError> {
        let choices: Result<Vec<Choice>, _> = choices.iter().map(|choice| choice.parse()).collect();
        Privacy::new(&choices?, key.map(str::as_bytes))
    }

    #[test]
    fn fields_are_kept_dropped_or_hashed() {
        let key = Some("0123456789abcdef");
        let choices = ["text=drop", "cleaned=drop", "caller=hash", "variables=hash"];
        let privacy = privacy(&choices, key).unwrap();
        let (before, mut record) = (complete(), complete());
        privacy.apply(&mut record);
        assert_eq!((&record.text, &record.cleaned), (&None, &None));
        assert_eq!(record.reference, before.reference);
        // printf %s sirene | openssl dgst -sha256 -hmac 0123456789abcdef
        assert_eq!(
            record.caller.as_deref(),
            Some("41f0aeb21111e55c40d73fc8f8b309ad")
        );
        assert_ne!(record.variables["nature"], before.variables["nature"]);
        let mut again = complete();
        privacy.apply(&mut again);
        assert_eq!(again, record);
        assert!(!format!("{privacy:?}").contains("0123456789abcdef"));
    }

    #[test]
    fn what_would_not_protect_is_refused() {
        let said = |choices: &[&str], key| privacy(choices, key).unwrap_err();
        assert_eq!(said(&["caller=hash"], None), PrivacyError::NoKey);
        let short = PrivacyError::ShortKey { bytes: 3 };
        assert_eq!(said(&["caller=hash"], Some("key")), short);
        assert_eq!(said(&["text=drop"], None), PrivacyError::TextInLine);
        for choice in ["text", "text=", "name=drop", "text=DROP"] {
            let error = choice.parse::<Choice>().unwrap_err();
            assert!(matches!(error, PrivacyError::Choice { .. }), "{choice}");
        }
        assert!(privacy(&[], None).unwrap().keeps_all());
    }
}
