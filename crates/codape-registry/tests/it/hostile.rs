//! Servers that do what they should not.

use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use codape_registry::{Credentials, Mlflow, ModelUri, RegistryError, Secret, Which, resolve};
use serde_json::json;

/// What must be in no error.
const SECRET: &str = "s3cr3t-t0ken";

/// A client of a server with these routes.
async fn client_of(routes: Router) -> Mlflow {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let token = Credentials::Token(Secret::new(SECRET));
    Mlflow::new(&format!("http://{address}"), Some(token)).unwrap()
}

/// A server that says where the artifacts of every version are.
fn artifacts_at(place: &'static str) -> Router {
    let version = json!({"model_version": {"name": "ape", "version": "7"}});
    Router::new()
        .route(
            "/api/2.0/mlflow/model-versions/get",
            get(move || async move { axum::Json(version) }),
        )
        .route(
            "/api/2.0/mlflow/model-versions/get-download-uri",
            get(move || async move { axum::Json(json!({ "artifact_uri": place })) }),
        )
}

/// Routes that answer the question for version 7 like this.
fn answering<R: IntoResponse + Clone + Send + Sync + 'static>(answer: R) -> Router {
    let handler = get(move || async move { answer });
    Router::new().route("/api/2.0/mlflow/model-versions/get", handler)
}

/// The error of a question for version 7, which holds no secret.
async fn error_of(routes: Router) -> RegistryError {
    let client = client_of(routes).await;
    let uri: ModelUri = "models:/ape/7".parse().unwrap();
    let error = resolve(&uri, Some(&client)).await.unwrap_err();
    let told = format!("{error} {error:?} {client:?}");
    assert!(!told.contains(SECRET), "{told}");
    error
}

#[tokio::test]
async fn a_registry_cannot_name_what_is_not_its_own() {
    for place in [
        "/etc",
        "file:///etc",
        "http://169.254.169.254/latest/meta-data",
        "s3://bucket/../../other",
        "s3://bucket/a/%2e%2e/b",
        "mlflow-artifacts:/../../secrets",
        "mlflow-artifacts:/1/..\\..\\x",
        "runs:/../x",
        "gopher://x",
        "ftp://me:s3cr3t-t0ken@host/x",
        "https://host/x?sig=s3cr3t-t0ken",
        "",
    ] {
        let error = error_of(artifacts_at(place)).await;
        let is_refused = matches!(error, RegistryError::Name { .. } | RegistryError::Uri(_));
        assert!(is_refused, "{place}: {error}");
    }
    // A circle ends.
    let error = error_of(artifacts_at("models:/ape/7")).await;
    assert!(matches!(error, RegistryError::Name { .. }), "{error}");
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let elsewhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}/stolen", elsewhere.local_addr().unwrap());
    let error = error_of(answering(Redirect::temporary(&target))).await;
    assert!(matches!(error, RegistryError::Unexpected { .. }), "{error}");
    assert!(!error.is_transient());
    assert!(error.to_string().contains("another host"), "{error}");
    let asked = tokio::time::timeout(Duration::from_millis(200), elsewhere.accept()).await;
    assert!(asked.is_err(), "the other host was asked");
    let circle = Redirect::temporary("/api/2.0/mlflow/model-versions/get");
    let error = error_of(answering(circle)).await;
    assert!(error.to_string().contains("circle"), "{error}");
}

#[tokio::test]
async fn answers_of_another_shape_are_told() {
    let error = error_of(answering("<html>a proxy's page</html>")).await;
    assert!(matches!(error, RegistryError::Unexpected { .. }), "{error}");
    let error = error_of(answering(axum::Json(json!({"model_version": {"name": 3}})))).await;
    assert!(matches!(error, RegistryError::Unexpected { .. }), "{error}");
    let error = error_of(answering(vec![b' '; 17 << 20])).await;
    assert!(matches!(error, RegistryError::Unexpected { .. }), "{error}");
    let long = (StatusCode::FORBIDDEN, "no\u{7} ".repeat(10_000));
    let error = error_of(answering(long)).await;
    assert!(matches!(error, RegistryError::Refused { status: 403, .. }));
    assert!(error.to_string().len() < 500, "{error}");
    assert!(!error.is_transient());
    let echo = (
        StatusCode::BAD_GATEWAY,
        format!("Bearer {SECRET} was refused"),
    );
    assert!(
        error_of(answering(echo))
            .await
            .to_string()
            .contains("Bearer …")
    );
    let busy = (
        StatusCode::SERVICE_UNAVAILABLE,
        [(header::RETRY_AFTER, "1")],
        axum::Json(json!({"error_code": "TEMPORARILY_UNAVAILABLE", "message": "later\nstack"})),
    );
    let error = error_of(answering(busy)).await;
    assert!(error.is_transient());
    let told = error.to_string();
    assert!(told.contains("TEMPORARILY_UNAVAILABLE later"), "{told}");
    assert!(!told.contains("stack"), "{told}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_with_its_host() {
    let client = Mlflow::new("http://127.0.0.1:9", None).unwrap();
    let error = client.version("ape", &Which::Latest).await.unwrap_err();
    assert!(error.is_transient());
    assert!(error.to_string().contains("127.0.0.1:9"), "{error}");
}

#[test]
fn addresses_that_are_none_are_refused() {
    for address in [
        "",
        "mlflow:5000",
        "ftp://host",
        "http://",
        "http://me:pass@host",
    ] {
        let error = Mlflow::new(address, None).unwrap_err();
        assert!(
            matches!(error, RegistryError::Setting { .. }),
            "{address}: {error}"
        );
        assert!(!error.to_string().contains("pass@"), "{error}");
    }
}

#[tokio::test]
async fn a_listing_cannot_name_a_file_elsewhere() {
    for name in [
        "../x",
        "/etc/passwd",
        "a/../../x",
        "..",
        "a\\b",
        "a%2e%2e",
        "C:x",
    ] {
        let listed = json!({"files": [{"path": name, "is_dir": false, "file_size": 1}]});
        let routes = Router::new().route(
            "/api/2.0/mlflow-artifacts/artifacts",
            get(move || async move { axum::Json(listed) }),
        );
        let cache = tempfile::tempdir().unwrap();
        let registry = crate::stores::registry(cache.path(), Some(client_of(routes).await), None);
        let uri = "mlflow-artifacts:/1/0af3/artifacts".parse().unwrap();
        let error = registry.locate(&uri).await.unwrap_err();
        assert!(
            matches!(error, RegistryError::Name { .. }),
            "{name}: {error}"
        );
    }
}

#[tokio::test]
async fn a_listing_without_end_is_given_up() {
    // Each folder has another in it.
    let listed = json!({"files": [{"path": "below", "is_dir": true}]});
    let routes = Router::new().route(
        "/api/2.0/mlflow-artifacts/artifacts",
        get(move || async move { axum::Json(listed) }),
    );
    let cache = tempfile::tempdir().unwrap();
    let registry = crate::stores::registry(cache.path(), Some(client_of(routes).await), None);
    let uri = "mlflow-artifacts:/1".parse().unwrap();
    let error = registry.locate(&uri).await.unwrap_err();
    assert!(matches!(error, RegistryError::Name { .. }), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_directory_with_a_link_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("coder.json"), "{}").unwrap();
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("model.bin")).unwrap();
    let cache = tempfile::tempdir().unwrap();
    let registry = crate::stores::registry(cache.path(), None, None);
    let uri = folder.path().to_str().unwrap().parse().unwrap();
    let error = registry.locate(&uri).await.unwrap_err();
    assert!(error.to_string().contains("link"), "{error}");
}
