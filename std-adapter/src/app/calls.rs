//! Calls of the activity log: find one, make it again.

use super::{App, Fault};
use crate::id;
use crate::store::record::{CallDetailsRecord, CallRecord};
use crate::webhooks::{Space, Webhook};

/// A call with its id, what it sent and what came back.
#[derive(Debug)]
pub struct Call {
    /// The call's id.
    pub id: u128,
    /// The call as the log lists it.
    pub record: CallRecord,
    /// What it sent and received.
    pub details: CallDetailsRecord,
}

/// The call with this id.
///
/// # Errors
/// `NotFound`, `Store`.
pub async fn find(app: &App, space: &Space, webhook: &Webhook, call: &str) -> Result<Call, Fault> {
    let not_found = || Fault::not_found("WebhookCallDetails", call, &space.id);
    let id = id::from_text(call).ok_or_else(not_found)?;
    let (record, details) = app.calls.call(webhook.record.uid, id).await?.ok_or_else(not_found)?;
    Ok(Call { id, record, details })
}

/// Sends the event of a call again, now. Answers with the number of the attempt.
///
/// # Errors
/// `Resend` when it cannot be, `NotFound`, `Store`.
pub async fn resend(app: &App, space: &Space, webhook: &Webhook, call: &str) -> Result<u32, Fault> {
    let call = find(app, space, webhook, call).await?;
    Ok(app.deliveries.resend(space, webhook, &call.record).await?)
}
