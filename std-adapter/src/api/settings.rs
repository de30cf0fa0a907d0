//! What a space sets for all its webhooks: signing secret and retry policy.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use bellwire_core::sign::check_secret;
use serde_json::Value;

use super::access::{Caller, Wish};
use super::error::ApiError;
use super::query::read_json;
use super::{Answer, AppState, Reply, shape};
use crate::problem::Problem;
use crate::secret::Secret;
use crate::store::record::{History, RetryPolicyRecord, SigningSecretRecord};
use crate::webhooks::Space;
use crate::webhooks::settings::SpaceSettings;

/// Retries that a policy may ask for (Contentful: 2 to 99).
const RETRIES: std::ops::RangeInclusive<u64> = 2..=99;

fn no_secret(space: &Space) -> ApiError {
    ApiError::not_found("WebhookSigningSecret", "signing_secret", &space.id)
}

fn no_policy(space: &Space) -> ApiError {
    ApiError::not_found("WebhookRetryPolicy", "retry_policy", &space.id)
}

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
    let value = value.filter(|value| check_secret(value).is_ok()).ok_or_else(|| {
        let details = "\"value\" must be a string of exactly 64 characters out of 0-9 a-z A-Z + / = _ -";
        ApiError::Validation(vec![Problem::new("invalid", "value", details)])
    })?;
    let change = app.registry.change(&space).await;
    let settings = space.settings();
    let (version, history) =
        next(settings.signing_secret.as_ref().map(|was| (was.version, &was.history)), &caller);
    let record = SigningSecretRecord { value: Secret::new(value), version, history };
    let object = shape::signing_secret(&space.id, &record);
    change.put_settings(SpaceSettings { signing_secret: Some(record), ..(*settings).clone() }).await?;
    Ok(Reply::ok(object))
}

/// The version and history of what replaces a setting.
fn next(was: Option<(u64, &History)>, caller: &Caller) -> (u64, History) {
    match was {
        Some((version, history)) => (version + 1, history.changed(caller.stamp())),
        None => (1, History::begun(caller.stamp())),
    }
}

/// `DELETE …/webhook_settings/signing_secret`.
pub(super) async fn delete_signing_secret(
    State(app): AppState,
    caller: Caller,
    Path(space): Path<String>,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Manage)?;
    let change = app.registry.change(&space).await;
    let settings: Arc<SpaceSettings> = space.settings();
    if settings.signing_secret.is_none() {
        return Err(no_secret(&space));
    }
    change.put_settings(SpaceSettings { signing_secret: None, ..(*settings).clone() }).await?;
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
    let Some(retries_max) = retries.as_u64().filter(|retries| RETRIES.contains(retries)) else {
        let details =
            format!("\"maxRetries\" must be a whole number from {} to {}", RETRIES.start(), RETRIES.end());
        return Err(ApiError::Validation(vec![Problem::invalid("maxRetries", details, retries)]));
    };
    let change = app.registry.change(&space).await;
    let settings = space.settings();
    let (version, history) =
        next(settings.retry_policy.as_ref().map(|was| (was.version, &was.history)), &caller);
    let record = RetryPolicyRecord { retries_max: retries_max as u8, version, history };
    let object = shape::retry_policy(&space.id, &record);
    change.put_settings(SpaceSettings { retry_policy: Some(record), ..(*settings).clone() }).await?;
    Ok(Reply::ok(object))
}

/// `DELETE …/webhook_settings/retry_policy`: back to the default.
pub(super) async fn delete_retry_policy(
    State(app): AppState,
    caller: Caller,
    Path(space): Path<String>,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Manage)?;
    let change = app.registry.change(&space).await;
    let settings: Arc<SpaceSettings> = space.settings();
    if settings.retry_policy.is_none() {
        return Err(no_policy(&space));
    }
    change.put_settings(SpaceSettings { retry_policy: None, ..(*settings).clone() }).await?;
    Ok(Reply::no_content())
}
