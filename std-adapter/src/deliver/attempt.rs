//! One attempt from the record of what is owed to the record of how it went.

use std::time::Duration;

use bellwire_core::call::Outcome;
use bellwire_core::delivery::{Decision, RetryPolicy, decide};
use tracing::{debug, error, info, warn};

use super::made::Made;
use super::request::Attempt;
use super::{Engine, STORE_PAUSE};
use crate::clock;
use crate::id::to_text;
use crate::limits::{ATTEMPT_TIMEOUT, LOGGED_RESPONSE_BYTES_MAX};
use crate::net::OutgoingRequest;
use crate::store::record::{self, EventRecord, OwedKey, OwedRecord};
use crate::store::{Batch, CommitError, Durability, StoreError, Table};
use crate::webhooks::{Space, Webhook};

impl Engine {
    /// Carries one delivery out and records how it went. Answers with the next attempt's key if there is to be one.
    pub(super) async fn attempt(&self, key: OwedKey) -> Result<Option<OwedKey>, AttemptFault> {
        let Some(owed) = self.store.read(Table::Owed, &key.to_bytes())? else { return Ok(None) };
        let owed: OwedRecord = record::decode(&owed)?;
        let webhook = self.registry.webhook(key.webhook_uid).filter(|(_, webhook)| webhook.record.active);
        let Some((space, webhook)) = webhook else {
            debug!(event = %to_text(key.event_id), "a delivery is dropped: its webhook is deleted or inactive");
            return self.drop_owed(key).await;
        };
        let event = self.store.read(Table::Events, &record::timed_key(owed.space_uid, key.event_id))?;
        let Some(event) = event else {
            error!(event = %to_text(key.event_id), webhook = webhook.record.id, "a delivery is lost: its event is not in the store");
            return self.drop_owed(key).await;
        };
        let event: EventRecord = record::decode(&event)?;
        let made = self.make_call(&space, &webhook, &event, key, &owed).await;
        self.settle(&space, key, owed, made).await
    }

    /// No call is made, nothing is owed any more.
    async fn drop_owed(&self, key: OwedKey) -> Result<Option<OwedKey>, AttemptFault> {
        let mut batch = Batch::default();
        batch.remove(Table::Owed, key.to_bytes());
        self.record(batch).await?;
        Ok(None)
    }

    async fn make_call(
        &self,
        space: &Space,
        webhook: &Webhook,
        event: &EventRecord,
        key: OwedKey,
        owed: &OwedRecord,
    ) -> Made {
        let settings = space.settings();
        let signing_secret = settings.signing_secret.as_ref().map(|record| &record.value);
        let policy = self.settings.policy;
        let attempt = Attempt {
            space_id: &space.id,
            webhook,
            event,
            key,
            number: owed.attempt,
            resent: owed.resent,
            signing_secret,
            policy,
        };
        let request_at_ms = clock::now_ms();
        match attempt.prepare(request_at_ms) {
            Ok(prepared) => {
                let request = OutgoingRequest {
                    method: prepared.method.clone(),
                    url: prepared.url.clone(),
                    headers: prepared.wire_headers(),
                    body: prepared.body.clone(),
                    timeout: ATTEMPT_TIMEOUT,
                    response_bytes_max: LOGGED_RESPONSE_BYTES_MAX,
                };
                let exchange = self.client.send(request).await;
                Made::sent(&attempt, request_at_ms, &prepared, exchange)
            }
            Err(problem) => Made::unsent(&attempt, request_at_ms, problem),
        }
    }

    async fn settle(
        &self,
        space: &Space,
        key: OwedKey,
        owed: OwedRecord,
        made: Made,
    ) -> Result<Option<OwedKey>, AttemptFault> {
        let (outcome, request_at_ms) = (made.call.outcome, made.call.request_at_ms);
        let decision = decide(outcome, owed.attempt, &self.retry_policy(space));
        let id = self.ids.next();
        let mut batch = self.calls.add(key.webhook_uid, id, &made.call, &made.details)?;
        batch.remove(Table::Owed, key.to_bytes());
        let retry = match decision {
            Decision::Retry { delay_ms } => {
                // Never before the attempt that failed, even if the clock went back: what looks through the deliveries
                // in the order of their keys must not miss one that moved behind it.
                let due_ms = clock::now_ms().max(key.due_ms).saturating_add(delay_ms);
                let next = OwedKey { due_ms, ..key };
                batch.put(
                    Table::Owed,
                    next.to_bytes(),
                    record::encode(&OwedRecord { attempt: owed.attempt + 1, resent: false, ..owed }),
                );
                Some(next)
            }
            Decision::Succeeded | Decision::Dead => None,
        };
        self.record(batch).await?;
        self.calls.tell(key.webhook_uid, id);
        self.metrics.attempt_ended(outcome, decision);
        self.metrics.attempt_took(Duration::from_millis(clock::now_ms().saturating_sub(request_at_ms)));
        report(space, key, owed.attempt, outcome, decision, made.details.error.as_deref());
        Ok(retry)
    }

    /// Writes down what became of an attempt. While the disk is full that waits: the attempt was made, and to forget
    /// it would make it again.
    async fn record(&self, batch: Batch) -> Result<(), AttemptFault> {
        loop {
            match self.committer.commit(batch.clone(), Durability::Buffered).await {
                Err(CommitError::Store(cause @ (StoreError::Full | StoreError::ReadOnly)))
                    if !self.is_stopping() =>
                {
                    warn!(%cause, "the outcome of an attempt cannot be written yet");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
                result => return Ok(result?),
            }
        }
    }

    pub(super) fn retry_policy(&self, space: &Space) -> RetryPolicy {
        let own = space.settings().retry_policy.as_ref().map(|policy| policy.retries_max);
        RetryPolicy {
            retries_max: own.unwrap_or(RetryPolicy::default().retries_max),
            first_delay_ms: self.settings.first_delay.as_millis() as u64,
            retry_connection_errors: self.settings.retry_connection_errors,
        }
    }
}

fn report(
    space: &Space,
    key: OwedKey,
    attempt: u32,
    outcome: Outcome,
    decision: Decision,
    problem: Option<&str>,
) {
    let event = to_text(key.event_id);
    let space = &space.id;
    match decision {
        Decision::Succeeded => debug!(%space, %event, attempt, ?outcome, "delivered"),
        Decision::Retry { delay_ms } => {
            info!(%space, %event, attempt, ?outcome, problem, delay_ms, "an attempt failed and is tried again");
        }
        Decision::Dead => warn!(%space, %event, attempt, ?outcome, problem, "a delivery is given up"),
    }
}

/// Why an attempt could not be recorded.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptFault {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}
