//! A text that is compared and never shown.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq;

/// A secret, such as a token; it prints as `Secret(…)`.
#[derive(Clone)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Takes a secret. An empty one is nobody's: [`Secret::is`] is never true.
    #[must_use]
    pub fn new(secret: impl Into<Arc<str>>) -> Self {
        Self(secret.into())
    }

    /// Whether `candidate` is the secret, in a time that tells no more of it
    /// than its length.
    #[must_use]
    pub fn is(&self, candidate: &[u8]) -> bool {
        let is_same = bool::from(self.0.as_bytes().ct_eq(candidate));
        is_same && !self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_compared_and_not_shown() {
        let secret = Secret::new("hush");
        assert!(secret.is(b"hush"));
        assert!(!secret.is(b"hus"));
        assert!(!secret.is(b"hush "));
        assert!(!Secret::new("").is(b""));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
