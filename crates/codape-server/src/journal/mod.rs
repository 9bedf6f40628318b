//! The business log of the service: one record for each declaration that is coded,
//! kept before its answer leaves.

mod draft;
mod metrics;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use codape_coder::Threshold;
use codape_journal::{AppendError, Journal, Payloads, Receipt};
use prometheus::proto::MetricFamily;

pub use draft::Amend;
pub(crate) use draft::{Asker, Coded, Drafts};
pub use metrics::Compactions;

use crate::error::{ApiError, Chain};
use metrics::JournalMetrics;

/// The target of the events that hold a record, in their field `line`.
pub const RECORD_TARGET: &str = "codape::record";

/// Where records go, and what is done where they cannot go there.
pub struct BusinessLog {
    /// The journal, if there is one.
    pub journal: Option<Arc<Journal>>,
    /// What is counted of its compaction, where somebody compacts it.
    pub compactions: Option<Compactions>,
    /// What is done where a record cannot be kept. Default: [`Unkept::Refuse`].
    pub unkept: Unkept,
    /// The time that an answer waits for its record at most. Default: 5 s.
    pub patience: Duration,
    /// The confidence index from which a code is assigned without a person.
    /// Default: 0.8.
    pub threshold: Threshold,
    /// The form in which records leave as events, too, if they do.
    pub events: Option<EventForm>,
    /// What is done to a record before anybody sees it: fields are dropped or
    /// hashed there.
    pub amend: Option<Amend>,
}

impl Default for BusinessLog {
    fn default() -> Self {
        Self {
            journal: None,
            compactions: None,
            unkept: Unkept::Refuse,
            patience: Duration::from_secs(5),
            threshold: Threshold::new(0.8).expect("0.8 is finite"),
            events: None,
            amend: None,
        }
    }
}

/// What is done with an answer whose record cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unkept {
    /// It is not given: 503.
    Refuse,
    /// It is given, and counted.
    Serve,
}

/// A form of records in events.
#[derive(Debug, Clone, Copy)]
pub enum EventForm {
    /// A JSON object, with the record's name in front where there is a journal.
    Json,
    /// Another, made of the record.
    Other(fn(&codape_journal::Record<'_>) -> String),
}

/// The business log as requests use it.
pub(crate) struct ServiceJournal {
    log: BusinessLog,
    metrics: JournalMetrics,
    is_failing: AtomicBool,
}

impl std::fmt::Debug for ServiceJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceJournal")
            .field("journal", &self.log.journal)
            .finish_non_exhaustive()
    }
}

/// Records on their way, and when they are kept.
pub(crate) struct Pending {
    drafts: Drafts,
    receipt: Option<Result<Receipt, AppendError>>,
}

impl ServiceJournal {
    pub(crate) fn new(log: BusinessLog) -> Self {
        Self {
            log,
            metrics: JournalMetrics::default(),
            is_failing: AtomicBool::new(false),
        }
    }

    /// Whether anybody wants records.
    pub(crate) fn is_on(&self) -> bool {
        self.log.journal.is_some() || self.log.events.is_some()
    }

    /// Room for the records of a request.
    pub(crate) fn drafts(&self) -> Drafts {
        Drafts::new(&self.log)
    }

    /// Gives records to the journal.
    pub(crate) fn append(&self, drafts: Drafts) -> Pending {
        let payloads = drafts.payloads();
        let receipt = (!payloads.is_empty())
            .then(|| {
                self.log
                    .journal
                    .as_ref()
                    .map(|journal| journal.append(payloads))
            })
            .flatten();
        Pending { drafts, receipt }
    }

    /// The same on a thread that may wait, of more records than the journal may have
    /// room for at once: while it has none, those before are waited for.
    pub(crate) fn append_all(&self, all: Vec<Drafts>) -> Vec<Pending> {
        let mut pending: Vec<Pending> = Vec::with_capacity(all.len());
        let began = Instant::now();
        for drafts in all {
            let mut next = self.append(drafts);
            while matches!(next.receipt, Some(Err(AppendError::Busy { .. })))
                && began.elapsed() < self.log.patience
            {
                std::thread::sleep(Duration::from_millis(1));
                next = self.append(next.drafts);
            }
            pending.push(next);
        }
        pending
    }

    /// Waits until records are kept; says what is to be answered where they are
    /// not.
    pub(crate) async fn kept(&self, pending: Pending) -> Result<(), ApiError> {
        let Pending { drafts, receipt } = pending;
        let records = drafts.payloads().len() as u64;
        let mut first = None;
        if let Some(receipt) = receipt {
            let began = Instant::now();
            let kept = match receipt {
                Ok(receipt) => {
                    first = Some(receipt.first);
                    receipt.kept(self.log.patience).await
                }
                Err(error) => Err(error),
            };
            self.metrics.waited(began.elapsed());
            if let Err(error) = kept {
                self.not_kept(error, records)?;
                first = None;
            } else {
                self.metrics.kept(records);
                self.heal();
            }
        }
        drafts.tell(first);
        Ok(())
    }

    /// Notes that the disk takes records.
    fn heal(&self) {
        if self.is_failing.load(Ordering::Relaxed) && self.is_failing.swap(false, Ordering::Relaxed)
        {
            tracing::info!("the journal takes records again");
        }
    }

    fn not_kept(&self, error: AppendError, records: u64) -> Result<(), ApiError> {
        if !self.is_failing.swap(true, Ordering::Relaxed) {
            let cause = Chain(&error);
            tracing::error!(%cause, "the journal does not take records");
        }
        match self.log.unkept {
            Unkept::Serve => {
                self.metrics.unlogged(records);
                Ok(())
            }
            Unkept::Refuse => {
                self.metrics.refused(records);
                Err(ApiError::NotKept)
            }
        }
    }

    /// What is counted, for `/metrics`.
    pub(crate) fn gather(&self) -> Vec<MetricFamily> {
        let of_journal = self.log.journal.iter();
        let of_journal = of_journal.flat_map(|journal| self.metrics.gather(&journal.status()));
        let of_compaction = self.log.compactions.iter().flat_map(Compactions::gather);
        of_journal.chain(of_compaction).collect()
    }
}

/// How a record's JSON form is read again.
fn texts(payloads: &Payloads) -> impl Iterator<Item = &str> {
    payloads
        .iter()
        .map(|payload| std::str::from_utf8(payload).expect("JSON is written as UTF-8"))
}
