//! The task that asks a source and replaces a model.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::desk::Ask;
use super::{
    LoadError, Loaded, Mark, Outcome, Reload, ReloadEvent, ReloadState, ReloadStatus, ReloadStep,
    Role,
};
use crate::error::Chain;
use crate::model::{ModelIdentity, ServedModel};
use crate::state::AppState;

/// The characters of a reason; the rest is cut off.
const MAX_REASON_CHARS: usize = 500;

/// Starts the task.
pub(super) fn start(state: AppState, reload: Reload) -> JoinHandle<()> {
    let asks = state.desk(reload.role).take();
    let task = Task {
        // Who names the version that serves has just asked for it.
        checked: reload.serving.is_some().then(SystemTime::now),
        state,
        reload,
        asks,
        refused: None,
        failures: 0,
    };
    task.show(match task.reload.serving {
        Some(_) => ReloadState::Current,
        None => ReloadState::Loading,
    });
    tokio::spawn(task.run())
}

struct Task {
    state: AppState,
    reload: Reload,
    asks: mpsc::Receiver<Ask>,
    checked: Option<SystemTime>,
    refused: Option<(Mark, String)>,
    /// Tries that failed in a row.
    failures: u32,
}

/// Why a version does not serve.
enum Failure {
    Refused(String),
    Unreachable(String),
}

impl Task {
    /// Checks whenever it is time, until nobody can ask any more.
    async fn run(mut self) {
        let mut hangup = Hangup::listen();
        let mut pause = match self.reload.serving {
            Some(_) => self.reload.settings.interval.map(jittered),
            None => Some(Duration::ZERO),
        };
        loop {
            let mut askers = Vec::new();
            tokio::select! {
                ask = self.asks.recv() => match ask {
                    Some(ask) => askers.push(ask),
                    None => return,
                },
                () = hangup.recv() => {}
                () = sleep(pause) => {}
            }
            if self.state.is_stopping() {
                return;
            }
            while let Ok(ask) = self.asks.try_recv() {
                askers.push(ask);
            }
            let outcome = self.check().await;
            self.state
                .metrics()
                .count_reload(self.reload.role, outcome.as_str());
            pause = self.pause_after(&outcome);
            for asker in askers {
                // The client may be gone.
                let _ = asker.send(outcome.clone());
            }
        }
    }

    /// The time to the next check; none where only somebody who asks begins it.
    fn pause_after(&mut self, outcome: &Outcome) -> Option<Duration> {
        let settings = &self.reload.settings;
        if !matches!(outcome, Outcome::Unreachable { .. }) {
            self.failures = 0;
            return settings.interval.map(jittered);
        }
        let doubled = 2_u32.saturating_pow(self.failures.saturating_sub(1));
        let retry = settings.first_retry.saturating_mul(doubled);
        Some(jittered(retry.min(settings.max_retry)))
    }

    /// Asks the source, and replaces the model where another version stands.
    async fn check(&mut self) -> Outcome {
        let mark = match self.current().await {
            Ok(mark) => mark,
            Err(reason) => return self.unreachable(None, reason).await,
        };
        self.checked = Some(SystemTime::now());
        if self.reload.serving.as_ref() == Some(&mark) {
            self.refused = None;
            self.show(ReloadState::Current);
            return Outcome::Unchanged;
        }
        if let Some((refused, reason)) = &self.refused
            && *refused == mark
        {
            let (version, reason) = (refused.version().to_owned(), reason.clone());
            self.show(ReloadState::Refused);
            return Outcome::Refused { version, reason };
        }
        self.refused = None;
        self.show(ReloadState::Loading);
        self.tell(ReloadStep::Loading { mark: mark.clone() }).await;
        let start = Instant::now();
        match self.make_ready(&mark).await {
            Ok(model) => {
                let replaced = self.install(model);
                self.served(mark, (replaced, start.elapsed())).await
            }
            Err(Failure::Refused(reason)) => self.refuse(mark, reason).await,
            Err(Failure::Unreachable(reason)) => self.unreachable(Some(mark), reason).await,
        }
    }

    /// The version that stands, or why it is not known.
    async fn current(&self) -> Result<Mark, String> {
        let source = Arc::clone(&self.reload.source);
        let work = async move { source.current().await };
        match guarded(self.reload.settings.check_timeout, work).await {
            Ok(Ok(mark)) => Ok(mark),
            Ok(Err(error)) => Err(reason(&*error.0)),
            Err(interrupted) => Err(reason(&interrupted)),
        }
    }

    /// Loads a version and makes it ready to serve.
    async fn make_ready(&self, mark: &Mark) -> Result<ServedModel, Failure> {
        let source = Arc::clone(&self.reload.source);
        let version = mark.clone();
        let work = async move { source.load(&version).await };
        let Loaded { coder, identity } =
            match guarded(self.reload.settings.load_timeout, work).await {
                Ok(Ok(loaded)) => loaded,
                Ok(Err(LoadError::Transient(error))) => {
                    return Err(Failure::Unreachable(reason(&*error)));
                }
                Ok(Err(LoadError::Refused(error))) => {
                    return Err(Failure::Refused(reason(&*error)));
                }
                Err(late @ Interrupted::TooLate(_)) => {
                    return Err(Failure::Unreachable(reason(&late)));
                }
                Err(panicked @ Interrupted::Panicked) => {
                    return Err(Failure::Refused(reason(&panicked)));
                }
            };
        let prepare = Arc::clone(&self.reload.prepare);
        // All of what is slow in it happens here; if it panics, the coder goes
        // here too.
        let work = move || {
            prepare(&coder);
            ServedModel::new(coder, identity)
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| Failure::Refused("making it ready failed".to_owned()))
    }

    /// Puts `model` in its place; gives the identity of the one before.
    fn install(&self, model: ServedModel) -> Option<ModelIdentity> {
        let replaced = self.identity();
        match self.reload.role {
            Role::Serving => self.state.replace_model(model),
            Role::Challenger => self.state.set_challenger(Some(model)),
        }
        self.state.metrics().note_reload(self.reload.role);
        replaced
    }

    async fn served(
        &mut self,
        mark: Mark,
        (replaced, took): (Option<ModelIdentity>, Duration),
    ) -> Outcome {
        self.reload.serving = Some(mark.clone());
        self.show(ReloadState::Current);
        let role = self.reload.role.as_str();
        let (version, seconds) = (mark.version(), took.as_secs_f64());
        tracing::info!(role, version, seconds, "another model serves");
        let step = ReloadStep::Served {
            mark,
            replaced,
            took,
        };
        self.tell(step).await;
        Outcome::Reloaded
    }

    async fn refuse(&mut self, mark: Mark, reason: String) -> Outcome {
        let role = self.reload.role.as_str();
        let version = mark.version().to_owned();
        tracing::error!(role, version, reason, "a model was refused");
        self.refused = Some((mark.clone(), reason.clone()));
        self.show(ReloadState::Refused);
        let step = ReloadStep::Refused {
            mark,
            reason: reason.clone(),
        };
        self.tell(step).await;
        Outcome::Refused { version, reason }
    }

    async fn unreachable(&mut self, mark: Option<Mark>, reason: String) -> Outcome {
        self.failures = self.failures.saturating_add(1);
        let (role, tries) = (self.reload.role.as_str(), self.failures);
        tracing::warn!(role, reason, tries, "the source of models is out of reach");
        self.show(ReloadState::Unreachable);
        let step = ReloadStep::Unreachable {
            mark,
            reason: reason.clone(),
            tries,
        };
        self.tell(step).await;
        Outcome::Unreachable { reason }
    }

    fn show(&self, state: ReloadState) {
        let refused = self.refused.as_ref();
        self.state.desk(self.reload.role).set_status(ReloadStatus {
            checked: self.checked,
            state,
            refused: refused.map(|(mark, reason)| (line(mark.version()), reason.clone())),
        });
    }

    /// Tells the observer, which may write files, on the pool for blocking work.
    async fn tell(&self, step: ReloadStep) {
        let event = ReloadEvent {
            at: SystemTime::now(),
            role: self.reload.role,
            identity: self.identity(),
            step,
        };
        let observer = Arc::clone(&self.reload.observer);
        let told = tokio::task::spawn_blocking(move || observer.observe(&event)).await;
        if let Err(error) = told {
            tracing::error!(%error, "who observes reloads failed");
        }
    }

    /// The model that has the role now.
    fn identity(&self) -> Option<ModelIdentity> {
        let model = match self.reload.role {
            Role::Serving => Some(self.state.model()),
            Role::Challenger => self.state.challenger(),
        };
        model.map(|model| model.identity().clone())
    }
}

/// Why the work of a source has no result.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error("no answer in {0:?}")]
    TooLate(Duration),
    #[error("the source of models panicked")]
    Panicked,
}

/// Does `work` in a task of its own, so that it may panic, and gives it up
/// behind the deadline.
async fn guarded<T: Send + 'static>(
    deadline: Duration,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Interrupted> {
    let mut tasks = JoinSet::new();
    tasks.spawn(work);
    match tokio::time::timeout(deadline, tasks.join_next()).await {
        Err(_) => Err(Interrupted::TooLate(deadline)),
        Ok(Some(Ok(value))) => Ok(value),
        // It is only cancelled with this function.
        Ok(_) => Err(Interrupted::Panicked),
    }
}

/// An error as one line of text.
fn reason(error: &(dyn Error + 'static)) -> String {
    line(&Chain(error).to_string())
}

/// `text` without control characters, of at most [`MAX_REASON_CHARS`].
fn line(text: &str) -> String {
    let safe = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(MAX_REASON_CHARS).map(safe).collect()
}

/// `duration`, give or take a tenth.
fn jittered(duration: Duration) -> Duration {
    duration.mul_f64(0.9 + 0.2 * fastrand::f64())
}

async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}

/// SIGHUP, where there is such a thing.
struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    #[cfg(unix)]
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let signal = signal(SignalKind::hangup());
        if let Err(error) = &signal {
            tracing::warn!(%error, "cannot wait for SIGHUP");
        }
        Self {
            signal: signal.ok(),
        }
    }

    #[cfg(not(unix))]
    fn listen() -> Self {
        Self {}
    }

    async fn recv(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_some_length() {
        let error = std::io::Error::other("a\r\nb\u{1b}[31m\u{85}");
        assert_eq!(reason(&error), "a  b [31m ");
        assert_eq!(line(&"é".repeat(1000)).chars().count(), MAX_REASON_CHARS);
    }

    #[test]
    fn the_jitter_is_a_tenth() {
        let second = Duration::from_secs(1);
        for _ in 0..1000 {
            let jittered = jittered(second);
            assert!(jittered >= second.mul_f64(0.899) && jittered <= second.mul_f64(1.101));
        }
    }
}
