//! One challenger beside one model that serves, and what is counted of the two.
//!
//! All metrics have the labels `serving_version` and `challenger_version`, and
//! begin anew where either model changes.
//!
//! | metric | labels | |
//! | --- | --- | --- |
//! | `codape_shadow_compared_total` | | declarations that both models coded |
//! | `codape_shadow_agreed_total` | | of these, those with the same first code |
//! | `codape_shadow_automatic_total` | `role` | of these, those at or above the threshold |
//! | `codape_shadow_dropped_total` | | declarations that found no room in the queue, or came too late |
//! | `codape_shadow_failed_total` | | declarations that the challenger failed on |
//! | `codape_shadow_agreement_ratio` | | agreed to compared |
//! | `codape_shadow_automatic_ratio` | `role` | automatic to compared |
//! | `codape_shadow_automatic_ratio_difference` | | the challenger's less that of the other |
//! | `codape_shadow_seconds` | `role` | histogram: the coding of a declaration that came alone |

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use codape_coder::{Decision, Threshold};
use prometheus::proto::MetricFamily;
use prometheus::{
    Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry,
};

use super::case::{Best, Case, Contender};
use crate::metrics::{BUCKETS, registered};
use crate::reload::Role;
use crate::state::lock;

const ROLES: [Role; 2] = [Role::Serving, Role::Challenger];

/// A challenger, the model that it competes with, and the score.
#[derive(Debug)]
pub(crate) struct Contest<M> {
    pub(crate) challenger: Arc<M>,
    /// The serial number of the model that serves: it is not kept in memory for
    /// the contest's sake.
    pub(super) serving: u64,
    has_ended: AtomicBool,
    /// Held while a declaration is counted, and while the score is read.
    counting: Mutex<()>,
    registry: Registry,
    versions: [String; 2],
    pub(super) compared: IntCounter,
    pub(super) agreed: IntCounter,
    pub(super) dropped: IntCounter,
    pub(super) failed: IntCounter,
    automatic: IntCounterVec,
    seconds: HistogramVec,
    agreement_ratio: Gauge,
    automatic_ratio: GaugeVec,
    ratio_difference: Gauge,
}

impl<M: Contender> Contest<M> {
    pub(crate) fn new(challenger: Arc<M>, serving: &M) -> Self {
        let versions = [serving.version(), challenger.version()].map(str::to_owned);
        let labels = ["serving_version", "challenger_version"].map(str::to_owned);
        let labels: HashMap<_, _> = labels.into_iter().zip(versions.clone()).collect();
        let registry = Registry::new();
        let opts = |name, help: &str| Opts::new(name, help).const_labels(labels.clone());
        let counter = |name, help| registered(&registry, IntCounter::with_opts(opts(name, help)));
        let gauge = |name, help| registered(&registry, Gauge::with_opts(opts(name, help)));
        let automatic = opts(
            "codape_shadow_automatic_total",
            "Codes at or above the threshold.",
        );
        let automatic_ratio = opts(
            "codape_shadow_automatic_ratio",
            "The part of the declarations that are coded automatically.",
        );
        let seconds = HistogramOpts::new("codape_shadow_seconds", "The time of a coding.")
            .const_labels(labels.clone())
            .buckets(BUCKETS.to_vec());
        Self {
            serving: serving.serial(),
            has_ended: AtomicBool::new(false),
            counting: Mutex::default(),
            versions,
            compared: counter("codape_shadow_compared_total", "Coded by both models."),
            agreed: counter("codape_shadow_agreed_total", "The same first code."),
            dropped: counter(
                "codape_shadow_dropped_total",
                "Not given to the challenger.",
            ),
            failed: counter("codape_shadow_failed_total", "The challenger failed."),
            automatic: registered(&registry, IntCounterVec::new(automatic, &["role"])),
            seconds: registered(&registry, HistogramVec::new(seconds, &["role"])),
            agreement_ratio: gauge(
                "codape_shadow_agreement_ratio",
                "The part of the declarations with the same first code.",
            ),
            automatic_ratio: registered(&registry, GaugeVec::new(automatic_ratio, &["role"])),
            ratio_difference: gauge(
                "codape_shadow_automatic_ratio_difference",
                "How much more the challenger codes automatically.",
            ),
            challenger,
            registry,
        }
    }

    /// Counts and logs what the challenger said.
    pub(super) fn judge(&self, case: &Case, answer: (&Best, Duration), threshold: Threshold) {
        let (best, latency) = answer;
        let served = &case.served;
        let agrees = served.codes.first() == best.codes.first();
        let counting = lock(&self.counting);
        if agrees {
            self.agreed.inc();
        }
        for (role, answer) in ROLES.into_iter().zip([served, best]) {
            if threshold.decide(answer.confidence) == Decision::Automatic {
                self.automatic.with_label_values(&[role.as_str()]).inc();
            }
        }
        if let Some(served) = case.latency {
            for (role, latency) in ROLES.into_iter().zip([served, latency]) {
                let seconds = self.seconds.with_label_values(&[role.as_str()]);
                seconds.observe(latency.as_secs_f64());
            }
        }
        self.compared.inc();
        drop(counting);
        let [serving_version, challenger_version] = &self.versions;
        tracing::info!(
            target: "codape::shadow",
            serving_version,
            challenger_version,
            agrees,
            serving_codes = ?served.codes,
            challenger_codes = ?best.codes,
            serving_ic = served.confidence,
            challenger_ic = best.confidence,
            "compared"
        );
    }

    /// The score, with the ratios as they stand now.
    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        let _counting = lock(&self.counting);
        let compared = self.compared.get();
        if compared > 0 {
            let ratio = |count: u64| count as f64 / compared as f64;
            self.agreement_ratio.set(ratio(self.agreed.get()));
            let [serving, challenger] = ROLES.map(|role| {
                let count = self.automatic.with_label_values(&[role.as_str()]).get();
                let automatic = self.automatic_ratio.with_label_values(&[role.as_str()]);
                automatic.set(ratio(count));
                ratio(count)
            });
            self.ratio_difference.set(challenger - serving);
        }
        self.registry.gather()
    }

    /// From now on what waits in the queue is not worth the time.
    pub(super) fn end(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }
}
