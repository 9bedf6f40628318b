//! A second model that gets a share of the declarations, behind the answers,
//! so that people learn how it would do. What it says goes to the log (target
//! `codape::shadow`, without the text) and to the metrics, never to a client.
//!
//! A declaration that is drawn waits in a queue of a fixed length; where that is
//! full it is dropped and counted. One thread takes from the queue: a challenger
//! that is slow or panics costs a request nothing.
//!
//! `/evaluation` is not drawn from: its texts are those of people who test.

mod case;
mod contest;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Instant;

use arc_swap::ArcSwapOption;
use codape_coder::{Scratch, Threshold};
use prometheus::proto::MetricFamily;

pub(crate) use case::{Case, Contender};
pub(crate) use contest::Contest;

use crate::reap::reap;
use crate::settings::ShadowSettings;

/// The declarations that wait for the challenger, each with the contest that it
/// is judged in.
type Queue<M> = SyncSender<(Arc<Contest<M>>, Case)>;

/// The service's shadow, with or without a challenger in it.
#[derive(Debug)]
pub(crate) struct Shadow<M> {
    settings: ShadowSettings,
    contest: ArcSwapOption<Contest<M>>,
    /// Made with the first challenger, as is the thread at its other end; none
    /// where the system has no thread for it.
    queue: OnceLock<Option<Queue<M>>>,
}

impl<M: Contender> Shadow<M> {
    pub(crate) fn new(settings: ShadowSettings) -> Self {
        Self {
            settings,
            contest: ArcSwapOption::empty(),
            queue: OnceLock::new(),
        }
    }

    pub(crate) fn challenger(&self) -> Option<Arc<M>> {
        let contest = self.contest.load();
        let contest = contest.as_ref()?;
        Some(Arc::clone(&contest.challenger))
    }

    /// Lets `challenger` compete with `serving`, or nobody.
    pub(crate) fn set_challenger(&self, challenger: Option<Arc<M>>, serving: &M) {
        let contest = challenger.map(|challenger| Arc::new(Contest::new(challenger, serving)));
        if contest.is_some() {
            self.queue
                .get_or_init(|| start(self.settings.queue, self.settings.threshold));
        }
        if let Some(old) = self.contest.swap(contest) {
            old.end();
            reap(old);
        }
    }

    /// Lets the challenger, where there is one, compete with `serving`.
    pub(crate) fn compare_with(&self, serving: &M) {
        if let Some(challenger) = self.challenger() {
            self.set_challenger(Some(challenger), serving);
        }
    }

    /// The contest that a declaration takes part in which `serving` is about to
    /// code; none where there is no challenger or the declaration is not drawn.
    pub(crate) fn draw(&self, serving: &M) -> Option<Arc<Contest<M>>> {
        let contest = self.contest.load();
        let contest = contest.as_ref()?;
        let is_drawn = contest.serving == serving.serial() && self.settings.share.draw();
        is_drawn.then(|| Arc::clone(contest))
    }

    /// Puts a declaration in the queue, if there is one and room for it: this
    /// never waits.
    pub(crate) fn offer(&self, contest: Arc<Contest<M>>, case: Option<Case>) {
        let queue = self.queue.get().and_then(Option::as_ref);
        let (Some(queue), Some(case)) = (queue, case) else {
            contest.dropped.inc();
            return;
        };
        if let Err(TrySendError::Full(entry) | TrySendError::Disconnected(entry)) =
            queue.try_send((contest, case))
        {
            entry.0.dropped.inc();
        }
    }

    /// How many declarations may wait.
    pub(crate) fn places(&self) -> usize {
        self.settings.queue
    }

    /// The metrics of the contest.
    pub(crate) fn gather(&self) -> Vec<MetricFamily> {
        let contest = self.contest.load();
        contest.as_ref().map(|it| it.gather()).unwrap_or_default()
    }
}

/// Starts the thread that asks challengers. It ends with the queue, which is to
/// say with the service's state.
fn start<M: Contender>(places: usize, threshold: Threshold) -> Option<Queue<M>> {
    let (queue, cases) = sync_channel(places);
    let started = thread::Builder::new()
        .name("codape-shadow".to_owned())
        .spawn(move || work(&cases, threshold));
    match started {
        Ok(_) => Some(queue),
        Err(error) => {
            tracing::error!(%error, "no thread for the shadow: the challenger gets nothing");
            None
        }
    }
}

/// Asks the challengers, until nobody can offer any more.
fn work<M: Contender>(cases: &Receiver<(Arc<Contest<M>>, Case)>, threshold: Threshold) {
    let mut scratch = Scratch::default();
    for (contest, case) in cases {
        if contest.has_ended() {
            contest.dropped.inc();
            continue;
        }
        let start = Instant::now();
        // Nothing of the challenger's is used behind a panic but what is shared
        // and never half changed.
        let answer = catch_unwind(AssertUnwindSafe(|| {
            contest.challenger.code(&case, &mut scratch)
        }));
        let latency = start.elapsed();
        match answer {
            Ok(Ok(best)) => contest.judge(&case, (&best, latency), threshold),
            Ok(Err(error)) => {
                contest.failed.inc();
                tracing::warn!(target: "codape::shadow", %error, "the challenger failed");
            }
            Err(_) => {
                contest.failed.inc();
                scratch = Scratch::default();
                tracing::error!(target: "codape::shadow", "the challenger panicked");
            }
        }
    }
}

#[cfg(test)]
mod tests;
