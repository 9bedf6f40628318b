//! What one request may ask for.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, StatusCode, header};
use codape_server::{Limits, app};
use hyper::body::Frame;
use serde_json::Value;

use crate::support::{self, batch, call, get, post, service, state};

fn detail(value: &Value) -> &str {
    value["detail"].as_str().unwrap()
}

#[tokio::test]
async fn a_body_that_is_too_large_is_a_413() {
    let limits = Limits {
        max_body_bytes: 100,
        ..Limits::default()
    };
    let app = app(state(limits));
    let long = batch(&["coiffure"; 50]).to_string();
    let announced = Request::post("/predict-batch")
        .header(header::CONTENT_LENGTH, long.len())
        .body(Body::from(long.clone()))
        .unwrap();
    let chunked = Request::post("/predict-batch")
        .body(Body::from(long))
        .unwrap();
    for request in [announced, chunked] {
        let response = call(&app, request).await;
        assert_eq!(response.headers()[header::CONNECTION], "close");
        let (status, error) = support::json(response).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(detail(&error), "The request body is larger than 100 bytes.");
    }
}

#[tokio::test]
async fn a_body_that_does_not_fit_with_the_others_is_a_503() {
    let limits = Limits {
        max_bodies_bytes: 1 << 10,
        ..Limits::default()
    };
    let app = app(state(limits));
    let long = batch(&["coiffure"; 200]).to_string();
    let request = Request::post("/predict-batch")
        .body(Body::from(long))
        .unwrap();
    let response = call(&app, request).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");

    let short = batch(&["coiffure"]).to_string();
    let request = || {
        Request::post("/predict-batch")
            .header(header::CONTENT_LENGTH, short.len())
            .body(Body::from(short.clone()))
            .unwrap()
    };
    for _ in 0..3 {
        assert_eq!(call(&app, request()).await.status(), StatusCode::OK);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_a_408() {
    let limits = Limits {
        body_timeout: Duration::from_secs(5),
        ..Limits::default()
    };
    let stalled = Body::new(Stalled);
    let (status, _) = post(&app(state(limits)), "/predict-batch", stalled).await;
    assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
}

/// A body that never comes.
struct Stalled;

impl HttpBody for Stalled {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn a_batch_of_too_many_lines_is_a_413() {
    let limits = Limits {
        max_batch_lines: 3,
        ..Limits::default()
    };
    let app = app(state(limits));
    let (status, _) = post(&app, "/predict-batch", batch(&["coiffure"; 3]).to_string()).await;
    assert_eq!(status, StatusCode::OK);
    let (status, error) = post(&app, "/predict-batch", batch(&["a"; 4]).to_string()).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(
        detail(&error),
        "The batch has more than 3 lines. Send it in parts."
    );
}

#[tokio::test]
async fn a_batch_of_too_many_suggestions_is_a_413() {
    let limits = Limits {
        max_batch_suggestions: 10,
        ..Limits::default()
    };
    let app = app(state(limits));
    let body = batch(&["coiffure"; 5]).to_string();
    let (status, _) = post(&app, "/predict-batch?nb_echos_max=2", body.clone()).await;
    assert_eq!(status, StatusCode::OK);
    let (status, error) = post(&app, "/predict-batch?nb_echos_max=2147483647", body).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(detail(&error).contains("5 lines of 4"), "{error}");
}

#[tokio::test]
async fn a_text_that_is_too_long_is_a_400_that_names_the_line() {
    let long = "a ".repeat(40_000);
    let body = batch(&["coiffure", &long]).to_string();
    let (status, error) = post(&service(), "/predict-batch", body).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(detail(&error).ends_with("See line(s): (1,)"), "{error}");
}

#[tokio::test]
async fn a_long_text_in_a_query_is_coded() {
    let target = format!("/predict?text_description=coiffure{}", "+a".repeat(20_000));
    let (status, answer) = get(&service(), &target).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["1"]["code"], "9602A");
}
