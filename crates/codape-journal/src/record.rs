//! What is kept of one coded declaration, and its JSON form.
//!
//! The form is one for all: the payload of a segment's frame, a line of
//! `codape journal show`, a line of the log on standard output. Times are
//! `2026-01-31T12:00:00.000000Z`; what is not known is left out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A business record: one declaration, what was answered, and by what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record<'a> {
    /// When it was coded.
    pub time: Time,
    /// Who asked, as the service knows the caller.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Cow<'a, str>>,
    /// The request that it came with.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Cow<'a, str>>,
    /// Its place among the declarations of the request, from 0.
    #[serde(default, skip_serializing_if = "is_first")]
    pub line: u32,
    /// What the caller calls the declaration.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Cow<'a, str>>,
    /// The description as it was received.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Cow<'a, str>>,
    /// The line that the model saw: the cleaned text and the variables.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub cleaned: Option<Cow<'a, str>>,
    /// The categorical variables that were given, by the names of the contract.
    #[serde(borrow, default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// The codes that were suggested, best first.
    #[serde(borrow)]
    pub suggestions: Vec<Suggested<'a>>,
    /// The first code and those above it, the highest level first.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Cow<'a, str>>,
    /// p1 − p2 of the two best probabilities.
    pub confidence_index: f64,
    /// The confidence index from which a code is assigned without a person.
    pub threshold: f64,
    /// Who assigns the code.
    pub decision: Decision,
    /// The rule that gave the code; none where the model did.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Cow<'a, str>>,
    /// The model that answered.
    #[serde(borrow)]
    pub model: ModelName<'a>,
    /// The time that the coding took, in microseconds; of one among others of a
    /// request, the time since the coding of the first began.
    pub latency_us: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_first(line: &u32) -> bool {
    *line == 0
}

/// A code that was suggested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suggested<'a> {
    /// The code, as the model has it.
    #[serde(borrow)]
    pub code: Cow<'a, str>,
    /// Its title, where the nomenclature knows the code.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Cow<'a, str>>,
    /// The model's probability.
    pub probability: f32,
}

/// How a model is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelName<'a> {
    /// Its name in the registry.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// Its version.
    #[serde(borrow)]
    pub version: Cow<'a, str>,
    /// The digest of its files, where it was known when the record was made.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Cow<'a, str>>,
}

/// Who assigns the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The first suggestion is the code.
    Automatic,
    /// A person chooses.
    Review,
}

impl Decision {
    /// `automatic` or `review`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Review => "review",
        }
    }
}

/// A moment: microseconds since 1970 in UTC, leap seconds not counted. From 1970
/// to the end of 9999: a clock that stands outside is taken for the nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// The last moment: `9999-12-31T23:59:59.999999Z`.
    pub const LAST: Self = Self(253_402_300_799_999_999);

    /// Now, as the system's clock has it.
    #[must_use]
    pub fn now() -> Self {
        Self::from(SystemTime::now())
    }

    /// A moment by its microseconds.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(0, Self::LAST.0))
    }

    /// Microseconds since 1970.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0
    }

    /// The day in UTC, as `2026-01-31`.
    #[must_use]
    pub fn date(self) -> String {
        let mut text = self.to_string();
        text.truncate("2026-01-31".len());
        text
    }

    fn system(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(self.0.unsigned_abs())
    }
}

impl From<SystemTime> for Time {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_micros(self.system()).fmt(f)
    }
}

impl FromStr for Time {
    type Err = humantime::TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        humantime::parse_rfc3339_weak(text).map(Self::from)
    }
}

impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A journal's own number: drawn by chance when its directory is made, so that
/// the records of two machines are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalId(pub u64);

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What names a record among all that there are: its journal and its sequence
/// number there, from 1, which no other record of the journal has. Numbers may be
/// missing: of records that could not be written, and that nobody was answered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    /// The journal.
    pub journal: JournalId,
    /// The place in it.
    pub sequence: u64,
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.journal, self.sequence)
    }
}

/// A record with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<'a> {
    /// Its name.
    pub id: RecordId,
    /// The record.
    pub record: Record<'a>,
}

impl RecordId {
    /// The JSON object of a record with its name before all: `{"id": …,
    /// "sequence": …, …}`. `payload` is the object without.
    #[must_use]
    pub fn json_line(self, payload: &str) -> String {
        let rest = payload.strip_prefix('{').unwrap_or(payload);
        let sequence = self.sequence;
        format!(r#"{{"id":"{self}","sequence":{sequence},{rest}"#)
    }
}

impl Record<'_> {
    /// Appends the record's JSON form to `buffer`.
    pub fn write_json(&self, buffer: &mut Vec<u8>) {
        serde_json::to_writer(buffer, self)
            .expect("memory takes what is written, and keys are strings");
    }
}

impl<'a> Record<'a> {
    /// Reads a record's JSON form.
    ///
    /// # Errors
    ///
    /// Where it is none.
    pub fn from_json(json: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A record with a value in every field.
    pub(crate) fn complete() -> Record<'static> {
        Record {
            time: "2026-01-31T23:59:59.000001Z".parse().unwrap(),
            caller: Some("sirene".into()),
            request_id: Some("r-1".into()),
            line: 3,
            reference: Some("J00012345678".into()),
            text: Some("Coiffure à \"domicile\"\n".into()),
            cleaned: Some("coiffur domicil".into()),
            variables: [("nature".into(), "01".into())].into(),
            suggestions: vec![Suggested {
                code: "9602A".into(),
                title: Some("Coiffure".into()),
                probability: 0.1,
            }],
            levels: ["S", "96", "960", "9602", "9602A"].map(Cow::from).to_vec(),
            confidence_index: 0.987_654_321,
            threshold: 0.8,
            decision: Decision::Automatic,
            rule: None,
            model: ModelName {
                name: "FastText-APE".into(),
                version: "7".into(),
                digest: Some("sha256:00".into()),
            },
            latency_us: 21,
        }
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let record = complete();
        let mut json = Vec::new();
        record.write_json(&mut json);
        assert_eq!(Record::from_json(&json).unwrap(), record);
        let line = RecordId {
            journal: JournalId(255),
            sequence: 7,
        }
        .json_line(std::str::from_utf8(&json).unwrap());
        assert!(
            line.starts_with(
                r#"{"id":"00000000000000ff-7","sequence":7,"time":"2026-01-31T23:59:59.000001Z","#
            ),
            "{line}"
        );
        assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok());
    }

    #[test]
    fn times_keep_to_four_digits_of_a_year() {
        assert_eq!(Time::from_micros(-5).date(), "1970-01-01");
        assert_eq!(Time::from_micros(i64::MAX), Time::LAST);
        assert_eq!(Time::LAST.to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(Time::LAST.to_string().parse::<Time>().unwrap(), Time::LAST);
        assert_eq!(Time::LAST.date(), "9999-12-31");
    }
}
