//! What a space sets for all its webhooks: signing secret and retry policy.

use axum::body::Body;
use axum::extract::{Path, State};
use serde_json::Value;

use super::query::read_json;
use super::{Answer, AppState, Reply, shape};
use crate::app::settings::{self, no_policy, no_secret};
use crate::app::{Caller, Wish};

/// `GET …/webhook_settings/signing_secret`: redacted.
pub(super) async fn signing_secret(
    State(app): AppState,
    caller: Caller,
    Path(space): Path<String>,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Read)?;
    let settings = space.settings();
    let secret = settings.signing_secret.as_ref().ok_or_else(|| no_secret(&space))?;
    Ok(Reply::ok(shape::signing_secret(&space.id, secret)))
}

/// `PUT …/webhook_settings/signing_secret`: makes or replaces it.
pub(super) async fn put_signing_secret(
    State(app): AppState,
    caller: Caller,
    Path(space): Path<String>,
    body: Body,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Manage)?;
    let body = read_json(body).await?;
    let value = body.get("value").and_then(Value::as_str);
    let secret = settings::put_signing_secret(&app, &caller, &space, value).await?;
    Ok(Reply::ok(shape::signing_secret(&space.id, &secret)))
}

/// `DELETE …/webhook_settings/signing_secret`.
pub(super) async fn delete_signing_secret(
    State(app): AppState,
    caller: Caller,
    Path(space): Path<String>,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Manage)?;
    settings::delete_signing_secret(&app, &space).await?;
    Ok(Reply::no_content())
}

/// `GET …/webhook_settings/retry_policy`.
pub(super) async fn retry_policy(State(app): AppState, caller: Caller, Path(space): Path<String>) -> Answer {
    let space = caller.enter(&app, &space, Wish::Read)?;
    let settings = space.settings();
    let policy = settings.retry_policy.as_ref().ok_or_else(|| no_policy(&space))?;
    Ok(Reply::ok(shape::retry_policy(&space.id, policy)))
}

/// `PUT …/webhook_settings/retry_policy`: makes or replaces it.
pub(super) async fn put_retry_policy(
    State(app): AppState,
    caller: Caller,
    Path(space): Path<String>,
    body: Body,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Manage)?;
    let body = read_json(body).await?;
    let retries = body.get("maxRetries").unwrap_or(&Value::Null);
    let policy = settings::put_retry_policy(&app, &caller, &space, retries).await?;
    Ok(Reply::ok(shape::retry_policy(&space.id, &policy)))
}

/// `DELETE …/webhook_settings/retry_policy`: back to the default.
pub(super) async fn delete_retry_policy(
    State(app): AppState,
    caller: Caller,
    Path(space): Path<String>,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Manage)?;
    settings::delete_retry_policy(&app, &space).await?;
    Ok(Reply::no_content())
}
