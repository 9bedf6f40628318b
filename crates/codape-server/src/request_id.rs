//! The name of a request: the client's, or one that is made.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The header that a client names its request with, and that the answer repeats.
pub(crate) static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The bytes that a client may say in a header which is kept.
const MAX_BYTES: usize = 128;

/// The name of a request: at most 128 visible ASCII characters.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// The client's name of the request, if it is one that can be kept; else 32
    /// hexadecimal digits that are drawn by chance.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        if let Some(value) = headers.get(&REQUEST_ID)
            && word(value).is_some()
        {
            return Self(value.clone());
        }
        let made = format!("{:032x}", fastrand::u128(..));
        Self(HeaderValue::try_from(made).expect("hexadecimal digits are a header's value"))
    }

    pub(crate) fn as_str(&self) -> &str {
        word(&self.0).expect("it was looked at when it was taken")
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// The request's name, where the log's layer gave it one.
impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let given = parts.extensions.get::<Self>().cloned();
        Ok(given.unwrap_or_else(|| Self::of(&parts.headers)))
    }
}

/// A value that can be kept: one short word of visible ASCII.
pub(crate) fn word(value: &HeaderValue) -> Option<&str> {
    let bytes = value.as_bytes();
    let is_word = (1..=MAX_BYTES).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    is_word.then(|| value.to_str().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_where_it_is_a_word() {
        let of = |value: &[u8]| {
            let value = HeaderValue::from_bytes(value).unwrap();
            RequestId::of(&HeaderMap::from_iter([(REQUEST_ID.clone(), value)]))
        };
        assert_eq!(of(b"a-1/x").as_str(), "a-1/x");
        let long = [b'a'; MAX_BYTES + 1];
        assert_eq!(of(&long[1..]).as_str().len(), MAX_BYTES);
        for other in [&b""[..], b"a b", b"\xe9", b"a\tb", &long] {
            assert_eq!(of(other).as_str().len(), 32);
        }
        let made = [(); 2].map(|()| RequestId::of(&HeaderMap::new()));
        assert_ne!(made[0].as_str(), made[1].as_str());
    }
}
