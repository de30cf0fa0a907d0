//! Webhook definitions: find, make, replace, delete.

use std::sync::Arc;

use serde_json::Value;

use super::{App, Caller, Fault};
use crate::webhooks::definition::Definition;
use crate::webhooks::{Change, ChangeError, Expected, Space, Webhook};

/// The webhook with this id.
///
/// # Errors
/// `NotFound`.
pub fn find(space: &Space, id: &str) -> Result<Arc<Webhook>, Fault> {
    space.live().webhook(id).cloned().ok_or_else(|| not_found(space, id))
}

fn not_found(space: &Space, id: &str) -> Fault {
    Fault::not_found("WebhookDefinition", id, &space.id)
}

/// Makes a webhook with an id of ours from the JSON that the API takes.
///
/// # Errors
/// `Invalid` with everything that is wrong, `Change`.
pub async fn create(
    app: &App,
    caller: &Caller,
    space: &Arc<Space>,
    body: &Value,
) -> Result<Arc<Webhook>, Fault> {
    let definition = parse(app, body, None)?;
    make(app, caller, &app.registry.change(space).await, app.ids.next_text(), definition).await
}

/// Replaces the webhook with this id, or makes one with it.
///
/// # Errors
/// `Invalid` with everything that is wrong, `Change`.
pub async fn put(
    app: &App,
    caller: &Caller,
    space: &Arc<Space>,
    id: String,
    expected: Expected,
    body: &Value,
) -> Result<Arc<Webhook>, Fault> {
    let change = app.registry.change(space).await;
    let Some(was) = change.previous(&id) else {
        let definition = parse(app, body, None)?;
        return make(app, caller, &change, id, definition).await;
    };
    // A caller with an old version hears about that first: what it sent may rest on what has changed.
    expected.check(was.record.version)?;
    let definition = parse(app, body, Some(&was))?;
    update(app, caller, change, &was, definition).await
}

/// Puts a definition in the place of another. When it makes no more calls, none is under way when this returns.
async fn update(
    app: &App,
    caller: &Caller,
    change: Change<'_>,
    was: &Webhook,
    definition: Definition,
) -> Result<Arc<Webhook>, Fault> {
    let expected = Expected::Version(was.record.version);
    let webhook = change.update(was, definition, expected, caller.stamp()).await?;
    drop(change);
    app.deliveries.changed(was, &webhook).await;
    Ok(webhook)
}

fn parse(app: &App, body: &Value, was: Option<&Webhook>) -> Result<Definition, Fault> {
    Definition::parse(body, was.map(|was| &was.record), app.policy).map_err(Fault::Invalid)
}

async fn make(
    app: &App,
    caller: &Caller,
    change: &Change<'_>,
    id: String,
    definition: Definition,
) -> Result<Arc<Webhook>, Fault> {
    Ok(change.create(id, definition, app.webhooks_per_space, caller.stamp()).await?)
}

/// Switches a webhook's calls on or off and leaves the rest as it is.
///
/// # Errors
/// `NotFound`, `Change`.
pub async fn set_active(
    app: &App,
    caller: &Caller,
    space: &Arc<Space>,
    id: &str,
    active: bool,
) -> Result<Arc<Webhook>, Fault> {
    let change = app.registry.change(space).await;
    let was = change.previous(id).ok_or_else(|| not_found(space, id))?;
    let definition = Definition { active, ..Definition::of(&was.record) };
    update(app, caller, change, &was, definition).await
}

/// Deletes the webhook with this id, and with it what the log remembers.
///
/// # Errors
/// `NotFound`, `Change`.
pub async fn delete(app: &App, space: &Arc<Space>, id: &str) -> Result<(), Fault> {
    let webhook = find(space, id)?;
    app.registry.change(space).await.delete(id).await.map_err(|error| match error {
        ChangeError::NotFound => not_found(space, id),
        other => other.into(),
    })?;
    app.deliveries.quiesce(webhook.record.uid).await;
    app.calls.forget(webhook.record.uid);
    Ok(())
}
