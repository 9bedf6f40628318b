//! A model in service: its coder, how it is called, and how answers name it.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use codape_coder::{Coder, Metrics};

use crate::contract2024::Features;

/// The headers by which every answer of a coding route names its model.
static MODEL: HeaderName = HeaderName::from_static("codape-model");
static MODEL_VERSION: HeaderName = HeaderName::from_static("codape-model-version");
static MODEL_DIGEST: HeaderName = HeaderName::from_static("codape-model-digest");

/// The bytes of a name in a header: whoever names models must not make answers
/// larger than clients take.
const MAX_LABEL_BYTES: usize = 256;

/// How the model that answers is called.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelIdentity {
    /// The name in the registry.
    pub name: String,
    /// The version, as exactly as it is known: a number where a registry counts.
    pub version: String,
    /// The version as it was asked for, such as a stage or an alias, which is
    /// what the contract of 2024 tells; empty where that is the version.
    pub asked: String,
    /// What was measured when the model was trained.
    pub metrics: Metrics,
    /// The URI that the model was asked by; empty where there was none. No
    /// route tells it: observers of reloads do.
    pub source: String,
    /// What the model's bytes are.
    pub digest: Digest,
}

/// The digest of a model (`sha256:…`), which may become known only after the
/// model answers: a gigabyte takes seconds to read. A clone is the same digest.
#[derive(Clone, Default)]
pub struct Digest(Arc<OnceLock<(String, HeaderValue)>>);

impl Digest {
    /// A digest that is known.
    #[must_use]
    pub fn known(text: impl Into<String>) -> Self {
        let digest = Self::default();
        digest.set(text);
        digest
    }

    /// Says what the digest is; from the next answer on, headers tell it. What
    /// was said first stays.
    pub fn set(&self, text: impl Into<String>) {
        let text = text.into();
        self.0.get_or_init(|| {
            let header = header_value(&text);
            (text, header)
        });
    }

    /// The digest, once it is known.
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        self.0.get().map(|(text, _)| text.as_str())
    }

    fn header(&self) -> Option<&HeaderValue> {
        self.0.get().map(|(_, header)| header)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Digest").field(&self.get()).finish()
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

/// A model as requests use it: what depends on the coder comes and goes with it.
#[derive(Debug)]
pub struct ServedModel {
    coder: Arc<Coder>,
    identity: ModelIdentity,
    features: Features,
    name: HeaderValue,
    version: HeaderValue,
    serial: u64,
}

impl ServedModel {
    /// A model that answers with `coder`.
    ///
    /// Says in the log which features of the package the contract of 2024 has
    /// no value for, and which codes have no title.
    #[must_use]
    pub fn new(coder: Arc<Coder>, identity: ModelIdentity) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let unknown: Vec<&str> = coder.unknown_codes().collect();
        if !unknown.is_empty() {
            tracing::warn!(codes = ?unknown, "the nomenclature has no title for codes of the model");
        }
        Self {
            features: Features::of(&coder),
            coder,
            name: header_value(&identity.name),
            version: header_value(&identity.version),
            identity,
            serial: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// The coder that answers.
    #[must_use]
    pub fn coder(&self) -> &Coder {
        &self.coder
    }

    /// How the model is called.
    #[must_use]
    pub fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    /// Where the contract's variables go in a declaration for this coder.
    pub(crate) fn features(&self) -> &Features {
        &self.features
    }

    /// A number that no other model of this process has.
    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    /// Name, version and digest as headers and metrics tell them, the digest
    /// empty while it is unknown.
    pub(crate) fn labels(&self) -> [&str; 3] {
        [
            as_text(&self.name),
            as_text(&self.version),
            self.identity.digest.header().map_or("", as_text),
        ]
    }

    /// `answer`, with the headers that name this model and a note for the log.
    pub(crate) fn sign(self: Arc<Self>, answer: impl IntoResponse) -> Response {
        let mut response = answer.into_response();
        let headers = response.headers_mut();
        headers.insert(&MODEL, self.name.clone());
        headers.insert(&MODEL_VERSION, self.version.clone());
        if let Some(digest) = self.identity.digest.header() {
            headers.insert(&MODEL_DIGEST, digest.clone());
        }
        response.extensions_mut().insert(AnsweredBy(self));
        response
    }
}

/// The model that gave an answer, in the answer's extensions until it is logged.
#[derive(Debug, Clone)]
pub(crate) struct AnsweredBy(pub(crate) Arc<ServedModel>);

/// Any text as a header's value: what is not printable ASCII, and `%`, as `%XX`.
fn header_value(text: &str) -> HeaderValue {
    let mut safe = String::with_capacity(text.len().min(MAX_LABEL_BYTES));
    for byte in text.bytes() {
        if safe.len() >= MAX_LABEL_BYTES {
            break;
        }
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            safe.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(safe, "%{byte:02X}");
        }
    }
    HeaderValue::try_from(safe).expect("printable ASCII is a header's value")
}

fn as_text(header: &HeaderValue) -> &str {
    header
        .to_str()
        .expect("the value was made of printable ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_is_a_header() {
        for (name, header) in [
            ("naf-rev2 (bundled)", "naf-rev2 (bundled)"),
            ("modèle", "mod%C3%A8le"),
            (
                "100 %\r\nset-cookie: a=b\0",
                "100 %25%0D%0Aset-cookie: a=b%00",
            ),
            ("", ""),
        ] {
            assert_eq!(header_value(name), header);
        }
        let long = header_value(&"é".repeat(10_000));
        assert!(long.len() <= MAX_LABEL_BYTES + 2);
    }

    #[test]
    fn what_was_said_first_of_a_digest_stays() {
        let digest = Digest::default();
        let clone = digest.clone();
        assert_eq!(digest.get(), None);
        clone.set("sha256:a");
        digest.set("sha256:b");
        assert_eq!(digest.get(), Some("sha256:a"));
        assert_eq!(digest, Digest::known("sha256:a"));
    }
}
