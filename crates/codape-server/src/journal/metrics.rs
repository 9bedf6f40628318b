//! What is counted of the business log.
//!
//! | metric | |
//! | --- | --- |
//! | `codape_journal_records_total` | records that were kept |
//! | `codape_journal_refused_total` | declarations that got no answer, as it could not be kept |
//! | `codape_journal_unlogged_total` | answers that were given all the same |
//! | `codape_journal_wait_seconds` | histogram: the time that answers waited for the disk |
//! | `codape_journal_groups_total` | groups of records that the disk took |
//! | `codape_journal_bytes` | bytes of all segments |
//! | `codape_journal_failing` | 1 where the last group was not taken |
//! | `codape_journal_compacted_records_total` | records that were brought to the archive |
//! | `codape_journal_compaction_failures_total` | compactions that failed, and will be tried again |
//! | `codape_journal_last_compaction_timestamp_seconds` | when one was last done |

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use codape_journal::Status;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, Histogram, HistogramOpts, IntCounter, IntGauge, Registry};

use crate::metrics::{BUCKETS, registered};

const CONSTANT: &str = "names of metrics are constants that are valid";

/// What is counted of compactions, by who runs them; a clone counts the same.
#[derive(Clone, Debug)]
pub struct Compactions {
    records: IntCounter,
    failures: IntCounter,
    last: Gauge,
}

impl Default for Compactions {
    fn default() -> Self {
        Self {
            records: IntCounter::new(
                "codape_journal_compacted_records_total",
                "Records that were brought to the archive.",
            )
            .expect(CONSTANT),
            failures: IntCounter::new(
                "codape_journal_compaction_failures_total",
                "Compactions that failed, and will be tried again.",
            )
            .expect(CONSTANT),
            last: Gauge::new(
                "codape_journal_last_compaction_timestamp_seconds",
                "When a compaction was last done.",
            )
            .expect(CONSTANT),
        }
    }
}

impl Compactions {
    /// Notes that so many records are in the archive.
    pub fn done(&self, records: u64) {
        self.records.inc_by(records);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.last.set(now.map_or(0.0, |since| since.as_secs_f64()));
    }

    /// Notes that a compaction failed.
    pub fn failed(&self) {
        self.failures.inc();
    }

    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        let mut families = self.records.collect();
        families.extend(self.failures.collect());
        families.extend(self.last.collect());
        families
    }
}

#[derive(Debug)]
pub(super) struct JournalMetrics {
    registry: Registry,
    kept: IntCounter,
    refused: IntCounter,
    unlogged: IntCounter,
    wait: Histogram,
}

impl Default for JournalMetrics {
    fn default() -> Self {
        let registry = Registry::new();
        let counter = |name, help| registered(&registry, IntCounter::new(name, help));
        let wait = HistogramOpts::new(
            "codape_journal_wait_seconds",
            "The time that answers waited for the disk.",
        );
        Self {
            kept: counter("codape_journal_records_total", "Records that were kept."),
            refused: counter(
                "codape_journal_refused_total",
                "Declarations that got no answer, as it could not be kept.",
            ),
            unlogged: counter(
                "codape_journal_unlogged_total",
                "Answers that were given though their records could not be kept.",
            ),
            wait: registered(
                &registry,
                Histogram::with_opts(wait.buckets(BUCKETS.to_vec())),
            ),
            registry,
        }
    }
}

impl JournalMetrics {
    pub(super) fn kept(&self, records: u64) {
        self.kept.inc_by(records);
    }

    pub(super) fn refused(&self, records: u64) {
        self.refused.inc_by(records);
    }

    pub(super) fn unlogged(&self, records: u64) {
        self.unlogged.inc_by(records);
    }

    pub(super) fn waited(&self, time: Duration) {
        self.wait.observe(time.as_secs_f64());
    }

    pub(super) fn gather(&self, status: &Status) -> Vec<MetricFamily> {
        let gauge = |name, help, value: u64| {
            let gauge = IntGauge::new(name, help).expect(CONSTANT);
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.collect()
        };
        let groups = IntCounter::new(
            "codape_journal_groups_total",
            "Groups of records that the disk took.",
        )
        .expect(CONSTANT);
        groups.inc_by(status.groups);
        let mut families = self.registry.gather();
        families.extend(groups.collect());
        families.extend(gauge(
            "codape_journal_bytes",
            "Bytes of all segments.",
            status.bytes,
        ));
        families.extend(gauge(
            "codape_journal_failing",
            "1 where the last group was not taken.",
            u64::from(status.failure.is_some()),
        ));
        families
    }
}
