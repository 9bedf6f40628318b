//! What every request shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use codape_coder::{Coder, Metrics};
use tokio::sync::Semaphore;

use crate::contract2024::Features;
use crate::settings::Limits;

/// How the model that answers is called.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelIdentity {
    /// The name in the registry.
    pub name: String,
    /// The version: a number, a stage or an alias, as it was asked for.
    pub version: String,
    /// What was measured when the model was trained.
    pub metrics: Metrics,
}

/// The state of the service; a clone is the same state.
#[derive(Debug, Clone)]
pub struct AppState(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    coder: Arc<Coder>,
    identity: ModelIdentity,
    features: Features,
    limits: Limits,
    is_stopping: AtomicBool,
    /// One permit for each KiB of body that may be in memory.
    bodies_kib: Arc<Semaphore>,
    batches: Arc<Semaphore>,
}

impl AppState {
    /// The state of a service that answers with `coder`, within the default
    /// [`Limits`].
    ///
    /// Says in the log which features of the package the contract of 2024 has
    /// no value for, and which codes have no title.
    #[must_use]
    pub fn new(coder: Arc<Coder>, identity: ModelIdentity) -> Self {
        Self::with_limits(coder, identity, Limits::default())
    }

    /// The same, within `limits`.
    #[must_use]
    pub fn with_limits(coder: Arc<Coder>, identity: ModelIdentity, limits: Limits) -> Self {
        let features = Features::of(&coder);
        let unknown: Vec<&str> = coder.unknown_codes().collect();
        if !unknown.is_empty() {
            tracing::warn!(codes = ?unknown, "the nomenclature has no title for codes of the model");
        }
        let kib = (limits.max_bodies_bytes >> 10).min(Semaphore::MAX_PERMITS);
        let batches = limits
            .max_concurrent_batches
            .clamp(1, Semaphore::MAX_PERMITS);
        Self(Arc::new(Shared {
            features,
            coder,
            identity,
            limits,
            is_stopping: AtomicBool::new(false),
            bodies_kib: Arc::new(Semaphore::new(kib)),
            batches: Arc::new(Semaphore::new(batches)),
        }))
    }

    /// The coder that answers.
    #[must_use]
    pub fn coder(&self) -> &Coder {
        &self.0.coder
    }

    /// How its model is called.
    #[must_use]
    pub fn identity(&self) -> &ModelIdentity {
        &self.0.identity
    }

    /// What a request may ask for.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// From now on `/ready` says 503.
    pub fn start_stopping(&self) {
        self.0.is_stopping.store(true, Ordering::Release);
    }

    /// Whether the service was asked to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.0.is_stopping.load(Ordering::Acquire)
    }

    pub(crate) fn features(&self) -> &Features {
        &self.0.features
    }

    pub(crate) fn bodies_kib(&self) -> Arc<Semaphore> {
        Arc::clone(&self.0.bodies_kib)
    }

    pub(crate) fn batches(&self) -> Arc<Semaphore> {
        Arc::clone(&self.0.batches)
    }
}
