//! Where requests and the task that reloads meet.

use std::sync::Mutex;
use std::time::SystemTime;

use tokio::sync::{mpsc, oneshot};

use crate::reload::Outcome;
use crate::state::lock;

/// Requests for a check that wait in line; more wait to get into it.
const ASKS: usize = 16;

/// How one asks for a check: by sending where to answer.
pub(super) type Ask = oneshot::Sender<Outcome>;

/// How it stands with reloads, as `/ready` tells it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReloadStatus {
    /// When the source last said which version stands.
    pub(crate) checked: Option<SystemTime>,
    pub(crate) state: ReloadState,
    /// The version that the source names, where it is bad, and why.
    pub(crate) refused: Option<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReloadState {
    Current,
    Loading,
    Unreachable,
    Refused,
}

impl ReloadState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Loading => "loading",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
        }
    }
}

/// One role's desk; nobody sits there where its model has no source.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    asks: Mutex<Option<mpsc::Sender<Ask>>>,
    status: Mutex<Option<ReloadStatus>>,
}

impl Desk {
    /// Takes the desk from whoever had it.
    pub(super) fn take(&self) -> mpsc::Receiver<Ask> {
        let (sender, receiver) = mpsc::channel(ASKS);
        *lock(&self.asks) = Some(sender);
        receiver
    }

    /// Asks for a check and waits for what comes of it.
    pub(crate) async fn ask(&self) -> Option<Outcome> {
        let asks = lock(&self.asks).clone()?;
        let (ask, answer) = oneshot::channel();
        asks.send(ask).await.ok()?;
        answer.await.ok()
    }

    pub(crate) fn status(&self) -> Option<ReloadStatus> {
        lock(&self.status).clone()
    }

    pub(super) fn set_status(&self, status: ReloadStatus) {
        *lock(&self.status) = Some(status);
    }
}
