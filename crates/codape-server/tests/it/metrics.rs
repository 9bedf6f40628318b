//! What `/metrics` says, as Prometheus reads it.

use std::collections::{HashMap, HashSet};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use codape_server::{Digest, ModelIdentity, ServedModel, app};

use crate::source::{Plan, ask, coder_of, service_of_one};
use crate::support::{batch, bytes, call, get, post};

/// The samples of an answer, by name and labels as they are written.
pub async fn samples(app: &Router) -> HashMap<String, f64> {
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let response = call(app, request).await;
    assert_eq!(response.status(), StatusCode::OK);
    let content_type = &response.headers()[header::CONTENT_TYPE];
    assert_eq!(content_type, "text/plain; version=0.0.4");
    parse(&String::from_utf8(bytes(response).await).unwrap())
}

/// Reads the text format: each family is described once, before its samples,
/// and no sample comes twice.
fn parse(text: &str) -> HashMap<String, f64> {
    let mut described = HashSet::new();
    let mut family = String::new();
    let mut samples = HashMap::new();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.split(' ');
            let (kind, name) = (words.next().unwrap(), words.next().unwrap());
            match kind {
                "HELP" => assert!(described.insert(name.to_owned()), "{name} comes twice"),
                "TYPE" => family = name.to_owned(),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap();
        let name = sample.split('{').next().unwrap();
        assert!(name.starts_with(&family), "{line} is in {family}");
        if let Some(labels) = sample.strip_prefix(name).filter(|rest| !rest.is_empty()) {
            check_labels(labels.strip_prefix('{').unwrap().strip_suffix('}').unwrap());
        }
        let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(samples.insert(sample.to_owned(), value).is_none(), "{line}");
    }
    samples
}

/// `name="value",…`, with backslashes before quotes.
fn check_labels(mut labels: &str) {
    while !labels.is_empty() {
        let (name, rest) = labels.split_once("=\"").unwrap();
        assert!(
            name.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
            "{name}"
        );
        let mut is_escaped = false;
        let end = rest.find(|c| {
            let ends = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            ends
        });
        let rest = &rest[end.unwrap() + 1..];
        labels = rest.strip_prefix(',').unwrap_or(rest);
    }
}

#[tokio::test(start_paused = true)]
async fn requests_are_counted_by_route_and_status() {
    let (state, source) = service_of_one();
    let app = app(state.clone());
    let first = samples(&app).await;
    assert_eq!(
        first[r#"codape_model_info{digest="sha256:1",model="ape",version="1"}"#],
        1.0
    );
    assert_eq!(first.len(), 1, "{first:?}");

    for _ in 0..3 {
        get(&app, "/predict?text_description=coiffure").await;
    }
    get(&app, "/predict").await;
    get(&app, "/predict/nowhere").await;
    get(&app, "/nope?x=%22").await;
    post(&app, "/predict-batch", batch(&["coiffure"]).to_string()).await;
    source.publish(2, Plan::Good);
    ask(&state).await;
    ask(&state).await;
    source.publish(3, Plan::Bad("no"));
    ask(&state).await;

    let samples = samples(&app).await;
    let requests = |route, status| {
        samples[&format!(r#"codape_requests_total{{route="{route}",status="{status}"}}"#)]
    };
    assert_eq!(requests("/predict", 200), 3.0);
    assert_eq!(requests("/predict", 422), 1.0);
    assert_eq!(requests("unmatched", 404), 2.0);
    assert_eq!(requests("/predict-batch", 200), 1.0);
    assert_eq!(requests("/metrics", 200), 1.0);
    assert_eq!(
        samples[r#"codape_request_seconds_count{route="/predict"}"#],
        4.0
    );
    assert_eq!(
        samples[r#"codape_request_seconds_bucket{route="/predict",le="+Inf"}"#],
        4.0
    );
    assert!(
        samples.contains_key(r#"codape_model_info{digest="sha256:2",model="ape",version="2"}"#)
    );
    let reloads = |outcome| {
        samples[&format!(r#"codape_reloads_total{{outcome="{outcome}",role="serving"}}"#)]
    };
    assert_eq!(["reloaded", "unchanged", "refused"].map(reloads), [1.0; 3]);
    let last = samples[r#"codape_last_reload_timestamp_seconds{role="serving"}"#];
    assert!(last > 1.7e9, "{last}");
}

#[tokio::test]
async fn hostile_names_cannot_break_the_text() {
    let (state, _) = service_of_one();
    let identity = ModelIdentity {
        name: "a\"} 1\nb{\\".to_owned(),
        version: "é\u{2028}".to_owned(),
        digest: Digest::known("\\"),
        ..ModelIdentity::default()
    };
    state.replace_model(ServedModel::new(coder_of(1), identity));
    let samples = samples(&app(state)).await;
    assert_eq!(samples.len(), 1);
    let info = r#"codape_model_info{digest="\\",model="a\"} 1%0Ab{\\",version="%C3%A9%E2%80%A8"}"#;
    assert!(samples.contains_key(info), "{samples:?}");
}
