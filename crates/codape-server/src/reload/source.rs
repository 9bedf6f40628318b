//! What the service asks of whoever knows where models come from.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use codape_coder::Coder;

use crate::model::ModelIdentity;

/// An error of any kind. Its text and those of its sources are shown to
/// operators: they hold no secrets.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A future on the heap, so that a source can be a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where models come from.
pub trait ModelSource: Send + Sync + 'static {
    /// Which version stands now. It is cheap: it is asked in intervals.
    ///
    /// # Errors
    ///
    /// Where the source cannot be asked, or names no version.
    fn current(&self) -> BoxFuture<'_, Result<Mark, SourceError>>;

    /// Fetches, verifies, opens and tries that version. It may take long, and
    /// does its long work elsewhere than on the runtime's threads. It is dropped
    /// at any point where it takes too long.
    ///
    /// # Errors
    ///
    /// [`LoadError`].
    fn load<'a>(&'a self, mark: &'a Mark) -> BoxFuture<'a, Result<Loaded, LoadError>>;
}

/// A model that a source hands over.
#[derive(Debug)]
pub struct Loaded {
    /// The coder, which has passed its tests.
    pub coder: Arc<Coder>,
    /// How it is called.
    pub identity: ModelIdentity,
}

/// One state of a name in a registry: two marks are equal where the same model
/// is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mark {
    version: String,
    fingerprint: String,
}

impl Mark {
    /// The mark of a `version`, as people call it, whose content has the
    /// `fingerprint`: whatever changes when the model does.
    #[must_use]
    pub fn new(version: impl Into<String>, fingerprint: impl Into<String>) -> Self {
        Self {
            version: version.into(),
            fingerprint: fingerprint.into(),
        }
    }

    /// What people call the version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What changes when the model does.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.version, self.fingerprint)
    }
}

/// A source cannot be asked; it is asked again later.
#[derive(Debug, thiserror::Error)]
#[error("the source of models cannot be asked")]
pub struct SourceError(#[source] pub BoxError);

/// Why a version was not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It could not be fetched now; it is tried again later.
    #[error("the version cannot be fetched now")]
    Transient(#[source] BoxError),
    /// It is bad, and stays bad.
    #[error("the version is bad")]
    Refused(#[source] BoxError),
}
