//! What is owed, for those who look; and a call made again because a person asked for it.

use bellwire_core::delivery::RetryPolicy;
use thiserror::Error;

use super::Deliveries;
use crate::store::record::{self, CallRecord, Owed, OwedKey, OwedRecord};
use crate::store::{Batch, CommitError, Durability, Range, Store, StoreError, Table};
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
    pub async fn owed(&self, webhook_uid: u64, limit: usize) -> Result<Vec<Owed>, StoreError> {
        let read = move |store: &dyn Store| {
            let rows = store.scan(Table::Owed, Range::prefix(&webhook_uid.to_be_bytes()), limit)?;
            rows.iter().map(Owed::from_row).collect()
        };
        self.0.parts.store.run(read).await
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
        if self.0.parts.store.run(move |store| store.read(Table::Events, &event)).await?.is_none() {
            return Err(ResendError::EventGone);
        }
        let owed = self.owed(webhook.record.uid, OWED_SCAN_MAX).await?;
        match owed.into_iter().find(|owed| owed.key.event_id == call.event_id) {
            Some(waiting) => self.hasten(waiting).await,
            None => self.owe_again(space, webhook, call).await,
        }
    }

    /// Makes an attempt now that waits for its time. One that is under way is left as it is.
    async fn hasten(&self, waiting: Owed) -> Result<u32, ResendError> {
        let Owed { key, record } = waiting;
        if self.0.schedule().hold(key) {
            let due_ms = self.0.now_ms();
            let key = if record.entity.is_some() { key } else { OwedKey { due_ms, ..key } };
            let now = Owed { key, record: OwedRecord { claim: 0, not_before_ms: 0, resent: true, ..record } };
            let mut batch = Batch::default();
            batch.remove(Table::Owed, waiting.key.to_bytes());
            batch.put(Table::Owed, now.key.to_bytes(), record::encode(&now.record));
            let written = self.0.parts.committer.commit(batch, Durability::Synced).await;
            self.0.release(waiting.key, if written.is_ok() { now } else { waiting });
            written?;
        }
        Ok(record.attempt)
    }

    /// Owes an event again of which nothing is owed any more.
    async fn owe_again(
        &self,
        space: &Space,
        webhook: &Webhook,
        call: &CallRecord,
    ) -> Result<u32, ResendError> {
        let uid = webhook.record.uid;
        let attempt = self.attempts_made(uid, call).await? + 1;
        let key = OwedKey { webhook_uid: uid, due_ms: self.0.now_ms(), event_id: call.event_id };
        let claim = self.expect(key);
        let space_uid = space.uid;
        let record = OwedRecord { space_uid, attempt, claim, not_before_ms: 0, entity: None, resent: true };
        let owed = Owed { key, record };
        let mut batch = Batch::default();
        batch.put(Table::Owed, key.to_bytes(), record::encode(&record));
        match self.0.parts.committer.commit(batch, Durability::Synced).await {
            Ok(()) => self.push(&[owed], Vec::new()),
            Err(cause) => {
                self.withdraw(&[owed]);
                return Err(cause.into());
            }
        }
        Ok(attempt)
    }

    async fn attempts_made(&self, webhook_uid: u64, call: &CallRecord) -> Result<u32, StoreError> {
        let calls = self.0.parts.calls.of_event(webhook_uid, call.event_id).await?;
        Ok(calls.iter().map(|(_, call)| call.attempt).fold(call.attempt, u32::max))
    }
}
