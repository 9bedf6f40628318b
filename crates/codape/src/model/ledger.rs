//! What the service does with models, written into the ledger.

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use codape_registry::{Entry, Event, Ledger, RegistryError};
use codape_server::{ModelIdentity, ReloadEvent, ReloadObserver, ReloadStep};

/// The ledger of this process.
#[derive(Debug)]
pub struct ServiceLedger {
    ledger: Ledger,
    host: String,
    /// The model that serves.
    serving: Mutex<Option<ModelIdentity>>,
}

impl ServiceLedger {
    pub fn new(ledger: Ledger) -> Self {
        let host = std::env::var("HOSTNAME")
            .ok()
            .filter(|name| !name.is_empty());
        let of_system = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        let host = host.or_else(of_system).unwrap_or_default();
        Self {
            ledger,
            host: host.trim().to_owned(),
            serving: Mutex::default(),
        }
    }

    /// Notes that the service begins with a model.
    pub fn begin(&self, identity: &ModelIdentity) -> Result<(), RegistryError> {
        self.set_serving(Some(identity.clone()));
        let entry = self.entry(Event::Served, "serving", identity);
        self.ledger.add(&entry)
    }

    /// Notes that the service ends.
    pub fn end(&self) -> Result<(), RegistryError> {
        match self.set_serving(None) {
            Some(identity) => {
                let entry = self.entry(Event::Stopped, "serving", &identity);
                self.ledger.add(&entry)
            }
            None => Ok(()),
        }
    }

    fn set_serving(&self, identity: Option<ModelIdentity>) -> Option<ModelIdentity> {
        let serving = self.serving.lock();
        let mut serving = serving.unwrap_or_else(std::sync::PoisonError::into_inner);
        std::mem::replace(&mut serving, identity)
    }

    fn entry(&self, event: Event, role: &str, identity: &ModelIdentity) -> Entry {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Entry {
            at_ms: since.map_or(0, |since| since.as_millis() as u64),
            event,
            host: self.host.clone(),
            pid: std::process::id(),
            role: role.to_owned(),
            name: identity.name.clone(),
            version: identity.version.clone(),
            digest: identity.digest.get().unwrap_or_default().to_owned(),
            source: identity.source.clone(),
            reason: String::new(),
        }
    }
}

impl ReloadObserver for ServiceLedger {
    fn observe(&self, event: &ReloadEvent) {
        let role = event.role.as_str();
        let entry = match (&event.step, &event.identity) {
            (ReloadStep::Served { .. }, Some(identity)) => {
                if role == "serving" {
                    self.set_serving(Some(identity.clone()));
                }
                self.entry(Event::Served, role, identity)
            }
            (ReloadStep::Refused { mark, reason }, identity) => Entry {
                version: mark.version().to_owned(),
                digest: String::new(),
                reason: reason.clone(),
                ..self.entry(Event::Refused, role, &identity.clone().unwrap_or_default())
            },
            _ => return,
        };
        if let Err(error) = self.ledger.add(&entry) {
            tracing::error!(%error, "the ledger cannot be written");
        }
    }
}
