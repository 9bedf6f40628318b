//! A challenger beside the model that serves.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use codape_server::{AppState, ServedModel, Settings, ShadowSettings, Share, app};

use crate::metrics::samples;
use crate::source::{coder_of, identity_of};
use crate::support::{batch, bytes, call, post};

/// More than any of this takes, on a machine that is busy.
const LONG: Duration = Duration::from_secs(60);

const LABELS: &str = r#"challenger_version="2",serving_version="1""#;

/// A service of version 1.
fn service() -> AppState {
    let settings = Settings {
        shadow: ShadowSettings {
            share: Share::new(1.0).unwrap(),
            ..ShadowSettings::default()
        },
        ..Settings::default()
    };
    AppState::with_settings(coder_of(1), identity_of(1), &settings)
}

fn predict(text: &str) -> Request<Body> {
    let target = format!("/predict?text_description={text}&nature=01&nb_echos_max=1");
    Request::get(target).body(Body::empty()).unwrap()
}

/// Waits until so many declarations were compared; gives a metric of the shadow.
async fn compared(app: &Router, count: f64) -> impl Fn(&str) -> f64 {
    let start = Instant::now();
    loop {
        let samples = samples(app).await;
        let value = move |metric: &str| {
            let place = match metric.split_once('/') {
                Some((metric, role)) => {
                    let labels = LABELS.replacen(',', &format!(r#",role="{role}","#), 1);
                    format!("codape_shadow_{metric}{{{labels}}}")
                }
                None => format!("codape_shadow_{metric}{{{LABELS}}}"),
            };
            *samples.get(&place).unwrap_or(&f64::NAN)
        };
        let found = value("compared_total");
        assert!(found <= count);
        if found == count {
            return value;
        }
        assert!(start.elapsed() < LONG, "{found} of {count} were compared");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_a_challenger_says_is_counted_and_not_told() {
    let (alone, beside) = (service(), service());
    beside.set_challenger(Some(ServedModel::new(coder_of(2), identity_of(2))));
    let (alone, beside) = (app(alone), app(beside));
    // The models agree on the third and fourth word, and not on the first two.
    let texts = ["coiffure", "domicile", "boulangerie", "restauration"];
    for text in texts.into_iter().cycle().take(8) {
        let one = bytes(call(&alone, predict(text)).await).await;
        let two = bytes(call(&beside, predict(text)).await).await;
        assert_eq!(one, two, "{text}");
    }
    let value = compared(&beside, 8.0).await;
    assert_eq!(value("agreed_total"), 4.0);
    assert_eq!(value("agreement_ratio"), 0.5);
    assert_eq!(value("dropped_total"), 0.0);
    assert_eq!(value("failed_total"), 0.0);
    assert_eq!(
        value("automatic_ratio/serving"),
        value("automatic_ratio/challenger")
    );
    assert_eq!(value("automatic_ratio_difference"), 0.0);
    assert_eq!(value("seconds_count/serving"), 8.0);
    assert_eq!(value("seconds_count/challenger"), 8.0);

    // Lines of a batch count; they took no time that can be compared.
    let body = batch(&texts).to_string();
    let target = "/predict-batch?nb_echos_max=1";
    let one = post(&alone, target, body.clone()).await;
    assert_eq!(one, post(&beside, target, body).await);
    let value = compared(&beside, 12.0).await;
    assert_eq!(value("agreed_total"), 6.0);
    assert_eq!(value("seconds_count/challenger"), 8.0);
}

#[tokio::test]
async fn what_was_not_answered_is_not_compared() {
    let state = service();
    state.set_challenger(Some(ServedModel::new(coder_of(2), identity_of(2))));
    let app = app(state.clone());
    for target in [
        "/predict?text_description=a&prob_min=2",
        "/predict?text_description=a&nature=x",
        "/predict",
    ] {
        let request = Request::get(target).body(Body::empty()).unwrap();
        assert!(call(&app, request).await.status().is_client_error());
    }
    let body = batch(&["coiffure", "a"]).to_string();
    let (status, _) = post(&app, "/predict-batch?prob_min=0.9", body).await;
    assert!(status.is_client_error());
    let mut body = batch(&["coiffure"]);
    body["code"] = serde_json::json!(["9602A"]);
    let (status, _) = post(&app, "/evaluation", body.to_string()).await;
    assert!(status.is_success());
    call(&app, predict("coiffure")).await;
    let value = compared(&app, 1.0).await;
    assert_eq!(value("dropped_total"), 0.0);
}

#[tokio::test]
async fn a_score_is_of_two_models() {
    let state = service();
    state.set_challenger(Some(ServedModel::new(coder_of(2), identity_of(2))));
    let app = app(state.clone());
    call(&app, predict("coiffure")).await;
    let _ = compared(&app, 1.0).await;
    state.replace_model(ServedModel::new(coder_of(3), identity_of(3)));
    let found = samples(&app).await;
    let of = |version: u8| {
        let labels = format!(r#"challenger_version="2",serving_version="{version}""#);
        found.get(&format!("codape_shadow_compared_total{{{labels}}}"))
    };
    assert_eq!((of(1), of(3)), (None, Some(&0.0)));
    let challenger = r#"codape_challenger_info{digest="sha256:2",model="ape",version="2"}"#;
    assert_eq!(found[challenger], 1.0);
    state.set_challenger(None);
    let found = samples(&app).await;
    assert!(!found.contains_key(challenger));
    assert!(!found.keys().any(|metric| metric.contains("shadow")));
    assert!(state.challenger().is_none());
}
