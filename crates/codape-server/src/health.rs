//! What an orchestrator asks: is the process alive, may it have traffic, with
//! which model.

use std::time::SystemTime;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use crate::error::json;
use crate::model::ModelIdentity;
use crate::reload::{ReloadStatus, Role};
use crate::state::AppState;

#[derive(Serialize)]
struct Alive {
    status: &'static str,
}

#[derive(Serialize)]
struct Ready<'a> {
    status: &'static str,
    model: Model<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reload: Option<Reload>,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenger: Option<Challenger<'a>>,
}

/// A model, as operators see it.
#[derive(Serialize)]
pub(crate) struct Model<'a> {
    name: &'a str,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'a str>,
}

impl<'a> Model<'a> {
    pub(crate) fn of(identity: &'a ModelIdentity) -> Self {
        Self {
            name: &identity.name,
            version: &identity.version,
            digest: identity.digest.get(),
        }
    }
}

#[derive(Serialize)]
struct Challenger<'a> {
    model: Option<Model<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reload: Option<Reload>,
}

#[derive(Serialize)]
struct Reload {
    /// When the source last said which version stands, in the form of RFC 3339.
    checked: Option<String>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Refused>,
}

#[derive(Serialize)]
struct Refused {
    version: String,
    reason: String,
}

impl From<ReloadStatus> for Reload {
    fn from(status: ReloadStatus) -> Self {
        Self {
            checked: status.checked.map(rfc3339),
            state: status.state.as_str(),
            refused: status
                .refused
                .map(|(version, reason)| Refused { version, reason }),
        }
    }
}

/// A time as `2026-01-31T12:00:00Z`. A clock that stands before 1970 is taken
/// for 1970.
fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time.max(SystemTime::UNIX_EPOCH)).to_string()
}

/// `GET /health`: 200 as long as the process answers at all, so that a restart
/// happens only where a restart helps.
pub(crate) async fn health() -> Response {
    json(StatusCode::OK, &Alive { status: "ok" })
}

/// `GET /ready`: 200 with the model while requests are welcome, 503 from the
/// signal to stop on. A registry that is out of reach, or a version that is
/// refused, is told and is no reason to take a service away that answers.
pub(crate) async fn ready(State(state): State<AppState>) -> Response {
    let (code, status) = if state.is_stopping() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else {
        (StatusCode::OK, "ready")
    };
    let model = state.model();
    let challenger = state.challenger();
    let reload_of = |role| state.desk(role).status().map(Reload::from);
    let challenger = Challenger {
        model: challenger.as_ref().map(|model| Model::of(model.identity())),
        reload: reload_of(Role::Challenger),
    };
    let has_challenger = challenger.model.is_some() || challenger.reload.is_some();
    let ready = Ready {
        status,
        model: Model::of(model.identity()),
        reload: reload_of(Role::Serving),
        challenger: has_challenger.then_some(challenger),
    };
    json(code, &ready)
}
