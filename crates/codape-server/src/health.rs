//! What an orchestrator asks: is the process alive, may it have traffic.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use crate::error::json;
use crate::state::AppState;

#[derive(Serialize)]
struct Status<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<Model<'a>>,
}

#[derive(Serialize)]
struct Model<'a> {
    name: &'a str,
    version: &'a str,
}

/// `GET /health`: 200 as long as the process answers at all, so that a restart
/// happens only where a restart helps.
pub(crate) async fn health() -> Response {
    let status = Status {
        status: "ok",
        model: None,
    };
    json(StatusCode::OK, &status)
}

/// `GET /ready`: 200 with the model while requests are welcome, 503 from the
/// signal to stop on.
pub(crate) async fn ready(State(state): State<AppState>) -> Response {
    let (code, status) = if state.is_stopping() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else {
        (StatusCode::OK, "ready")
    };
    let identity = state.identity();
    let model = Some(Model {
        name: &identity.name,
        version: &identity.version,
    });
    json(code, &Status { status, model })
}
