//! What the engine reads of the deliveries owed, and what it writes before it attempts them: claims.
//!
//! A claim says that an attempt is about to be made. It is on the disk before the request leaves: that of a delivery
//! that starts at once comes with the event itself, those of others are written together, many in one commit. So after
//! a crash an attempt that may have been made is known, and the log says that its outcome is not.

use std::sync::Arc;

use bellwire_core::call::Outcome;
use bellwire_core::delivery::{Breaker, BreakerPolicy, PastCall, Sign, sign_of};

use tracing::warn;

use super::{Engine, Needed, STORE_PAUSE};
use crate::causes;
use crate::limits::{ATTEMPT_TIMEOUT, CALLS_PER_WEBHOOK, EVENTS_AT_HAND_BYTES};
use crate::planted::{Bug, is_planted};
use crate::store::record::{self, CallRecord, Owed, OwedKey, OwedRecord};
use crate::store::{Batch, Durability, Range, Store, StoreError, Table};
use crate::webhooks::Registry;

/// Owners that one look at the store finds at the most.
const OWNERS_AT_ONCE: usize = 64;

/// Deliveries that one look at the store counts at the most.
const COUNTED_AT_ONCE: usize = 8_192;

/// What the log says of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recalled {
    /// What the last call said.
    pub(crate) sign: Sign,
    /// What the last calls led to.
    pub(crate) breaker: Breaker,
}

impl Recalled {
    /// Nothing.
    pub(crate) const NOTHING: Recalled =
        Recalled { sign: Sign::None, breaker: Breaker::Closed { failures: 0 } };
}

/// Looks up in the log what the calls of earlier runs said.
pub(super) struct Memory {
    registry: Arc<Registry>,
    breaker: BreakerPolicy,
}

impl Memory {
    /// The webhooks from this uid on to which something is owed, a few at a time, with what the log says of each.
    pub(super) fn owners(&self, store: &dyn Store, from: u64) -> Result<Vec<(u64, Recalled)>, StoreError> {
        let (mut owners, mut from) = (Vec::new(), from);
        while owners.len() < OWNERS_AT_ONCE {
            let first = store.scan_keys(Table::Owed, Range::from_key(&from.to_be_bytes()), 1)?.pop();
            let Some(key) = first else { break };
            let owner = OwedKey::from_bytes(&key)?.webhook_uid;
            owners.push((owner, self.recall(store, owner)));
            from = owner + 1;
        }
        Ok(owners)
    }

    /// What the log says of a webhook's endpoint. If that cannot be read, nothing is known of it.
    fn recall(&self, store: &dyn Store, webhook_uid: u64) -> Recalled {
        self.try_recall(store, webhook_uid).unwrap_or_else(|cause| {
            let cause = causes::in_one_line(&cause);
            warn!(cause, "the activity log cannot be read: nothing is known of an endpoint");
            Recalled::NOTHING
        })
    }

    fn try_recall(&self, store: &dyn Store, webhook_uid: u64) -> Result<Recalled, StoreError> {
        let mut calls = self.latest(store, webhook_uid, 1)?;
        if calls.first().is_none_or(|call| !says_that_all_is_well(call)) {
            calls = self.latest(store, webhook_uid, self.breaker.calls_that_count() as usize)?;
        }
        if calls.iter().any(|call| sign_of(call.outcome) == Sign::None) {
            calls = self.latest(store, webhook_uid, CALLS_PER_WEBHOOK)?;
        }
        let given_up =
            calls.first().filter(|call| call.outcome == Outcome::Expired).map(|call| call.request_at_ms);
        let said = calls.iter().map(past).filter(|call| call.sign != Sign::None);
        let mut failed: Vec<PastCall> = said.clone().take_while(|call| call.sign.is_bad()).collect();
        failed.reverse();
        let breaker = match (Breaker::after(failed, &self.breaker), given_up) {
            _ if is_planted(Bug::ForgetBreaker) => Breaker::default(),
            // Deliveries are given up only while an endpoint is left alone; those of them may fill the log.
            (Breaker::Closed { .. }, Some(at_ms)) => {
                Breaker::Open { until_ms: at_ms.saturating_add(self.breaker.pause_ms), pauses: 1 }
            }
            (breaker, _) => breaker,
        };
        let silence = given_up.map_or(Sign::None, |_| Sign::Silent);
        Ok(Recalled { sign: said.clone().next().map_or(silence, |call| call.sign), breaker })
    }

    /// The last calls of a webhook, the latest first, without those of which nobody knows when they were made. Those before
    /// the last change of its definition may have gone to another endpoint.
    fn latest(
        &self,
        store: &dyn Store,
        webhook_uid: u64,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        let rows = store.scan(Table::Calls, Range::prefix(&webhook_uid.to_be_bytes()).reversed(), limit)?;
        let calls = rows.iter().map(|(_, value)| record::decode(value));
        let mut calls = calls.collect::<Result<Vec<CallRecord>, StoreError>>()?;
        let webhook = self.registry.webhook(webhook_uid);
        let changed_ms = webhook.map_or(0, |(_, webhook)| webhook.record.history.updated.at_ms);
        calls.retain(|call| call.outcome != Outcome::Unknown);
        let before = calls.iter().position(|call| call.request_at_ms < changed_ms);
        calls.truncate(before.unwrap_or(calls.len()));
        Ok(calls)
    }
}

fn says_that_all_is_well(call: &CallRecord) -> bool {
    let sign = sign_of(call.outcome);
    !sign.is_bad() && sign != Sign::None
}

/// A call as a breaker sees it. When it ended without a response only a timeout tells.
fn past(call: &CallRecord) -> PastCall {
    let begun_ms = call.request_at_ms;
    let waited_ms = if call.outcome == Outcome::Timeout { ATTEMPT_TIMEOUT.as_millis() as u64 } else { 0 };
    let ended_ms = call.response_at_ms.unwrap_or(begun_ms.saturating_add(waited_ms));
    PastCall { sign: sign_of(call.outcome), begun_ms, ended_ms }
}

/// The keys of deliveries after this one, in order; at most so many as one look may take.
pub(super) fn keys_after(store: &dyn Store, last: Option<OwedKey>) -> Result<Vec<OwedKey>, StoreError> {
    let last = last.map(OwedKey::to_bytes);
    let range = last.as_ref().map_or(Range::all(), |last| Range::all().after(last));
    let keys = store.scan_keys(Table::Owed, range, COUNTED_AT_ONCE)?;
    keys.iter().map(|key| OwedKey::from_bytes(key)).collect()
}

fn read(store: &dyn Store, from: OwedKey, most: usize) -> Result<Vec<Owed>, StoreError> {
    let end = (from.webhook_uid + 1).to_be_bytes();
    let rows = store.scan(Table::Owed, Range::between(&from.to_bytes(), &end), most)?;
    rows.iter().map(Owed::from_row).collect()
}

/// The events of these deliveries, as far as they can be read and are not too large to be kept.
fn events_of(store: &dyn Store, owed: &[Owed]) -> Vec<Needed> {
    let mut bytes = 0;
    let read = |owed: &Owed| {
        let id = owed.key.event_id;
        let value = store.read(Table::Events, &record::timed_key(owed.record.space_uid, id)).ok()??;
        bytes += value.len();
        let event = (bytes <= EVENTS_AT_HAND_BYTES).then(|| record::decode(&value).ok())??;
        Some(Needed { id, event: Arc::new(event), attempts: 1 })
    };
    owed.iter().filter_map(read).collect()
}

impl Engine {
    /// Reads deliveries that wait in the store only.
    pub(super) async fn run_refill(self: Arc<Self>, from: OwedKey, most: usize) {
        match self.parts.store.run(move |store| read(store, from, most)).await {
            Ok(rows) => self.schedule().refill(from.webhook_uid, &rows, most),
            Err(cause) => {
                self.store_failed(&cause, "the deliveries owed cannot be read").await;
                self.schedule().store_failed(from.webhook_uid);
            }
        }
        self.pump();
    }

    /// What looks up the calls of earlier runs.
    pub(super) fn memory(&self) -> Memory {
        Memory { registry: self.parts.registry.clone(), breaker: self.settings.breaker }
    }

    /// Looks up how the last calls to a webhook ended.
    pub(super) async fn run_recall(self: Arc<Self>, webhook_uid: u64) {
        let memory = self.memory();
        let recalled = self.parts.store.run(move |store| Ok(memory.recall(store, webhook_uid))).await;
        self.schedule().recall(webhook_uid, recalled.unwrap_or(Recalled::NOTHING));
        self.pump();
    }

    /// Writes down that these are about to be attempted.
    pub(super) async fn run_claim(self: Arc<Self>, owed: Vec<Owed>) {
        let batch = claim_batch(&owed, self.settings.run);
        let unsynced = is_planted(Bug::ClaimUnsynced);
        let durability = if unsynced { Durability::Buffered } else { Durability::Synced };
        let writing = self.parts.committer.commit(batch, durability);
        let (written, ()) = tokio::join!(writing, self.fetch_events(&owed));
        match written {
            Ok(()) => self.schedule().claimed(&owed),
            Err(cause) => {
                if !self.is_stopping() {
                    self.unwritten.warn(
                        self.now_ms(),
                        &cause,
                        "attempts cannot be begun: they cannot be written down",
                    );
                }
                tokio::time::sleep(STORE_PAUSE).await;
                owed.first().iter().for_each(|owed| self.schedule().store_failed(owed.key.webhook_uid));
            }
        }
        self.pump();
    }

    /// Reads the events of these, so that their attempts find them. What cannot be read is read again by the attempt,
    /// which says so.
    async fn fetch_events(&self, owed: &[Owed]) {
        let missing: Vec<Owed> = {
            let mut at_hand = self.at_hand();
            owed.iter().filter(|owed| !at_hand.expect(owed.key.event_id, 1)).copied().collect()
        };
        if missing.is_empty() {
            return;
        }
        let found = self.parts.store.run(move |store| Ok(events_of(store, &missing))).await;
        let mut at_hand = self.at_hand();
        found.into_iter().flatten().for_each(|needed| at_hand.keep(needed));
    }

    /// At the end of the run: what was claimed and not begun will not be.
    pub(super) async fn give_back_claims(&self) {
        let idle = self.schedule().idle_claims();
        for part in idle.chunks(OWNERS_AT_ONCE * OWNERS_AT_ONCE) {
            // If it cannot be written, the log will say "unknown" of attempts that were never made: safe, if not exact.
            let _ = self.parts.committer.commit(claim_batch(part, 0), Durability::Buffered).await;
        }
    }
}

fn claim_batch(owed: &[Owed], claim: u64) -> Batch {
    let mut batch = Batch::default();
    for Owed { key, record } in owed {
        batch.put(Table::Owed, key.to_bytes(), record::encode(&OwedRecord { claim, ..*record }));
    }
    batch
}
