//! What is counted, in the form that Prometheus reads.
//!
//! | metric | labels | |
//! | --- | --- | --- |
//! | `codape_requests_total` | `route`, `status` | requests |
//! | `codape_request_seconds` | `route` | histogram: from the head to the answer's head |
//! | `codape_model_info` | `model`, `version`, `digest` | 1 for the model that serves |
//! | `codape_challenger_info` | `model`, `version`, `digest` | 1 for the model in the shadow |
//! | `codape_reloads_total` | `role`, `outcome` | checks for another model, by what came of them |
//! | `codape_last_reload_timestamp_seconds` | `role` | when a model was last replaced |
//!
//! Those of the shadow are in `shadow/contest.rs`, those of the business log in
//! `journal/metrics.rs`. Texts in labels are
//! those of the answers' headers.

use std::array;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{
    GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use crate::error::ApiError;
use crate::model::ServedModel;
use crate::reload::Role;
use crate::state::AppState;

/// From the time of one declaration to that of a large batch.
pub(crate) const BUCKETS: [f64; 16] = [
    25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0,
    5.0, 30.0,
];

const CONSTANT: &str = "names and labels of metrics are constants that are valid and differ";

/// The routes, as the log and the metrics name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Root,
    Predict,
    PredictBatch,
    Evaluation,
    Health,
    Ready,
    Metrics,
    Reload,
    ReloadChallenger,
    Unmatched,
}

impl Route {
    const ALL: [Self; 10] = [
        Self::Root,
        Self::Predict,
        Self::PredictBatch,
        Self::Evaluation,
        Self::Health,
        Self::Ready,
        Self::Metrics,
        Self::Reload,
        Self::ReloadChallenger,
        Self::Unmatched,
    ];

    /// The route of a path that the router matched.
    pub(crate) fn of(path: Option<&str>) -> Self {
        let find = |path| Self::ALL.into_iter().find(|route| route.path() == path);
        path.and_then(find).unwrap_or(Self::Unmatched)
    }

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Root => "/",
            Self::Predict => "/predict",
            Self::PredictBatch => "/predict-batch",
            Self::Evaluation => "/evaluation",
            Self::Health => "/health",
            Self::Ready => "/ready",
            Self::Metrics => "/metrics",
            Self::Reload => "/admin/reload",
            Self::ReloadChallenger => "/admin/reload/challenger",
            Self::Unmatched => "unmatched",
        }
    }
}

/// The statuses that the service gives; any other is counted in the cell behind
/// them.
const STATUSES: [u16; 13] = [
    200, 307, 400, 403, 404, 405, 408, 409, 413, 422, 500, 503, 504,
];

/// What is counted of one route. The counters are looked up by their labels
/// once, and only if they are used: a counter that stands at 0 says nothing.
#[derive(Debug, Default)]
struct RouteMetrics {
    statuses: [OnceLock<IntCounter>; STATUSES.len() + 1],
    latency: OnceLock<Histogram>,
}

/// The counters of one service.
#[derive(Debug)]
pub(crate) struct ServiceMetrics {
    registry: Registry,
    routes: [RouteMetrics; Route::ALL.len()],
    requests: IntCounterVec,
    latencies: HistogramVec,
    reloads: IntCounterVec,
    last_reload: GaugeVec,
}

impl Default for ServiceMetrics {
    fn default() -> Self {
        let registry = Registry::new();
        let requests = IntCounterVec::new(
            Opts::new("codape_requests_total", "Requests that were answered."),
            &["route", "status"],
        );
        let latencies = HistogramVec::new(
            HistogramOpts::new("codape_request_seconds", "The time of a request.")
                .buckets(BUCKETS.to_vec()),
            &["route"],
        );
        let reloads = IntCounterVec::new(
            Opts::new("codape_reloads_total", "Checks for another model."),
            &["role", "outcome"],
        );
        let last_reload = GaugeVec::new(
            Opts::new(
                "codape_last_reload_timestamp_seconds",
                "When a model was last replaced.",
            ),
            &["role"],
        );
        Self {
            routes: array::from_fn(|_| RouteMetrics::default()),
            requests: registered(&registry, requests),
            latencies: registered(&registry, latencies),
            reloads: registered(&registry, reloads),
            last_reload: registered(&registry, last_reload),
            registry,
        }
    }
}

impl ServiceMetrics {
    /// Counts a request.
    pub(crate) fn count(&self, route: Route, status: StatusCode, latency: Duration) {
        let of_route = &self.routes[route as usize];
        let status = status.as_u16();
        let cell = STATUSES.iter().position(|&known| known == status);
        of_route.statuses[cell.unwrap_or(STATUSES.len())]
            .get_or_init(|| {
                let label = cell.map_or_else(|| "other".to_owned(), |_| status.to_string());
                self.requests.with_label_values(&[route.path(), &label])
            })
            .inc();
        of_route
            .latency
            .get_or_init(|| self.latencies.with_label_values(&[route.path()]))
            .observe(latency.as_secs_f64());
    }

    /// Counts a check for another model.
    pub(crate) fn count_reload(&self, role: Role, outcome: &str) {
        let labels = [role.as_str(), outcome];
        self.reloads.with_label_values(&labels).inc();
    }

    /// Notes that a model is being replaced now.
    pub(crate) fn note_reload(&self, role: Role) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = now.map_or(0.0, |since| since.as_secs_f64());
        self.last_reload
            .with_label_values(&[role.as_str()])
            .set(seconds);
    }
}

/// `GET /metrics`.
pub(crate) async fn metrics(State(state): State<AppState>) -> Result<Response, ApiError> {
    let mut families = info(
        "codape_model_info",
        "The model that serves.",
        &state.model(),
    );
    if let Some(challenger) = state.challenger() {
        let help = "The model that answers in the shadow.";
        families.extend(info("codape_challenger_info", help, &challenger));
    }
    families.extend(state.metrics().registry.gather());
    families.extend(state.shadow().gather());
    families.extend(state.journal().gather());
    let text = TextEncoder::new()
        .encode_to_string(&families)
        .map_err(ApiError::internal)?;
    let content_type = HeaderValue::from_static(prometheus::TEXT_FORMAT);
    Ok(([(header::CONTENT_TYPE, content_type)], text).into_response())
}

/// A metric that is 1 and says in its labels which model it is. It is made for
/// each reading, so that it never names one that was replaced.
fn info(name: &str, help: &str, model: &ServedModel) -> Vec<MetricFamily> {
    let labels = ["model", "version", "digest"];
    let info = IntGaugeVec::new(Opts::new(name, help), &labels).expect(CONSTANT);
    info.with_label_values(&model.labels()).set(1);
    info.collect()
}

/// A metric that `registry` gathers from now on.
pub(crate) fn registered<M: Collector + Clone + 'static>(
    registry: &Registry,
    metric: prometheus::Result<M>,
) -> M {
    let metric = metric.expect(CONSTANT);
    registry.register(Box::new(metric.clone())).expect(CONSTANT);
    metric
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_found_by_its_path() {
        for (place, route) in Route::ALL.into_iter().enumerate() {
            assert_eq!(route as usize, place);
            assert_eq!(Route::of(Some(route.path())), route);
        }
        assert_eq!(Route::of(Some("/nope")), Route::Unmatched);
        assert_eq!(Route::of(None), Route::Unmatched);
    }

    #[test]
    fn counters_appear_when_they_are_used() {
        let metrics = ServiceMetrics::default();
        let second = Duration::from_secs(1);
        metrics.count(Route::Predict, StatusCode::OK, second);
        metrics.count(Route::Predict, StatusCode::OK, second);
        metrics.count(Route::Predict, StatusCode::IM_A_TEAPOT, second);
        let text = TextEncoder::new()
            .encode_to_string(&metrics.registry.gather())
            .unwrap();
        let counted: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("codape_requests_total"))
            .collect();
        assert_eq!(
            counted,
            [
                r#"codape_requests_total{route="/predict",status="200"} 2"#,
                r#"codape_requests_total{route="/predict",status="other"} 1"#,
            ]
        );
        assert!(text.contains(r#"codape_request_seconds_sum{route="/predict"} 3"#));
    }
}
