//! Why a model does not come.

use std::io;
use std::path::PathBuf;

use crate::uri::{ModelUri, UriError};

/// Why a model could not be found or fetched. No error tells a token, a
/// password or a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The name of a model is none.
    #[error(transparent)]
    Uri(#[from] UriError),
    /// A setting is missing or wrong.
    #[error("{setting}: {problem}")]
    Setting {
        /// The environment variable or option.
        setting: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A server could not be reached, or broke off.
    #[error("{host} does not answer: {problem}")]
    Unreachable {
        /// The host, with its port.
        host: String,
        /// What the connection said.
        problem: String,
    },
    /// A server refused a question.
    #[error("{host} refuses {what}: {status} {problem}")]
    Refused {
        /// The host, with its port.
        host: String,
        /// What was asked for.
        what: String,
        /// The status of HTTP.
        status: u16,
        /// The server's own code or message, at most a line of it.
        problem: String,
    },
    /// An answer has another shape than the protocol says.
    #[error("{host} answers {what} with something else than expected: {problem}")]
    Unexpected {
        /// The host, with its port.
        host: String,
        /// What was asked for.
        what: String,
        /// What is wrong.
        problem: String,
    },
    /// There is no such model.
    #[error("there is no {uri}: {problem}")]
    NotFound {
        /// What was asked for.
        uri: ModelUri,
        /// What there is instead.
        problem: String,
    },
    /// A name of a file, or a place that a registry names, cannot be followed.
    #[error("{name:?} cannot be taken: {problem}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file is another one than when its fetching began.
    #[error("{name} changed while it was fetched")]
    Changed {
        /// The file.
        name: String,
    },
    /// A file has not the bytes that it should have.
    #[error("{name} has {found}, expected {expected}: it is damaged or was cut short")]
    Damaged {
        /// The file.
        name: String,
        /// Its length or digest.
        found: String,
        /// What these should be.
        expected: String,
    },
    /// There is no model where one should be.
    #[error("there is no model at {location}: {problem}")]
    NoModel {
        /// Where it was looked for.
        location: String,
        /// What is missing or wrong.
        problem: String,
    },
    /// A line of a file of sums is none.
    #[error("line {line} of SHA256SUMS is none of sha256sum's")]
    Sums {
        /// The number of the line, from 1.
        line: usize,
    },
    /// There is more than a model may have.
    #[error("there are more than {most} {what}: this is no model, or its address is wrong")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// The most there may be.
        most: u64,
    },
    /// The system refused a file.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl RegistryError {
    /// Whether the same question may be answered in a while.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            _ => false,
        }
    }
}

impl RegistryError {
    /// Whether another try may give the bytes: also after an answer that a
    /// server or what is before it spoilt.
    pub(crate) fn may_pass(&self) -> bool {
        self.is_transient() || matches!(self, Self::Unexpected { .. } | Self::Damaged { .. })
    }
}

/// Says what was done to which file when the system refused it.
pub(crate) fn io_error(
    action: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> RegistryError {
    let path = path.into();
    move |source| RegistryError::Io {
        action,
        path,
        source,
    }
}

/// A text of a server as it may be printed.
pub(crate) fn printable(text: &str) -> String {
    /// Characters of a server's message that are repeated.
    const LONGEST: usize = 300;
    text.chars()
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect()
}

/// The cause under all causes, which says most.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
