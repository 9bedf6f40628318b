//! One log event and one count for each request, and the only place that logs
//! a cause.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::error::{Cause, Chain};
use crate::metrics::{Route, ServiceMetrics};
use crate::model::AnsweredBy;
use crate::request_id::{REQUEST_ID, RequestId};

/// Counts a request, and logs its method, route, status, latency and the model
/// that answered: never the query or the body, which hold what people declared.
/// The path is the route's, so that a stranger's requests cannot fill the log
/// with words of their own.
pub(crate) async fn observe(
    State(metrics): State<Arc<ServiceMetrics>>,
    mut request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    let route = Route::of(request.extensions().get().map(MatchedPath::as_str));
    // What handlers log on the way is of no level that is usually on: a span at
    // the level of the events below would cost as much as the rest of the log.
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let span = tracing::debug_span!("request", %method, route = route.path());
    let mut response = next.run(request).instrument(span).await;

    let headers = response.headers_mut();
    headers.insert(&REQUEST_ID, id.header());
    let request_id = id.as_str();

    let latency = start.elapsed();
    metrics.count(route, response.status(), latency);
    let status = response.status().as_u16();
    let latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
    // Taken out, so that a client who reads slowly does not keep a model.
    let model = response.extensions_mut().remove::<AnsweredBy>();
    let identity = model.as_ref().map(|AnsweredBy(model)| model.identity());
    let model = identity.map(|identity| identity.name.as_str());
    let version = identity.map(|identity| identity.version.as_str());
    let digest = identity.and_then(|identity| identity.digest.get());
    let cause = response.extensions().get().map(|Cause(cause)| cause);
    let route_path = route.path();
    if let Some(cause) = cause {
        let cause = Chain(&**cause);
        tracing::error!(
            %method, route = route_path, status, latency_us, request_id, model, version, digest, %cause,
            "request failed"
        );
    } else if matches!(route, Route::Health | Route::Ready | Route::Metrics) {
        tracing::debug!(%method, route = route_path, status, latency_us, request_id, "request answered");
    } else {
        tracing::info!(
            %method, route = route_path, status, latency_us, request_id, model, version, digest,
            "request answered"
        );
    }
    response
}
