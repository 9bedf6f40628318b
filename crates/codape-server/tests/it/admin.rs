//! Who may reload, and what they are told.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use codape_server::{AppState, Reload, Role, Secret, Settings, app};
use serde_json::{Value, json};

use crate::source::{
    FakeSource, Plan, Says, coder_of, identity_of, reload, service_of_one, state_of_one,
};
use crate::support::{self, call, get};

const LOCAL: &str = "127.0.0.1:40000";
const ELSEWHERE: &str = "10.1.2.3:40000";

fn request(target: &str, peer: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let peer: SocketAddr = peer.parse().unwrap();
    let mut request = Request::post(target).extension(ConnectInfo(peer));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

async fn ask(app: &Router, request: Request<Body>) -> (StatusCode, Value) {
    support::json(call(app, request).await).await
}

#[tokio::test(start_paused = true)]
async fn a_reload_says_what_came_of_it() {
    let (state, source) = service_of_one();
    let app = app(state);
    let ask = async || ask(&app, request("/admin/reload", LOCAL, &[])).await;
    let model = |version: u8| json!({"name": "ape", "version": version.to_string(), "digest": format!("sha256:{version}")});
    let expected = json!({"outcome": "unchanged", "model": model(1)});
    assert_eq!(ask().await, (StatusCode::OK, expected));
    source.publish(2, Plan::Good);
    let expected = json!({"outcome": "reloaded", "model": model(2)});
    assert_eq!(ask().await, (StatusCode::OK, expected));
    source.publish(3, Plan::Bad("no\tgood"));
    let expected = json!({"outcome": "refused", "model": model(2), "reason": "no good"});
    assert_eq!(ask().await, (StatusCode::OK, expected));
    source.say(Says::Down("away"));
    let expected = json!({"outcome": "unreachable", "model": model(2), "reason": "away"});
    assert_eq!(ask().await, (StatusCode::OK, expected));

    let (status, ready) = get(&app, "/ready").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["model"], model(2));
    assert_eq!(ready["reload"]["state"], "unreachable");
    assert_eq!(ready["reload"]["refused"]["version"], "3");
    let checked = ready["reload"]["checked"].as_str().unwrap();
    assert_eq!((checked.len(), &checked[10..11]), (20, "T"), "{checked}");
}

#[tokio::test(start_paused = true)]
async fn without_a_source_nothing_can_be_reloaded() {
    let app = app(state_of_one());
    for target in ["/admin/reload", "/admin/reload/challenger"] {
        let (status, error) = ask(&app, request(target, LOCAL, &[])).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert!(error["detail"].is_string(), "{error}");
        let (status, _) = get(&app, target).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test(start_paused = true)]
async fn strangers_are_refused_and_nothing_is_asked() {
    let (state, source) = service_of_one();
    let app = app(state);
    let requests = [
        request("/admin/reload", ELSEWHERE, &[]),
        request("/admin/reload", ELSEWHERE, &[("authorization", "Bearer ")]),
        request("/admin/reload", LOCAL, &[("x-forwarded-for", "127.0.0.1")]),
        request("/admin/reload", LOCAL, &[("forwarded", "for=127.0.0.1")]),
        request("/admin/reload", LOCAL, &[("origin", "http://localhost")]),
        request("/admin/reload/challenger", ELSEWHERE, &[]),
        Request::post("/admin/reload").body(Body::empty()).unwrap(),
    ];
    for request in requests {
        let (status, error) = ask(&app, request).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        let expected = "Without a token, only this machine's own processes are let in.";
        assert_eq!(error, json!({"detail": expected}));
    }
    assert!(source.asked().borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn with_a_token_who_shows_it_is_let_in() {
    let settings = Settings {
        admin_token: Some(Secret::new("hush")),
        ..Settings::default()
    };
    assert!(!format!("{settings:?}").contains("hush"));
    let state = AppState::with_settings(coder_of(1), identity_of(1), &settings);
    let source = FakeSource::new(1);
    state.start_reloads(reload(&source));
    let app = app(state);
    let proxied = [
        ("authorization", "Bearer hush"),
        ("forwarded", "for=10.1.2.3"),
    ];
    for (peer, headers, expected) in [
        (ELSEWHERE, &proxied[..], StatusCode::OK),
        (LOCAL, &proxied[..1], StatusCode::OK),
        (LOCAL, &[], StatusCode::FORBIDDEN),
        (
            LOCAL,
            &[("authorization", "Bearer hus")],
            StatusCode::FORBIDDEN,
        ),
        (
            LOCAL,
            &[("authorization", "Basic hush")],
            StatusCode::FORBIDDEN,
        ),
    ] {
        let (status, answer) = ask(&app, request("/admin/reload", peer, headers)).await;
        assert_eq!(status, expected, "{answer}");
        assert!(!answer.to_string().contains("hus"), "{answer}");
    }
    assert_eq!(source.asked().borrow().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_challenger_is_reloaded_by_itself() {
    let source = FakeSource::new(2);
    let state = state_of_one();
    state.start_reloads(Reload {
        role: Role::Challenger,
        serving: None,
        ..reload(&source)
    });
    let app = app(state);
    let request = || request("/admin/reload/challenger", LOCAL, &[]);
    let (_, first) = ask(&app, request()).await;
    let (_, second) = ask(&app, request()).await;
    assert_eq!(first["model"]["version"], "2");
    assert_eq!(second["outcome"], "unchanged");
}
