//! One log event for each request, and the only place that logs a cause.

use std::error::Error;
use std::fmt;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::error::Cause;

/// Logs method, route, status and latency: never the query or the body, which
/// hold what people declared. The path is the route's, so that a stranger's
/// requests cannot fill the log with words of their own.
pub(crate) async fn log_request(request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    // What handlers log on the way is of no level that is usually on: a span at
    // the level of the events below would cost as much as the rest of the log.
    let span = tracing::debug_span!("request", %method, route);
    let response = next.run(request).instrument(span).await;

    let status = response.status().as_u16();
    let latency_us = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    if let Some(Cause(cause)) = response.extensions().get() {
        let cause = Chain(&**cause);
        tracing::error!(%method, route, status, latency_us, %cause, "request failed");
    } else if matches!(route, "/health" | "/ready") {
        tracing::debug!(%method, route, status, latency_us, "request answered");
    } else {
        tracing::info!(%method, route, status, latency_us, "request answered");
    }
    response
}

/// An error and its sources, on one line.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
