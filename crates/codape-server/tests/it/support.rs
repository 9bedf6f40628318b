//! A small coder, and requests without a socket.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use codape_coder::{Coder, Manifest, Metrics, NomenclatureSource, PackageParts};
use codape_fasttext::Model;
use codape_server::{AppState, Limits, ModelIdentity, app};
use codape_testkit::tiny_model;
use codape_text::{Cleaner, Profile};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

/// The labels of the small model, in the order in which its words rank them:
/// "coiffure" the first, "domicile" the second, and so on.
pub const LABELS: [&str; 4] = [
    "__label__9602A",
    "__label__1071C",
    "__label__5610C",
    "__label__0000X",
];

const MANIFEST: &str = r#"{
    "format": 1, "model": "model.bin", "cleaning": "cleaning.json", "text_feature": "libelle",
    "categorical_features": ["liasse_type", "activ_nat_et", "activ_surf_et", "evenement_type"],
    "nomenclature": "naf-rev2"
}"#;

const PROFILE: &str = r#"{"name": "lower", "steps": [{"op": "lowercase"}]}"#;

/// A coder of the small model.
pub fn coder(labels: &[&str]) -> Coder {
    let parts = PackageParts {
        manifest: Manifest::from_json(MANIFEST).unwrap(),
        model: Model::from_bytes(tiny_model(labels)).unwrap(),
        cleaner: Cleaner::new(&Profile::from_json(PROFILE).unwrap()).unwrap(),
        nomenclature: NomenclatureSource::bundled("naf-rev2").unwrap(),
        metrics: None,
    };
    Coder::from_parts(parts).unwrap()
}

/// The identity that the recorded answers have.
pub fn identity() -> ModelIdentity {
    let metrics = r#"{"accuracy_level_5": 0.5, "Test 1 - Result": 1,
        "Test 1 - IC": 0.4, "Test 2 - Result": 0}"#;
    ModelIdentity {
        name: "FastText-APE".to_owned(),
        version: "Production".to_owned(),
        metrics: Metrics::from_json(metrics).unwrap(),
        ..ModelIdentity::default()
    }
}

/// The state of a service over the small model.
pub fn state(limits: Limits) -> AppState {
    AppState::with_limits(Arc::new(coder(&LABELS)), identity(), limits)
}

/// A service over the small model.
pub fn service() -> Router {
    app(state(Limits::default()))
}

/// The answer to a request.
pub async fn call(app: &Router, request: Request<Body>) -> Response<Body> {
    app.clone().oneshot(request).await.unwrap()
}

/// The whole body of an answer.
pub async fn bytes(response: Response<Body>) -> Vec<u8> {
    let collected = response.into_body().collect().await.unwrap();
    collected.to_bytes().to_vec()
}

/// Status and JSON of a request without a body.
pub async fn get(app: &Router, target: &str) -> (StatusCode, Value) {
    let request = Request::get(target).body(Body::empty()).unwrap();
    json(call(app, request).await).await
}

/// Status and JSON of a request with a JSON body.
pub async fn post(app: &Router, target: &str, body: impl Into<Body>) -> (StatusCode, Value) {
    let request = Request::post(target)
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap();
    json(call(app, request).await).await
}

/// Status and JSON of an answer.
pub async fn json(response: Response<Body>) -> (StatusCode, Value) {
    let status = response.status();
    let bytes = bytes(response).await;
    let value = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| panic!("{status}: {}", String::from_utf8_lossy(&bytes)));
    (status, value)
}

/// A batch of texts with nothing else.
pub fn batch(texts: &[&str]) -> Value {
    let blank = vec![""; texts.len()];
    serde_json::json!({
        "text_description": texts, "type_": blank, "nature": blank, "surface": blank,
        "event": blank
    })
}

/// Runs an ignored test of this binary in a process of its own: for what all
/// tests of a process share, such as signals and the log.
pub fn alone(test: &str) {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored"])
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{output}");
    assert!(output.contains("1 passed"), "{output}");
}
