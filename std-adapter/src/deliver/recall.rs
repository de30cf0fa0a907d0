//! What the activity log says of endpoints: whether they answered, and whether they are left alone. So a restart need not
//! find that out anew, and nothing is written for it.

use std::sync::Arc;

use bellwire_core::call::Outcome;
use bellwire_core::delivery::{Breaker, BreakerPolicy, PastCall, Sign, sign_of};
use tracing::warn;

use super::Engine;
use crate::causes;
use crate::limits::{ATTEMPT_TIMEOUT, CALLS_PER_WEBHOOK};
use crate::planted::{Bug, is_planted};
use crate::store::record::{self, CallRecord, OwedKey};
use crate::store::{Range, Store, StoreError, Table};
use crate::webhooks::Registry;

/// Owners that one look at the store finds at the most.
const OWNERS_AT_ONCE: usize = 64;

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
pub(super) struct PastCalls {
    registry: Arc<Registry>,
    breaker: BreakerPolicy,
}

impl PastCalls {
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
        let webhook = self.registry.webhook(webhook_uid);
        let changed_ms = webhook.map_or(0, |(_, webhook)| webhook.record.history.updated.at_ms);
        let log = Log { store, webhook_uid, changed_ms };
        log.recall(&self.breaker).unwrap_or_else(|cause| {
            let cause = causes::in_one_line(&cause);
            warn!(cause, "the activity log cannot be read: nothing is known of an endpoint");
            Recalled::NOTHING
        })
    }
}

/// The calls of one webhook.
struct Log<'a> {
    store: &'a dyn Store,
    webhook_uid: u64,
    /// When its definition was changed last: calls before that may have gone to another endpoint.
    changed_ms: u64,
}

impl Log<'_> {
    fn recall(&self, breaker: &BreakerPolicy) -> Result<Recalled, StoreError> {
        let enough = breaker.calls_that_count() as usize;
        let mut calls = self.latest(1)?;
        if calls.first().is_none_or(|call| !says_that_all_is_well(call)) {
            calls = self.latest(enough)?;
            if calls.len() < enough || calls.iter().any(|call| sign_of(call.outcome) == Sign::None) {
                calls = self.latest(CALLS_PER_WEBHOOK)?;
            }
        }
        let given_up =
            calls.first().filter(|call| call.outcome == Outcome::Expired).map(|call| call.request_at_ms);
        let said = calls.iter().map(past).filter(|call| call.sign != Sign::None);
        let mut failed: Vec<PastCall> = said.clone().take_while(|call| call.sign.is_bad()).collect();
        failed.reverse();
        let breaker = match (Breaker::after(failed, breaker), given_up) {
            _ if is_planted(Bug::ForgetBreaker) => Breaker::default(),
            // Deliveries are given up only while an endpoint is left alone; those of them may fill the log.
            (Breaker::Closed { .. }, Some(at_ms)) => {
                Breaker::Open { until_ms: at_ms.saturating_add(breaker.pause_ms), pauses: 1 }
            }
            (breaker, _) => breaker,
        };
        let silence = given_up.map_or(Sign::None, |_| Sign::Silent);
        Ok(Recalled { sign: said.clone().next().map_or(silence, |call| call.sign), breaker })
    }

    /// The last calls, the latest first, without those of which nobody knows when they were made.
    fn latest(&self, limit: usize) -> Result<Vec<CallRecord>, StoreError> {
        let prefix = self.webhook_uid.to_be_bytes();
        let rows = self.store.scan(Table::Calls, Range::prefix(&prefix).reversed(), limit)?;
        let calls = rows.iter().map(|(_, value)| record::decode(value));
        let mut calls = calls.collect::<Result<Vec<CallRecord>, StoreError>>()?;
        calls.retain(|call| call.outcome != Outcome::Unknown);
        let before = calls.iter().position(|call| call.request_at_ms < self.changed_ms);
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

impl Engine {
    /// What looks up the calls of earlier runs.
    pub(super) fn memory(&self) -> PastCalls {
        PastCalls { registry: self.parts.registry.clone(), breaker: self.settings.breaker }
    }

    /// Looks up how the last calls to a webhook ended.
    pub(super) async fn run_recall(self: Arc<Self>, webhook_uid: u64) {
        let memory = self.memory();
        let recalled = self.parts.store.run(move |store| Ok(memory.recall(store, webhook_uid))).await;
        self.schedule().recall(webhook_uid, recalled.unwrap_or(Recalled::NOTHING));
        self.pump();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Batch, Durability, MemoryStore};

    const POLICY: BreakerPolicy = BreakerPolicy { failures: 3, pause_ms: 1_000, pause_ms_max: 4_000 };

    /// A log of calls that were made one after the other, a second apart.
    fn log_of(outcomes: &[Outcome]) -> MemoryStore {
        let store = MemoryStore::new();
        let mut batch = Batch::new();
        for (number, outcome) in outcomes.iter().enumerate() {
            let call = CallRecord {
                event_id: 1,
                topic: "Entry.publish".into(),
                entity_id: None,
                attempt: 1,
                outcome: *outcome,
                url: "https://example.com/".into(),
                request_at_ms: number as u64 * 1_000,
                response_at_ms: Some(number as u64 * 1_000),
                resent: false,
            };
            batch.put(Table::Calls, record::timed_key(7, number as u128), record::encode(&call));
        }
        store.commit(&batch, Durability::Buffered).unwrap();
        store
    }

    #[test]
    fn the_last_calls_say_whether_an_endpoint_is_left_alone() {
        let [well, bad] = [204, 500].map(|status| Outcome::Response { status });
        let unknown = Outcome::Unknown;
        let closed = |failures| Breaker::Closed { failures };
        let open = |until_ms, pauses| Breaker::Open { until_ms, pauses };
        let many = |outcome, count| vec![outcome; count];
        // The log, when the definition was changed, and what is recalled.
        let rows = [
            (vec![], 0, Sign::None, closed(0)),
            (vec![bad, bad, well], 0, Sign::Well, closed(0)),
            (vec![bad, well, bad, bad], 0, Sign::Failing, closed(2)),
            (vec![well, bad, bad, bad], 0, Sign::Failing, open(4_000, 1)),
            (vec![well, bad, bad, bad], 2_000, Sign::Failing, closed(2)),
            (vec![well, bad, bad, bad], 4_000, Sign::None, closed(0)),
            // What nobody knows of says nothing, however much of it there is.
            ([vec![bad, bad, bad], many(unknown, 40)].concat(), 0, Sign::Failing, open(3_000, 1)),
            // Nor does what was given up, as long as there are calls that say something.
            ([vec![bad, bad, bad], many(Outcome::Expired, 40)].concat(), 0, Sign::Failing, open(3_000, 1)),
            ([vec![bad], many(Outcome::Expired, 600)].concat(), 0, Sign::Silent, open(601_000, 1)),
        ];
        for (number, (outcomes, changed_ms, sign, breaker)) in rows.into_iter().enumerate() {
            let store = log_of(&outcomes);
            let log = Log { store: &store, webhook_uid: 7, changed_ms };
            assert_eq!(log.recall(&POLICY).unwrap(), Recalled { sign, breaker }, "row {number}");
        }
    }
}
