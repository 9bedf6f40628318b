//! The routes.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;

use crate::admin;
use crate::contract2024;
use crate::error::ApiError;
use crate::health::{health, ready};
use crate::metrics::{self, Route, ServiceMetrics};
use crate::observe::observe;
use crate::state::AppState;

/// The service as a router: the contract of 2024, `/health`, `/ready`,
/// `/metrics` and `/admin`.
///
/// `/admin` lets nobody in without a token where requests do not say where they
/// come from, by an extension of the type
/// [`ConnectInfo<SocketAddr>`](axum::extract::ConnectInfo): [`serve`](crate::serve)
/// puts it there.
pub fn app(state: AppState) -> Router {
    let metrics = Arc::clone(state.metrics());
    let routes = Router::new()
        .merge(contract2024::routes())
        .merge(admin::routes())
        .route(Route::Health.path(), get(health))
        .route(Route::Ready.path(), get(ready))
        .route(Route::Metrics.path(), get(metrics::metrics))
        .fallback(unmatched)
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .with_state(state);
    with_layers(routes, metrics)
}

/// `routes` with what every request goes through: the log and the counters, and
/// the 500 that a panic becomes.
fn with_layers(routes: Router, metrics: Arc<ServiceMetrics>) -> Router {
    routes
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(metrics, observe))
}

/// A panic is a bug of ours: the client gets a 500, and the connection stays.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    ApiError::internal(format!("a handler panicked: {message}")).into_response()
}

/// 404, but for one trailing slash too many, which FastAPI redirects: clients
/// may have come to rely on it.
async fn unmatched(request: Request) -> Response {
    let uri = request.uri();
    let target = uri.path().strip_suffix('/').filter(|path| {
        matches!(*path, "/predict-batch" | "/evaluation")
            || (*path == "/predict" && request.method() == Method::GET)
    });
    let Some(path) = target else {
        return ApiError::NotFound.into_response();
    };
    let location = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    match HeaderValue::try_from(location) {
        Ok(location) => (
            StatusCode::TEMPORARY_REDIRECT,
            [(header::LOCATION, location)],
        )
            .into_response(),
        Err(_) => ApiError::NotFound.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::error::Cause;

    #[tokio::test]
    async fn a_panic_is_a_500_that_says_nothing() {
        async fn broken() -> &'static str {
            panic!("secret")
        }
        let routes = Router::new().route("/", get(broken));
        let app = with_layers(routes, Arc::default());
        let request = Request::get("/").body(Body::empty()).unwrap();
        let response = app.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let Cause(cause) = response.extensions().get().unwrap();
        assert_eq!(cause.to_string(), "a handler panicked: secret");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&body[..], br#"{"detail":"Internal Server Error"}"#);
    }
}
