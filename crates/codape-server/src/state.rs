//! What every request shares.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use codape_coder::Coder;
use tokio::sync::Semaphore;

use crate::journal::{BusinessLog, ServiceJournal};
use crate::metrics::ServiceMetrics;
use crate::model::{ModelIdentity, ServedModel};
use crate::reap::reap;
use crate::reload::{Desk, Role};
use crate::secret::Secret;
use crate::settings::{Limits, Settings};
use crate::shadow::Shadow;

/// The state of the service; a clone is the same state.
#[derive(Debug, Clone)]
pub struct AppState(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    model: ArcSwap<ServedModel>,
    shadow: Shadow<ServedModel>,
    /// Held while a model is replaced, so that the shadow compares with the one
    /// that serves.
    replacing: Mutex<()>,
    serving_desk: Desk,
    challenger_desk: Desk,
    metrics: Arc<ServiceMetrics>,
    journal: ServiceJournal,
    limits: Limits,
    admin_token: Option<Secret>,
    is_stopping: AtomicBool,
    /// One permit for each KiB of body that may be in memory.
    bodies_kib: Arc<Semaphore>,
    batches: Arc<Semaphore>,
}

impl AppState {
    /// The state of a service that answers with `coder`, within the default
    /// [`Limits`].
    #[must_use]
    pub fn new(coder: Arc<Coder>, identity: ModelIdentity) -> Self {
        Self::with_settings(coder, identity, &Settings::default())
    }

    /// The same, within `limits`.
    #[must_use]
    pub fn with_limits(coder: Arc<Coder>, identity: ModelIdentity, limits: Limits) -> Self {
        let settings = Settings {
            limits,
            ..Settings::default()
        };
        Self::with_settings(coder, identity, &settings)
    }

    /// The same, with what `settings` say of limits, administration and the
    /// shadow.
    #[must_use]
    pub fn with_settings(coder: Arc<Coder>, identity: ModelIdentity, settings: &Settings) -> Self {
        Self::with_log(coder, identity, settings, BusinessLog::default())
    }

    /// The same, with a business log.
    #[must_use]
    pub fn with_log(
        coder: Arc<Coder>,
        identity: ModelIdentity,
        settings: &Settings,
        log: BusinessLog,
    ) -> Self {
        let limits = settings.limits.clone();
        let kib = (limits.max_bodies_bytes >> 10).min(Semaphore::MAX_PERMITS);
        let batches = limits
            .max_concurrent_batches
            .clamp(1, Semaphore::MAX_PERMITS);
        Self(Arc::new(Shared {
            model: ArcSwap::from_pointee(ServedModel::new(coder, identity)),
            shadow: Shadow::new(settings.shadow),
            replacing: Mutex::default(),
            serving_desk: Desk::default(),
            challenger_desk: Desk::default(),
            metrics: Arc::default(),
            journal: ServiceJournal::new(log),
            limits,
            admin_token: settings.admin_token.clone(),
            is_stopping: AtomicBool::new(false),
            bodies_kib: Arc::new(Semaphore::new(kib)),
            batches: Arc::new(Semaphore::new(batches)),
        }))
    }

    /// The model that answers now. A request asks once, and uses what it got to
    /// its end.
    #[must_use]
    pub fn model(&self) -> Arc<ServedModel> {
        self.0.model.load_full()
    }

    /// From now on requests are answered by `model`; those that have begun keep
    /// theirs, which is dropped behind the last of them.
    pub fn replace_model(&self, model: ServedModel) {
        let _turn = lock(&self.0.replacing);
        let model = Arc::new(model);
        let old = self.0.model.swap(Arc::clone(&model));
        self.0.shadow.compare_with(&model);
        reap(old);
    }

    /// The model that answers in the shadow, where there is one.
    #[must_use]
    pub fn challenger(&self) -> Option<Arc<ServedModel>> {
        self.0.shadow.challenger()
    }

    /// From now on `challenger` gets a share of the declarations too; none
    /// ends it. Its answers go to the log and the metrics, never to a client.
    pub fn set_challenger(&self, challenger: Option<ServedModel>) {
        let _turn = lock(&self.0.replacing);
        let challenger = challenger.map(Arc::new);
        self.0.shadow.set_challenger(challenger, &self.model());
    }

    /// What a request may ask for.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// From now on `/ready` says 503, and no model is fetched any more.
    pub fn start_stopping(&self) {
        self.0.is_stopping.store(true, Ordering::Release);
    }

    /// Whether the service was asked to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.0.is_stopping.load(Ordering::Acquire)
    }

    pub(crate) fn shadow(&self) -> &Shadow<ServedModel> {
        &self.0.shadow
    }

    pub(crate) fn desk(&self, role: Role) -> &Desk {
        match role {
            Role::Serving => &self.0.serving_desk,
            Role::Challenger => &self.0.challenger_desk,
        }
    }

    pub(crate) fn metrics(&self) -> &Arc<ServiceMetrics> {
        &self.0.metrics
    }

    pub(crate) fn journal(&self) -> &ServiceJournal {
        &self.0.journal
    }

    pub(crate) fn admin_token(&self) -> Option<&Secret> {
        self.0.admin_token.as_ref()
    }

    pub(crate) fn bodies_kib(&self) -> Arc<Semaphore> {
        Arc::clone(&self.0.bodies_kib)
    }

    pub(crate) fn batches(&self) -> Arc<Semaphore> {
        Arc::clone(&self.0.batches)
    }
}

/// What `mutex` guards; nothing is left half done there where a holder panics.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
