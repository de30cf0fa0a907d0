//! What operators and their machines look at: is it alive, can it take work, what has it counted.

use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;

use super::AppState;

/// The content type of Prometheus' text, as OpenMetrics.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /healthz`: the process answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: 200 when events are taken, 503 with the reason when not.
pub(super) async fn readyz(State(app): AppState) -> Response {
    if app.stopping.load(Ordering::SeqCst) {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    if app.committer.has_failed() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the store takes no more changes\n").into_response();
    }
    if let Err(cause) = app.committer.check_room() {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("{cause}\n")).into_response();
    }
    if !app.deliveries.has_room() {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many deliveries are owed\n").into_response();
    }
    "ready\n".into_response()
}

/// `GET /metrics`: counters for Prometheus.
pub(super) async fn metrics(State(app): AppState) -> Response {
    ([(CONTENT_TYPE, METRICS_TYPE)], app.metrics.render(app.deliveries.in_flight(), app.deliveries.backlog()))
        .into_response()
}
