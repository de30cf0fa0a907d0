//! What a space sets for all its webhooks: signing secret and retry policy.

use std::ops::RangeInclusive;
use std::sync::Arc;

use bellwire_core::sign::check_secret;
use serde_json::Value;

use super::{App, Caller, Fault};
use crate::problem::Problem;
use crate::secret::Secret;
use crate::store::record::{History, RetryPolicyRecord, SigningSecretRecord};
use crate::webhooks::Space;
use crate::webhooks::settings::SpaceSettings;

/// Retries that a policy may ask for (Contentful: 2 to 99).
pub const RETRIES: RangeInclusive<u64> = 2..=99;

/// The error where a space has no signing secret.
pub fn no_secret(space: &Space) -> Fault {
    Fault::not_found("WebhookSigningSecret", "signing_secret", &space.id)
}

/// The error where a space has no retry policy of its own.
pub fn no_policy(space: &Space) -> Fault {
    Fault::not_found("WebhookRetryPolicy", "retry_policy", &space.id)
}

/// The version and history of what replaces a setting.
fn next(was: Option<(u64, &History)>, caller: &Caller) -> (u64, History) {
    match was {
        Some((version, history)) => (version + 1, history.changed(caller.stamp())),
        None => (1, History::begun(caller.stamp())),
    }
}

/// Makes or replaces the signing secret.
///
/// # Errors
/// `Invalid` unless it is a text of the right length and characters, `Change`.
pub async fn put_signing_secret(
    app: &App,
    caller: &Caller,
    space: &Arc<Space>,
    value: Option<&str>,
) -> Result<SigningSecretRecord, Fault> {
    let value = value.filter(|value| check_secret(value).is_ok()).ok_or_else(|| {
        let details = "\"value\" must be a string of exactly 64 characters out of 0-9 a-z A-Z + / = _ -";
        Fault::Invalid(vec![Problem::new("invalid", "value", details)])
    })?;
    let change = app.registry.change(space).await;
    let settings = space.settings();
    let was = settings.signing_secret.as_ref();
    let (version, history) = next(was.map(|was| (was.version, &was.history)), caller);
    let record = SigningSecretRecord { value: Secret::new(value), version, history };
    let changed = SpaceSettings { signing_secret: Some(record.clone()), ..(*settings).clone() };
    change.put_settings(changed).await?;
    Ok(record)
}

/// Takes the signing secret away.
///
/// # Errors
/// `NotFound` when there is none, `Change`.
pub async fn delete_signing_secret(app: &App, space: &Arc<Space>) -> Result<(), Fault> {
    let change = app.registry.change(space).await;
    let settings = space.settings();
    if settings.signing_secret.is_none() {
        return Err(no_secret(space));
    }
    change.put_settings(SpaceSettings { signing_secret: None, ..(*settings).clone() }).await?;
    Ok(())
}

/// Makes or replaces the retry policy.
///
/// # Errors
/// `Invalid` unless it is a whole number within [`RETRIES`], `Change`.
pub async fn put_retry_policy(
    app: &App,
    caller: &Caller,
    space: &Arc<Space>,
    retries: &Value,
) -> Result<RetryPolicyRecord, Fault> {
    let Some(retries_max) = retries.as_u64().filter(|retries| RETRIES.contains(retries)) else {
        let details =
            format!("\"maxRetries\" must be a whole number from {} to {}", RETRIES.start(), RETRIES.end());
        return Err(Fault::Invalid(vec![Problem::invalid("maxRetries", details, retries)]));
    };
    let change = app.registry.change(space).await;
    let settings = space.settings();
    let was = settings.retry_policy.as_ref();
    let (version, history) = next(was.map(|was| (was.version, &was.history)), caller);
    let record = RetryPolicyRecord { retries_max: retries_max as u8, version, history };
    let changed = SpaceSettings { retry_policy: Some(record.clone()), ..(*settings).clone() };
    change.put_settings(changed).await?;
    Ok(record)
}

/// Takes the retry policy away: back to the default.
///
/// # Errors
/// `NotFound` when there is none, `Change`.
pub async fn delete_retry_policy(app: &App, space: &Arc<Space>) -> Result<(), Fault> {
    let change = app.registry.change(space).await;
    let settings = space.settings();
    if settings.retry_policy.is_none() {
        return Err(no_policy(space));
    }
    change.put_settings(SpaceSettings { retry_policy: None, ..(*settings).clone() }).await?;
    Ok(())
}
