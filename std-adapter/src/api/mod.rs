//! The HTTP API: Contentful's management endpoints for webhooks, events in, tokens, and what operators look at.

mod access;
mod calls;
mod cloudevents;
mod definitions;
pub mod envelope;
pub mod error;
mod events;
mod kept;
mod operations;
mod query;
mod settings;
pub mod shape;
mod spaces;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use serde::Serialize;
use serde_json::json;
use tower_http::compression::CompressionLayer;

use self::error::ApiError;
use crate::app::App;

/// The router of everything that the server answers.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .merge(space_routes())
        .merge(webhook_routes())
        .merge(event_routes())
        .merge(operation_routes())
        .fallback(|| async { ApiError::NotFound(json!({"type": "Path"})) })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .layer(from_fn_with_state(app.clone(), envelope::wrap))
        .layer(CompressionLayer::new())
        .with_state(app)
}

fn space_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/spaces", get(spaces::list).post(spaces::create))
        .route("/spaces/{space}", get(spaces::read).put(spaces::put))
        .route("/spaces/{space}/environments", get(spaces::environments))
        .route("/spaces/{space}/environments/{environment}", get(spaces::environment))
        .route("/spaces/{space}/environments/{environment}/tags", get(spaces::tags))
        .route("/spaces/{space}/tokens", get(tokens::list).post(tokens::create))
        .route("/spaces/{space}/tokens/{token}", axum::routing::delete(tokens::revoke))
}

fn webhook_routes() -> Router<Arc<App>> {
    let secret = get(settings::signing_secret)
        .put(settings::put_signing_secret)
        .delete(settings::delete_signing_secret);
    let policy =
        get(settings::retry_policy).put(settings::put_retry_policy).delete(settings::delete_retry_policy);
    let definition = get(definitions::read).put(definitions::put).delete(definitions::delete);
    Router::new()
        .route("/spaces/{space}/webhook_definitions", get(definitions::list).post(definitions::create))
        .route("/spaces/{space}/webhook_definitions/{webhook}", definition)
        .route("/spaces/{space}/webhooks/{webhook}/calls", get(calls::list))
        .route("/spaces/{space}/webhooks/{webhook}/calls/{call}", get(calls::read))
        .route("/spaces/{space}/webhooks/{webhook}/calls/{call}/resend", post(calls::resend))
        .route("/spaces/{space}/webhooks/{webhook}/health", get(calls::health))
        .route("/spaces/{space}/webhook_settings/signing_secret", secret)
        .route("/spaces/{space}/webhook_settings/retry_policy", policy)
}

fn event_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/spaces/{space}/events", get(kept::list).post(events::publish))
        .route("/spaces/{space}/events/{event}", get(kept::read))
        .route("/spaces/{space}/events/{event}/explain", get(kept::explain))
        .route("/spaces/{space}/environments/{environment}/events", post(events::publish_to_environment))
}

fn operation_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .route("/metrics", get(operations::metrics))
}

/// The state as the endpoints take it.
type AppState = State<Arc<App>>;

/// What an endpoint answers.
type Answer = Result<Reply, ApiError>;

/// A JSON object with its status.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    /// JSON.
    body: Option<String>,
    location: Option<String>,
}

impl Reply {
    fn ok(object: impl Serialize) -> Reply {
        let body =
            serde_json::to_string(&object).expect("objects have texts for keys, and nothing that fails");
        Reply { status: StatusCode::OK, body: Some(body), location: None }
    }

    fn with_status(status: StatusCode, object: impl Serialize) -> Reply {
        Reply { status, ..Reply::ok(object) }
    }

    fn no_content() -> Reply {
        Reply { status: StatusCode::NO_CONTENT, body: None, location: None }
    }

    fn at(self, location: String) -> Reply {
        Reply { location: Some(location), ..self }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(body) => (self.status, [(CONTENT_TYPE, envelope::MEDIA_TYPE)], body).into_response(),
            None => self.status.into_response(),
        };
        if let Some(location) = self.location.and_then(|location| location.try_into().ok()) {
            response.headers_mut().insert(hyper::header::LOCATION, location);
        }
        response
    }
}
