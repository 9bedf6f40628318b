//! What is told of reloads, for a ledger of who answered when.

use std::time::{Duration, SystemTime};

use crate::model::ModelIdentity;
use crate::reload::{Mark, Role};

/// A step of a reload.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReloadEvent {
    /// When it happened.
    pub at: SystemTime,
    /// Of which model.
    pub role: Role,
    /// The role's model after the step; none where a challenger is still to
    /// come.
    pub identity: Option<ModelIdentity>,
    /// What happened.
    pub step: ReloadStep,
}

/// What happened. Reasons are one line, without control characters.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ReloadStep {
    /// A version that does not serve yet is being loaded.
    Loading {
        /// The version.
        mark: Mark,
    },
    /// It serves, from this moment on.
    Served {
        /// The version.
        mark: Mark,
        /// The model that it replaced.
        replaced: Option<ModelIdentity>,
        /// The time from the beginning of its loading.
        took: Duration,
    },
    /// It is bad: the model before stays.
    Refused {
        /// The version.
        mark: Mark,
        /// Why.
        reason: String,
    },
    /// The source cannot be asked, or not hand the version over: the model
    /// before stays.
    Unreachable {
        /// The version, where the source named one.
        mark: Option<Mark>,
        /// Why.
        reason: String,
        /// The tries that failed in a row, this one among them: a ledger may
        /// leave out those above 1.
        tries: u32,
    },
}

/// Who is told of reloads.
pub trait ReloadObserver: Send + Sync + 'static {
    /// Takes note of a step. The next step waits for it, requests do not; it may
    /// write files.
    fn observe(&self, event: &ReloadEvent);
}

impl<F: Fn(&ReloadEvent) + Send + Sync + 'static> ReloadObserver for F {
    fn observe(&self, event: &ReloadEvent) {
        self(event);
    }
}
