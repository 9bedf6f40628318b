//! What operators may do, and who is one.

use std::net::SocketAddr;

use axum::Extension;
use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use serde::Serialize;

use crate::error::{ApiError, json};
use crate::health::Model;
use crate::metrics::Route;
use crate::reload::Role;
use crate::secret::Secret;
use crate::state::AppState;

/// The routes under `/admin`.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route(Route::Reload.path(), post(reload))
        .route(Route::ReloadChallenger.path(), post(reload_challenger))
}

/// The peer that a connection came from; `serve` puts it into each request.
type Peer = Option<Extension<ConnectInfo<SocketAddr>>>;

#[derive(Serialize)]
struct Reloaded<'a> {
    outcome: &'static str,
    /// The model that has the role now.
    model: Option<Model<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// `POST /admin/reload`: checks for another model, and answers when that is
/// done. 409 where the service's model has no source.
async fn reload(
    State(state): State<AppState>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    admit(state.admin_token(), peer, &headers)?;
    check(&state, Role::Serving).await
}

/// `POST /admin/reload/challenger`: the same for the model in the shadow.
async fn reload_challenger(
    State(state): State<AppState>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    admit(state.admin_token(), peer, &headers)?;
    check(&state, Role::Challenger).await
}

async fn check(state: &AppState, role: Role) -> Result<Response, ApiError> {
    let outcome = state.reload(role).await.ok_or(ApiError::Conflict(
        "There is no source to load a model from, or the service is stopping.",
    ))?;
    let model = match role {
        Role::Serving => Some(state.model()),
        Role::Challenger => state.challenger(),
    };
    let answer = Reloaded {
        outcome: outcome.as_str(),
        model: model.as_ref().map(|model| Model::of(model.identity())),
        reason: outcome.reason(),
    };
    Ok(json(StatusCode::OK, &answer))
}

/// Lets in who shows the token; where there is none, processes of this machine,
/// unless they pass on what others ask, or a browser does what a page says.
fn admit(token: Option<&Secret>, peer: Peer, headers: &HeaderMap) -> Result<(), ApiError> {
    if let Some(token) = token {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| {
            let (scheme, shown) = value.as_bytes().split_at_checked(b"Bearer ".len())?;
            scheme.eq_ignore_ascii_case(b"Bearer ").then_some(shown)
        });
        return match shown {
            Some(shown) if token.is(shown) => Ok(()),
            _ => Err(ApiError::Forbidden("The bearer token is missing or wrong.")),
        };
    }
    let is_local =
        peer.is_some_and(|Extension(ConnectInfo(peer))| peer.ip().to_canonical().is_loopback());
    if is_local && !headers.keys().any(is_of_a_proxy_or_a_page) {
        Ok(())
    } else {
        Err(ApiError::Forbidden(
            "Without a token, only this machine's own processes are let in.",
        ))
    }
}

fn is_of_a_proxy_or_a_page(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(name, "forwarded" | "via" | "x-real-ip" | "origin") || name.starts_with("x-forwarded-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> Peer {
        Some(Extension(ConnectInfo(address.parse().unwrap())))
    }

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn without_a_token_this_machine_is_let_in() {
        let none = HeaderMap::new();
        for address in [
            "127.0.0.1:1",
            "127.8.8.8:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(admit(None, peer(address), &none).is_ok(), "{address}");
        }
        for address in ["10.0.0.1:1", "0.0.0.0:1", "[::2]:1", "[::ffff:10.0.0.1]:1"] {
            assert!(admit(None, peer(address), &none).is_err(), "{address}");
        }
        assert!(admit(None, None, &none).is_err());
    }

    #[test]
    fn what_comes_through_a_proxy_or_a_page_is_not_of_this_machine() {
        for name in [
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-real-ip",
            "via",
            "origin",
        ] {
            let headers = headers(name, "x");
            assert!(
                admit(None, peer("127.0.0.1:1"), &headers).is_err(),
                "{name}"
            );
        }
    }

    #[test]
    fn with_a_token_only_the_token_counts() {
        let token = Secret::new("hush");
        for (value, is_let_in) in [
            ("Bearer hush", true),
            ("bearer hush", true),
            ("Bearer hushh", false),
            ("Bearer ", false),
            ("Bearer", false),
            ("Basic hush", false),
            ("hush", false),
        ] {
            let headers = headers("authorization", value);
            let admitted = admit(Some(&token), peer("10.0.0.1:1"), &headers);
            assert_eq!(admitted.is_ok(), is_let_in, "{value}");
        }
        let local = admit(Some(&token), peer("127.0.0.1:1"), &HeaderMap::new());
        assert!(local.is_err());
        let empty = headers("authorization", "Bearer ");
        assert!(admit(Some(&Secret::new("")), None, &empty).is_err());
    }
}
