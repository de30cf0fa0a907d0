//! The request that a webhook would send for an event, without sending it.

use super::Deliveries;
use super::request::Attempt;
use crate::clock;
use crate::store::record::{EventRecord, OwedKey};
use crate::webhooks::{Space, Webhook};

/// A request that is not sent; secrets are redacted.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// The HTTP method.
    pub method: String,
    /// The URL with its pointers filled in.
    pub url: String,
    /// The headers as the log would show them.
    pub headers: Vec<(String, String)>,
    /// The body; empty for methods without one.
    pub body: String,
}

impl Deliveries {
    /// The first attempt of an event to a webhook, as it would leave now.
    ///
    /// # Errors
    /// A sentence when the parts make no valid request.
    pub fn rehearse(
        &self,
        space: &Space,
        webhook: &Webhook,
        event_id: u128,
        event: &EventRecord,
    ) -> Result<Rehearsal, String> {
        let (now_ms, settings) = (clock::now_ms(), space.settings());
        let attempt = Attempt {
            space_id: &space.id,
            webhook,
            event,
            key: OwedKey { webhook_uid: webhook.record.uid, due_ms: now_ms, event_id },
            number: 1,
            resent: false,
            signing_secret: settings.signing_secret.as_ref().map(|secret| &secret.value),
            policy: self.0.settings.policy,
        };
        let prepared = attempt.prepare(now_ms)?;
        Ok(Rehearsal {
            method: prepared.method.to_string(),
            url: prepared.url.to_string(),
            headers: prepared.logged_headers(),
            body: String::from_utf8_lossy(prepared.body.as_deref().unwrap_or_default()).into_owned(),
        })
    }
}
