//! A source of models in memory, which does what a test tells it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use codape_coder::Coder;
use codape_server::{
    AppState, BoxFuture, Digest, Limits, LoadError, Loaded, Mark, ModelIdentity, ModelSource,
    Outcome, Reload, ReloadSettings, Role, SourceError,
};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::support::{LABELS, coder, state};

/// What becomes of a version.
#[derive(Debug, Clone, Copy)]
pub enum Plan {
    Good,
    Bad(&'static str),
    /// So many times out of reach, then good.
    Late(u32),
    Slow(Duration),
    Panics,
}

/// What the source says when it is asked which version stands.
#[derive(Debug, Clone)]
pub enum Says {
    Mark(Mark),
    Down(&'static str),
    Nothing,
    Panics,
}

#[derive(Debug)]
pub struct FakeSource {
    says: Mutex<Says>,
    plans: Mutex<HashMap<String, Plan>>,
    asked: watch::Sender<Vec<Instant>>,
    loaded: Mutex<Vec<String>>,
    coders: Mutex<HashMap<String, Weak<Coder>>>,
    running: AtomicUsize,
    most: AtomicUsize,
}

/// The code that "coiffure" gets of the model of a version: odd numbers say the
/// first of the labels, even ones the second.
pub fn code_of(version: u64) -> &'static str {
    if version.is_multiple_of(2) {
        "1071C"
    } else {
        "9602A"
    }
}

/// A coder for the version.
pub fn coder_of(version: u64) -> Arc<Coder> {
    let mut labels = LABELS;
    if version.is_multiple_of(2) {
        labels.swap(0, 1);
    }
    Arc::new(coder(&labels))
}

/// The identity of a version.
pub fn identity_of(version: u64) -> ModelIdentity {
    ModelIdentity {
        name: "ape".to_owned(),
        version: version.to_string(),
        digest: Digest::known(format!("sha256:{version}")),
        ..ModelIdentity::default()
    }
}

pub fn mark(version: u64) -> Mark {
    Mark::new(version.to_string(), "a")
}

impl FakeSource {
    pub fn new(version: u64) -> Arc<Self> {
        Arc::new(Self {
            says: Mutex::new(Says::Mark(mark(version))),
            plans: Mutex::default(),
            asked: watch::Sender::default(),
            loaded: Mutex::default(),
            coders: Mutex::default(),
            running: AtomicUsize::default(),
            most: AtomicUsize::default(),
        })
    }

    /// From now on the version stands.
    pub fn publish(&self, version: u64, plan: Plan) {
        self.plans.lock().unwrap().insert(version.to_string(), plan);
        self.say(Says::Mark(mark(version)));
    }

    pub fn say(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    /// When it was asked which version stands.
    pub fn asked(&self) -> watch::Receiver<Vec<Instant>> {
        self.asked.subscribe()
    }

    /// The versions that it was asked to load.
    pub fn loaded(&self) -> Vec<String> {
        self.loaded.lock().unwrap().clone()
    }

    /// The coder of a version, if anybody still has it.
    pub fn coder(&self, version: u64) -> Weak<Coder> {
        self.coders.lock().unwrap()[&version.to_string()].clone()
    }

    /// The most loads and checks that ran at the same time.
    pub fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    fn begin(&self) -> Running<'_> {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        Running(&self.running)
    }
}

struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl ModelSource for FakeSource {
    fn current(&self) -> BoxFuture<'_, Result<Mark, SourceError>> {
        Box::pin(async {
            let _running = self.begin();
            self.asked.send_modify(|asked| asked.push(Instant::now()));
            tokio::task::yield_now().await;
            let says = self.says.lock().unwrap().clone();
            match says {
                Says::Mark(mark) => Ok(mark),
                Says::Down(reason) => Err(SourceError(reason.into())),
                Says::Nothing => std::future::pending().await,
                Says::Panics => panic!("a source panics"),
            }
        })
    }

    fn load<'a>(&'a self, mark: &'a Mark) -> BoxFuture<'a, Result<Loaded, LoadError>> {
        Box::pin(async {
            let _running = self.begin();
            let version = mark.version().to_owned();
            self.loaded.lock().unwrap().push(version.clone());
            let plan = {
                let mut plans = self.plans.lock().unwrap();
                let plan = plans.entry(version.clone()).or_insert(Plan::Good);
                let now = *plan;
                if let Plan::Late(times) = plan {
                    *times = times.saturating_sub(1);
                }
                now
            };
            match plan {
                Plan::Good | Plan::Late(0) => {}
                Plan::Late(_) => return Err(LoadError::Transient("half of it came".into())),
                Plan::Bad(reason) => return Err(LoadError::Refused(reason.into())),
                Plan::Slow(time) => tokio::time::sleep(time).await,
                Plan::Panics => panic!("a source panics"),
            }
            let number = version.parse().unwrap();
            let coder = coder_of(number);
            let weak = Arc::downgrade(&coder);
            self.coders.lock().unwrap().insert(version, weak);
            Ok(Loaded {
                coder,
                identity: identity_of(number),
            })
        })
    }
}

/// A service of version 1, with a source that knows it, and nobody who asks
/// unless the test does.
pub fn service_of_one() -> (AppState, Arc<FakeSource>) {
    let source = FakeSource::new(1);
    let state = state_of_one();
    state.start_reloads(reload(&source));
    (state, source)
}

/// A state of version 1.
pub fn state_of_one() -> AppState {
    let state = state(Limits::default());
    state.replace_model(codape_server::ServedModel::new(coder_of(1), identity_of(1)));
    state
}

/// A reload that happens only when it is asked for.
pub fn reload(source: &Arc<FakeSource>) -> Reload {
    Reload {
        serving: Some(mark(1)),
        settings: ReloadSettings {
            interval: None,
            ..ReloadSettings::default()
        },
        ..Reload::new(Arc::clone(source) as Arc<dyn ModelSource>)
    }
}

/// Asks for a reload of the model that serves.
pub async fn ask(state: &AppState) -> Outcome {
    state.reload(Role::Serving).await.unwrap()
}
