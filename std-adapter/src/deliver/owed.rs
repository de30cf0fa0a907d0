//! What is owed, for those who look; and a call made again because a person asked for it.

use bellwire_core::delivery::RetryPolicy;
use thiserror::Error;

use super::Deliveries;
use crate::clock;
use crate::store::record::{self, CallRecord, OwedKey, OwedRecord};
use crate::store::{Batch, CommitError, Durability, Range, Row, StoreError, Table};
use crate::webhooks::{Space, Webhook};

/// Deliveries that are looked through for the one of an event.
const OWED_SCAN_MAX: usize = 1_000;

/// Why a call is not made again.
#[derive(Debug, Error)]
pub enum ResendError {
    /// The webhook makes no calls.
    #[error("The webhook is not active: no calls are made for it.")]
    Inactive,
    /// The event was swept.
    #[error("The event is no longer kept, so its call cannot be made again.")]
    EventGone,
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be made durable.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl Deliveries {
    /// What is owed to a webhook, the earliest due first, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn owed(&self, webhook_uid: u64, limit: usize) -> Result<Vec<(OwedKey, OwedRecord)>, StoreError> {
        let rows = self.0.store.scan(Table::Owed, Range::prefix(&webhook_uid.to_be_bytes()), limit)?;
        let read = |(key, value): &Row| Ok((OwedKey::from_bytes(key)?, record::decode(value)?));
        rows.iter().map(read).collect()
    }

    /// How often and how far apart a space's failed deliveries are tried again.
    pub fn retry_policy(&self, space: &Space) -> RetryPolicy {
        self.0.retry_policy(space)
    }

    /// Sends the event of a call again, now, as a further attempt. An attempt that waits for its time is made now
    /// instead. Answers with the number of the attempt.
    ///
    /// # Errors
    /// When the webhook is not active, the event is no longer kept, or the store fails.
    pub async fn resend(
        &self,
        space: &Space,
        webhook: &Webhook,
        call: &CallRecord,
    ) -> Result<u32, ResendError> {
        if !webhook.record.active {
            return Err(ResendError::Inactive);
        }
        let event = record::timed_key(space.uid, call.event_id);
        if self.0.store.read(Table::Events, &event)?.is_none() {
            return Err(ResendError::EventGone);
        }
        let uid = webhook.record.uid;
        let mut batch = Batch::default();
        let waiting =
            self.owed(uid, OWED_SCAN_MAX)?.into_iter().find(|(key, _)| key.event_id == call.event_id);
        let attempt = match waiting {
            Some((key, owed)) => {
                batch.remove(Table::Owed, key.to_bytes());
                owed.attempt
            }
            None => self.attempts_made(uid, call)? + 1,
        };
        let key = OwedKey { webhook_uid: uid, due_ms: clock::now_ms(), event_id: call.event_id };
        let owed = OwedRecord { space_uid: space.uid, attempt, resent: true };
        batch.put(Table::Owed, key.to_bytes(), record::encode(&owed));
        self.0.committer.commit(batch, Durability::Synced).await?;
        self.push(&[key]);
        Ok(attempt)
    }

    fn attempts_made(&self, webhook_uid: u64, call: &CallRecord) -> Result<u32, StoreError> {
        let calls = self.0.calls.of_event(webhook_uid, call.event_id)?;
        Ok(calls.iter().map(|(_, call)| call.attempt).fold(call.attempt, u32::max))
    }
}
