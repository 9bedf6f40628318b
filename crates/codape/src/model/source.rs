//! A name in a registry as the service's source of models.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use anyhow::Context;
use codape_coder::{Access, Coder};
use codape_registry::{Fetched, Lease, Located, ModelUri, Progress, Registry, RegistryError};
use codape_server::{
    BoxError, BoxFuture, Digest, LoadError, Loaded, Mark, ModelIdentity, ModelSource, SourceError,
};
use tokio::runtime::Runtime;

use super::open::{Missing, metrics, open};

/// The time between two lines of the log about a fetch.
const LOG_EVERY: Duration = Duration::from_secs(5);
/// Threads that fetch: they wait for the disk, and requests do not wait for them.
const THREADS: usize = 2;

/// A name in a registry, and what is needed to open what it means.
pub struct RegistrySource {
    shared: Arc<Shared>,
    /// Fetching has threads of its own.
    runtime: Option<Runtime>,
}

struct Shared {
    registry: Registry,
    uri: ModelUri,
    access: Access,
    missing: Missing,
    /// What was found last: it is loaded without being looked for again.
    located: Mutex<Option<Located>>,
    /// Files of models that are in use.
    leases: Mutex<Vec<(Weak<Coder>, Lease)>>,
}

/// What the service starts with.
pub struct Start {
    pub loaded: Loaded,
    /// The version, as the source calls it.
    pub mark: Mark,
}

impl RegistrySource {
    pub fn new(
        registry: Registry,
        uri: ModelUri,
        access: Access,
        missing: Missing,
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("codape-registry")
            .enable_all()
            .build()
            .context("cannot start the threads that fetch models")?;
        Ok(Self {
            shared: Arc::new(Shared {
                registry,
                uri,
                access,
                missing,
                located: Mutex::default(),
                leases: Mutex::default(),
            }),
            runtime: Some(runtime),
        })
    }

    /// The model to start with: the one that the name means now, or, where the
    /// registry cannot be asked or that one is bad, the one that served last.
    pub fn start(&self) -> anyhow::Result<Start> {
        let shared = Arc::clone(&self.shared);
        self.runtime().block_on(async move {
            let error = match shared.start_now().await {
                Ok(start) => return Ok(start),
                Err(error) => error,
            };
            let last = shared.registry.last(&shared.uri)?;
            let Some(fetched) = last else {
                let uri = &shared.uri;
                return Err(error.context(format!("no model to start with: {uri}")));
            };
            let Fetched { record, .. } = &fetched;
            tracing::warn!(
                error = format!("{error:#}"),
                version = record.version,
                digest = record.digest,
                "the registry gives no model: the one that served last is taken from the cache"
            );
            let mark = Mark::new(record.version.clone(), record.key.clone());
            let loaded = shared.open(fetched)?;
            Ok(Start { loaded, mark })
        })
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is there until the drop")
    }

    /// Runs work on the threads that fetch.
    fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, BoxError>> {
        let running = AbortOnDrop(self.runtime().spawn(work));
        Box::pin(async move {
            let mut running = running;
            Ok((&mut running.0).await?)
        })
    }
}

/// Ends a task when nobody waits for it any more.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Drop for RegistrySource {
    fn drop(&mut self) {
        // A runtime that is dropped within another waits for its threads, which
        // is not allowed there.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    async fn start_now(self: &Arc<Self>) -> anyhow::Result<Start> {
        let located = self.registry.locate(&self.uri).await?;
        let mark = mark(&located);
        let fetched = self.fetch(&located).await?;
        let loaded = self.open(fetched)?;
        Ok(Start { loaded, mark })
    }

    async fn fetch(&self, located: &Located) -> Result<Fetched, RegistryError> {
        let progress = Arc::new(Progress::default());
        let logged = Arc::clone(&progress);
        let log = AbortOnDrop(tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOG_EVERY).await;
                let (done, total) = (logged.done() >> 20, logged.total() >> 20);
                if total > 0 {
                    tracing::info!(done_mib = done, total_mib = total, "fetching the model");
                }
            }
        }));
        let fetched = self.registry.fetch(located, &progress).await;
        drop(log);
        fetched
    }

    /// Opens a model, tries it, and notes that it may serve.
    fn open(&self, fetched: Fetched) -> anyhow::Result<Loaded> {
        let coder = Arc::new(open(&fetched, self.access, &self.missing)?);
        self.registry.remember(&fetched)?;
        let (asked, location) = match &fetched.uri {
            ModelUri::Registered { which, .. } => (which.to_string(), String::new()),
            uri => (String::new(), uri.to_string()),
        };
        let record = &fetched.record;
        let or = |text: &str, other: &str| match text.is_empty() {
            true => other.to_owned(),
            false => text.to_owned(),
        };
        let identity = ModelIdentity {
            name: or(&record.name, &location),
            version: or(&record.version, record.digest.get(..19).unwrap_or_default()),
            asked,
            metrics: metrics(&coder),
            source: fetched.uri.to_string(),
            digest: Digest::known(&record.digest),
        };
        let leases = self.leases.lock();
        let mut leases = leases.unwrap_or_else(PoisonError::into_inner);
        leases.retain(|(coder, _)| coder.strong_count() > 0);
        leases.push((Arc::downgrade(&coder), fetched.lease));
        Ok(Loaded { coder, identity })
    }

    /// What was found last, if it is what `mark` means.
    fn located(&self, mark: &Mark) -> Option<Located> {
        let located = self.located.lock();
        let located = located.unwrap_or_else(PoisonError::into_inner);
        located
            .clone()
            .filter(|located| located.key.hex() == mark.fingerprint())
    }
}

impl ModelSource for RegistrySource {
    fn current(&self) -> BoxFuture<'_, Result<Mark, SourceError>> {
        let shared = Arc::clone(&self.shared);
        let work = self.run(async move { (shared.registry.locate(&shared.uri).await, shared) });
        Box::pin(async move {
            let (located, shared) = work.await.map_err(SourceError)?;
            let located = located.map_err(|error| SourceError(error.into()))?;
            let mark = mark(&located);
            let last = shared.located.lock();
            *last.unwrap_or_else(PoisonError::into_inner) = Some(located);
            Ok(mark)
        })
    }

    fn load<'a>(&'a self, mark: &'a Mark) -> BoxFuture<'a, Result<Loaded, LoadError>> {
        let shared = Arc::clone(&self.shared);
        let located = self.shared.located(mark);
        let work = self.run(async move {
            let located = located.context("another version stands meanwhile");
            let located = located.map_err(|error| LoadError::Transient(error.into()))?;
            let fetched = shared.fetch(&located).await.map_err(of_fetch)?;
            let opened = shared.open(fetched);
            opened.map_err(|error| LoadError::Refused(error.into()))
        });
        Box::pin(async move { work.await.map_err(LoadError::Transient)? })
    }
}

/// A version is bad, or only hard to get.
fn of_fetch(error: RegistryError) -> LoadError {
    let is_of_the_moment = error.is_transient()
        || matches!(
            error,
            RegistryError::Refused { .. }
                | RegistryError::Changed { .. }
                | RegistryError::Io { .. }
                | RegistryError::Unexpected { .. }
        );
    match is_of_the_moment {
        true => LoadError::Transient(error.into()),
        false => LoadError::Refused(error.into()),
    }
}

fn mark(located: &Located) -> Mark {
    let version = located.resolved.version.as_ref();
    let version = version.map_or(String::new(), |version| version.version.clone());
    Mark::new(version, located.key.hex())
}
