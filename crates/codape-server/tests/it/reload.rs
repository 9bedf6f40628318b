//! Models that come and go while the service answers.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, StatusCode};
use codape_server::{
    Outcome, Reload, ReloadEvent, ReloadSettings, ReloadStep, Role, ServedModel, app,
};
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};

use crate::source::{
    FakeSource, Plan, Says, ask, code_of, coder_of, identity_of, mark, reload, service_of_one,
    state_of_one,
};
use crate::support::{self, batch, call, get};

const PREDICT: &str = "/predict?text_description=coiffure&prob_min=0";
const SECOND: Duration = Duration::from_secs(1);

fn refused(version: u64, reason: &str) -> Outcome {
    Outcome::Refused {
        version: version.to_string(),
        reason: reason.to_owned(),
    }
}

fn unreachable(reason: &str) -> Outcome {
    Outcome::Unreachable {
        reason: reason.to_owned(),
    }
}

/// The version that answers, by the header; what it says must be of it.
async fn version_of(app: &Router, request: Request<Body>) -> u64 {
    let response = call(app, request).await;
    assert_eq!(response.status(), StatusCode::OK);
    let version = {
        let header = |name: &str| response.headers()[name].to_str().unwrap();
        let version = header("codape-model-version");
        assert_eq!(header("codape-model"), "ape");
        assert_eq!(header("codape-model-digest"), format!("sha256:{version}"));
        version.parse().unwrap()
    };
    let (_, answer) = support::json(response).await;
    let answers = match answer {
        Value::Array(answers) => answers,
        answer => vec![answer],
    };
    for answer in answers {
        assert_eq!(answer["1"]["code"], code_of(version));
    }
    version
}

fn predict() -> Request<Body> {
    Request::get(PREDICT).body(Body::empty()).unwrap()
}

fn predict_batch(lines: usize) -> Request<Body> {
    Request::post("/predict-batch?prob_min=0")
        .body(Body::from(batch(&vec!["coiffure"; lines]).to_string()))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_sees_two_models() {
    const CLIENTS: usize = 4;
    let (state, source) = service_of_one();
    let app = app(state.clone());
    let seen: Arc<[AtomicU64; CLIENTS]> = Arc::default();
    let is_done = Arc::new(AtomicBool::new(false));
    let client = |client: usize| {
        let (app, seen, is_done) = (app.clone(), Arc::clone(&seen), Arc::clone(&is_done));
        async move {
            let mut last = 0;
            while !is_done.load(Ordering::Relaxed) {
                let request = match client {
                    // Several chunks, between which models are replaced.
                    0 => predict_batch(5000),
                    _ => predict(),
                };
                let version = version_of(&app, request).await;
                assert!(version >= last, "a model came back");
                seen[client].fetch_add(u64::from(version != last), Ordering::Relaxed);
                last = version;
                tokio::task::yield_now().await;
            }
        }
    };
    let clients: Vec<_> = (0..CLIENTS).map(|i| tokio::spawn(client(i))).collect();
    let mut version = 1;
    while seen.iter().any(|seen| seen.load(Ordering::Relaxed) < 5) {
        assert!(clients.iter().all(|client| !client.is_finished()));
        version += 1;
        source.publish(version, Plan::Good);
        assert_eq!(ask(&state).await, Outcome::Reloaded);
        assert_eq!(version_of(&app, predict()).await, version);
    }
    is_done.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_goes_with_its_last_request() {
    let (state, source) = service_of_one();
    let app = app(state.clone());
    source.publish(2, Plan::Good);
    assert_eq!(ask(&state).await, Outcome::Reloaded);
    let old = source.coder(2);

    // A request that has begun and waits for its body.
    let (send, part) = oneshot::channel();
    let begun = Arc::new(Notify::new());
    let body = Later {
        begun: Arc::clone(&begun),
        part: Some(part),
    };
    let request = Request::post("/predict-batch?prob_min=0")
        .body(Body::new(body))
        .unwrap();
    let waiting = tokio::spawn({
        let app = app.clone();
        async move { version_of(&app, request).await }
    });
    begun.notified().await;

    source.publish(3, Plan::Good);
    assert_eq!(ask(&state).await, Outcome::Reloaded);
    assert_eq!(version_of(&app, predict()).await, 3);
    tokio::time::sleep(5 * SECOND).await;
    assert!(old.upgrade().is_some(), "a request needs it");
    send.send(Bytes::from(batch(&["coiffure"]).to_string()))
        .unwrap();
    assert_eq!(waiting.await.unwrap(), 2);
    // The reaper looks once a second.
    tokio::time::sleep(3 * SECOND).await;
    assert!(old.upgrade().is_none(), "nobody needs it");
    assert!(source.coder(3).upgrade().is_some());
}

/// A body of one part that is to come.
struct Later {
    begun: Arc<Notify>,
    part: Option<oneshot::Receiver<Bytes>>,
}

impl HttpBody for Later {
    type Data = Bytes;
    type Error = oneshot::error::RecvError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.begun.notify_one();
        let Some(part) = &mut self.part else {
            return Poll::Ready(None);
        };
        Pin::new(part).poll(context).map(|part| {
            self.part = None;
            Some(part.map(Frame::data))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_refused_stays_out() {
    let (state, source) = service_of_one();
    let app = app(state.clone());
    assert_eq!(ask(&state).await, Outcome::Unchanged);
    source.publish(2, Plan::Bad("golden 3 says\r\n1071C"));
    for _ in 0..3 {
        assert_eq!(ask(&state).await, refused(2, "golden 3 says  1071C"));
    }
    assert_eq!(source.loaded(), ["2"]);
    assert_eq!(version_of(&app, predict()).await, 1);
    let (status, ready) = get(&app, "/ready").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(ready["model"]["version"], "1");
    assert_eq!(ready["reload"]["state"], "refused");
    assert_eq!(
        ready["reload"]["refused"],
        json!({"version": "2", "reason": "golden 3 says  1071C"})
    );

    source.publish(3, Plan::Good);
    assert_eq!(ask(&state).await, Outcome::Reloaded);
    let (_, ready) = get(&app, "/ready").await;
    assert_eq!(ready["reload"]["state"], "current");
    assert_eq!(ready["reload"].get("refused"), None);
    // The name was elsewhere meanwhile.
    source.publish(2, Plan::Good);
    assert_eq!(ask(&state).await, Outcome::Reloaded);
    assert_eq!(source.loaded(), ["2", "3", "2"]);
}

#[tokio::test(start_paused = true)]
async fn the_same_version_with_another_fingerprint_is_another() {
    let (state, source) = service_of_one();
    source.say(Says::Mark(codape_server::Mark::new("1", "b")));
    assert_eq!(ask(&state).await, Outcome::Reloaded);
    assert_eq!(ask(&state).await, Outcome::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn what_panics_harms_nobody() {
    let (state, source) = service_of_one();
    let app = app(state.clone());
    source.say(Says::Panics);
    assert_eq!(
        ask(&state).await,
        unreachable("the source of models panicked")
    );
    source.publish(2, Plan::Panics);
    assert_eq!(
        ask(&state).await,
        refused(2, "the source of models panicked")
    );
    assert_eq!(
        ask(&state).await,
        refused(2, "the source of models panicked")
    );
    assert_eq!(source.loaded(), ["2"]);
    assert_eq!(version_of(&app, predict()).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_is_given_up() {
    let (state, source) = service_of_one();
    source.say(Says::Nothing);
    assert_eq!(ask(&state).await, unreachable("no answer in 30s"));
    source.publish(2, Plan::Slow(Duration::from_secs(3600)));
    assert_eq!(ask(&state).await, unreachable("no answer in 1800s"));
    let (status, ready) = get(&app(state), "/ready").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(ready["reload"]["state"], "unreachable");
}

#[tokio::test(start_paused = true)]
async fn a_source_is_asked_in_intervals_that_differ_a_little() {
    let source = FakeSource::new(1);
    let state = state_of_one();
    state.start_reloads(Reload {
        settings: ReloadSettings {
            interval: Some(60 * SECOND),
            ..ReloadSettings::default()
        },
        ..reload(&source)
    });
    let mut asked = source.asked();
    let start = tokio::time::Instant::now();
    let times = asked.wait_for(|asked| asked.len() == 20).await.unwrap();
    let times = [&[start], times.as_slice()].concat();
    let gaps: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let millisecond = Duration::from_millis(1);
    for gap in &gaps {
        assert!(
            *gap >= 54 * SECOND && *gap <= 66 * SECOND + millisecond,
            "{gap:?}"
        );
    }
    assert!(gaps.iter().max() > gaps.iter().min());
    assert_eq!(source.loaded(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn without_an_interval_nobody_asks() {
    let (state, source) = service_of_one();
    tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
    assert!(source.asked().borrow().is_empty());
    drop(state);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_down_is_asked_again() {
    let (state, source) = service_of_one();
    source.say(Says::Down("connection\nrefused"));
    assert_eq!(ask(&state).await, unreachable("connection refused"));
    let mut asked = source.asked();
    let times = asked
        .wait_for(|asked| asked.len() == 12)
        .await
        .unwrap()
        .clone();
    let gaps: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (gap, expected) in gaps
        .iter()
        .zip([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
    {
        let ratio = gap.as_secs_f64() / f64::from(expected);
        assert!((0.89..1.11).contains(&ratio), "{gap:?}, not {expected} s");
    }
    // It comes back with a version that comes only at the second try.
    source.publish(2, Plan::Late(1));
    while state.model().identity().version != "2" {
        tokio::time::sleep(SECOND).await;
    }
    assert_eq!(source.loaded(), ["2", "2"]);
    // All is well: nobody asks any more.
    let count = asked.borrow().len();
    tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
    assert_eq!(asked.borrow().len(), count);
}

#[tokio::test(start_paused = true)]
async fn there_is_one_reload_at_a_time() {
    let (state, source) = service_of_one();
    let app = app(state.clone());
    source.publish(2, Plan::Slow(10 * SECOND));
    let first = tokio::spawn({
        let state = state.clone();
        async move { ask(&state).await }
    });
    while source.loaded().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(get(&app, "/ready").await.1["reload"]["state"], "loading");
    assert_eq!(version_of(&app, predict()).await, 1);
    // These come while it runs, and after them another version.
    let others: Vec<_> = (0..40)
        .map(|_| {
            let state = state.clone();
            tokio::spawn(async move { ask(&state).await })
        })
        .collect();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    source.publish(3, Plan::Slow(10 * SECOND));
    assert_eq!(first.await.unwrap(), Outcome::Reloaded);
    let mut outcomes = Vec::new();
    for other in others {
        outcomes.push(other.await.unwrap());
    }
    assert!(outcomes.contains(&Outcome::Reloaded), "they looked again");
    assert_eq!(source.most(), 1);
    assert_eq!(source.loaded(), ["2", "3"]);
    assert!(
        source.asked().borrow().len() <= 5,
        "those who wait share a check"
    );
}

#[tokio::test(start_paused = true)]
async fn a_model_is_made_ready_before_it_serves() {
    let source = FakeSource::new(1);
    let state = state_of_one();
    let versions = Arc::new(Mutex::new(Vec::new()));
    let prepare = {
        let (state, versions) = (state.clone(), Arc::clone(&versions));
        move |coder: &codape_coder::Coder| {
            let serving = state.model().identity().version.clone();
            versions.lock().unwrap().push(serving);
            assert_eq!(coder.codes().next(), Some("1071C"), "only even versions");
        }
    };
    state.start_reloads(Reload {
        prepare: Arc::new(prepare),
        ..reload(&source)
    });
    source.publish(2, Plan::Good);
    assert_eq!(ask(&state).await, Outcome::Reloaded);
    source.publish(3, Plan::Good);
    assert_eq!(ask(&state).await, refused(3, "making it ready failed"));
    assert_eq!(*versions.lock().unwrap(), ["1", "2"]);
    assert_eq!(state.model().identity().version, "2");
    assert!(source.coder(3).upgrade().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_observer_is_told_each_step() {
    let source = FakeSource::new(1);
    let state = state_of_one();
    let events = Arc::new(Mutex::new(Vec::new()));
    let observer = {
        let events = Arc::clone(&events);
        move |event: &ReloadEvent| {
            let version = event.identity.as_ref().unwrap().version.clone();
            let step = match &event.step {
                ReloadStep::Loading { mark } => format!("loading {mark}"),
                ReloadStep::Served { mark, replaced, .. } => {
                    format!("{mark} for {}", replaced.as_ref().unwrap().version)
                }
                ReloadStep::Refused { mark, reason } => format!("not {mark}: {reason}"),
                ReloadStep::Unreachable { reason, tries, .. } => format!("{tries}: {reason}"),
                _ => panic!("another step"),
            };
            events.lock().unwrap().push(format!("{version}: {step}"));
            assert_eq!(event.role, Role::Serving);
            assert!(tries_below(&event.step, 2), "an observer panics");
        }
    };
    state.start_reloads(Reload {
        observer: Arc::new(observer),
        ..reload(&source)
    });
    assert_eq!(ask(&state).await, Outcome::Unchanged);
    source.publish(2, Plan::Good);
    ask(&state).await;
    source.publish(3, Plan::Bad("no"));
    ask(&state).await;
    ask(&state).await;
    source.say(Says::Down("away"));
    ask(&state).await;
    ask(&state).await;
    source.publish(4, Plan::Good);
    assert_eq!(ask(&state).await, Outcome::Reloaded);
    assert_eq!(
        *events.lock().unwrap(),
        [
            "1: loading 2 (a)",
            "2: 2 (a) for 1",
            "2: loading 3 (a)",
            "2: not 3 (a): no",
            "2: 1: away",
            "2: 2: away",
            "2: loading 4 (a)",
            "4: 4 (a) for 2",
        ]
    );
}

fn tries_below(step: &ReloadStep, most: u32) -> bool {
    !matches!(step, ReloadStep::Unreachable { tries, .. } if *tries >= most)
}

#[tokio::test(start_paused = true)]
async fn a_challenger_comes_from_a_source_too() {
    let source = FakeSource::new(2);
    let state = state_of_one();
    let app = app(state.clone());
    state.start_reloads(Reload {
        role: Role::Challenger,
        serving: None,
        ..reload(&source)
    });
    while state.challenger().is_none() {
        tokio::time::sleep(SECOND).await;
    }
    assert_eq!(version_of(&app, predict()).await, 1);
    source.publish(4, Plan::Good);
    assert_eq!(
        state.reload(Role::Challenger).await,
        Some(Outcome::Reloaded)
    );
    assert_eq!(state.reload(Role::Serving).await, None);
    // The shadow's thread may have it still, and knows no paused time.
    let start = std::time::Instant::now();
    while source.coder(2).upgrade().is_some() {
        assert!(start.elapsed() < 60 * SECOND);
        tokio::time::sleep(SECOND).await;
    }
    let (_, ready) = get(&app, "/ready").await;
    assert_eq!(ready["model"]["version"], "1");
    assert_eq!(ready.get("reload"), None);
    assert_eq!(ready["challenger"]["model"]["version"], "4");
    assert_eq!(ready["challenger"]["reload"]["state"], "current");
}

#[tokio::test]
async fn names_that_are_no_headers_are_written_in_hexadecimal() {
    let state = state_of_one();
    let app = app(state.clone());
    let identity = codape_server::ModelIdentity {
        name: "modèle\r\nset-cookie: a=b".to_owned(),
        version: "\0\u{ffff}".to_owned(),
        ..identity_of(1)
    };
    let digest = codape_server::Digest::default();
    let identity = codape_server::ModelIdentity {
        digest: digest.clone(),
        ..identity
    };
    state.replace_model(ServedModel::new(coder_of(1), identity));
    let response = call(&app, predict()).await;
    let headers = response.headers();
    assert_eq!(headers["codape-model"], "mod%C3%A8le%0D%0Aset-cookie: a=b");
    assert_eq!(headers["codape-model-version"], "%00%EF%BF%BF");
    assert!(!headers.contains_key("codape-model-digest"));
    digest.set("sha256:\n");
    for target in [PREDICT, "/", "/predict?nb_echos_max=x"] {
        let request = Request::get(target).body(Body::empty()).unwrap();
        let response = call(&app, request).await;
        assert_eq!(
            response.headers()["codape-model-digest"],
            "sha256:%0A",
            "{target}"
        );
    }
    let request = Request::get("/health").body(Body::empty()).unwrap();
    assert!(
        !call(&app, request)
            .await
            .headers()
            .contains_key("codape-model")
    );
}

#[cfg(unix)]
#[test]
fn a_hangup_asks_for_a_reload() {
    support::alone("reload::child_of_the_hangup");
}

#[cfg(unix)]
#[tokio::test]
#[ignore = "run by a_hangup_asks_for_a_reload"]
async fn child_of_the_hangup() {
    let (state, source) = service_of_one();
    // The handler is in place once the task runs.
    assert_eq!(ask(&state).await, Outcome::Unchanged);
    source.publish(2, Plan::Good);
    let killed = std::process::Command::new("kill")
        .args(["-HUP", &std::process::id().to_string()])
        .status();
    assert!(killed.unwrap().success());
    let deadline = tokio::time::Instant::now() + 60 * SECOND;
    while state.model().identity().version != "2" {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    assert_eq!(source.loaded(), [mark(2).version()]);
}
