//! Replacing a model while the service answers.
//!
//! Somebody who knows where models come from implements [`ModelSource`]; the
//! task that [`AppState::start_reloads`] starts asks it which version stands, in
//! intervals, on SIGHUP, and when `POST /admin/reload` asks. Another version
//! than the one that serves is loaded, made ready, and only then put in its
//! place. The model that serves stays where anything of this fails.
//!
//! * **One at a time.** Who asks while a check runs waits for the check behind
//!   it, as the one that runs may have looked too early. All who wait share it.
//! * **A source that cannot be asked is asked again**, also where there is no
//!   interval, after a time that doubles with each failure.
//! * **A version that is refused is not loaded again** until the source names
//!   another, whoever asks; should it come back after that, it is tried again.

mod desk;
mod event;
mod source;
mod task;

use std::fmt;
use std::sync::Arc;

use codape_coder::Coder;
use tokio::task::JoinHandle;

pub(crate) use desk::{Desk, ReloadState, ReloadStatus};
pub use event::{ReloadEvent, ReloadObserver, ReloadStep};
pub use source::{BoxError, BoxFuture, LoadError, Loaded, Mark, ModelSource, SourceError};

use crate::settings::ReloadSettings;
use crate::state::AppState;

/// Which of the service's models is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The one whose answers clients get.
    Serving,
    /// The one that answers in the shadow.
    Challenger,
}

impl Role {
    /// The role's name in metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Challenger => "challenger",
        }
    }
}

/// What came of a check for another model. Reasons are one line of text for
/// operators.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The version that stands is the one that serves.
    Unchanged,
    /// Another version serves now.
    Reloaded,
    /// The version that stands is bad.
    Refused {
        /// The version.
        version: String,
        /// Why.
        reason: String,
    },
    /// The source could not be asked, or not hand the version over.
    Unreachable {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// The outcome's name in answers, metrics and logs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Reloaded => "reloaded",
            Self::Refused { .. } => "refused",
            Self::Unreachable { .. } => "unreachable",
        }
    }

    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Unchanged | Self::Reloaded => None,
            Self::Refused { reason, .. } | Self::Unreachable { reason } => Some(reason),
        }
    }
}

/// What makes a coder ready before it serves.
pub type Prepare = Arc<dyn Fn(&Coder) + Send + Sync>;

/// How one of the service's models is kept up to date.
#[derive(Clone)]
pub struct Reload {
    /// Where versions come from.
    pub source: Arc<dyn ModelSource>,
    /// Which model is replaced. Default: the one that serves.
    pub role: Role,
    /// The version that is there already, which the source is not asked to
    /// load; none, the default, where none is or where it is of elsewhere: then
    /// the source is asked at once.
    pub serving: Option<Mark>,
    /// Called with a coder before it serves, on a thread for blocking work,
    /// while the other answers. Where it panics, the version is refused.
    /// Default: nothing.
    pub prepare: Prepare,
    /// Told each step. Default: nobody.
    pub observer: Arc<dyn ReloadObserver>,
    /// When the source is asked.
    pub settings: ReloadSettings,
}

impl Reload {
    /// Replaces the model that serves by those of `source`, with the defaults.
    #[must_use]
    pub fn new(source: Arc<dyn ModelSource>) -> Self {
        Self {
            source,
            role: Role::Serving,
            serving: None,
            prepare: Arc::new(|_| {}),
            observer: Arc::new(|_: &ReloadEvent| {}),
            settings: ReloadSettings::default(),
        }
    }
}

impl fmt::Debug for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reload")
            .field("role", &self.role)
            .field("serving", &self.serving)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl AppState {
    /// Keeps a model up to date from now on, in a task of the current runtime
    /// that ends with it, or when the service stops. A role has one such task:
    /// a second one takes the place of the first.
    ///
    /// From now on SIGHUP does not end the process.
    ///
    /// # Panics
    ///
    /// Outside of a runtime.
    pub fn start_reloads(&self, reload: Reload) -> JoinHandle<()> {
        task::start(self.clone(), reload)
    }

    /// Asks for a check for another model, and waits for what comes of it; none
    /// where the role's model has no source.
    pub async fn reload(&self, role: Role) -> Option<Outcome> {
        self.desk(role).ask().await
    }
}
