//! The activity log: one call for each attempt, the last 500 of each webhook, and the health they show.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;
use tracing::warn;

use crate::causes;
use crate::id::IdMaker;
use crate::limits::{
    CALLS_PER_WEBHOOK, CALLS_TRIMMED_AT_ONCE, LONG_RESPONSE_BYTES, LONG_RESPONSE_EVERY, SHORT_RESPONSE_BYTES,
};
use crate::planted::{Bug, is_planted};
use crate::store::record::{self, CallDetailsRecord, CallRecord};
use crate::store::{Batch, Range, Reader, Row, Store, StoreError, Table};

/// The log of all webhooks.
pub struct CallLog {
    store: Reader,
    ids: Arc<IdMaker>,
    /// What the store holds of the webhooks that were called since the start.
    kept: Mutex<HashMap<u64, Kept>>,
    ended: broadcast::Sender<Ended>,
}

/// What the store holds of one webhook's calls.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    /// How many.
    count: usize,
    /// None that is stored is older than this one. To look from here on passes over what was removed before.
    oldest: u128,
    /// Whether the oldest are being looked for.
    trimming: bool,
    /// When a long answer was kept whole.
    whole_ms: Option<u64>,
}

/// Calls that a slow watcher may be behind; those before are lost to it.
const ENDED_KEPT: usize = 1_024;

/// A call that has ended and is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The webhook.
    pub webhook_uid: u64,
    /// The call.
    pub id: u128,
}

/// How a webhook's kept calls went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Kept calls.
    pub total: usize,
    /// Those that were answered with 2xx.
    pub healthy: usize,
}

/// A stretch of a webhook's log.
#[derive(Debug)]
pub struct Page {
    /// Kept calls in all.
    pub total: usize,
    /// The calls asked for, newest first.
    pub calls: Vec<(u128, CallRecord)>,
}

impl CallLog {
    /// The log in this store; calls get these ids.
    pub fn new(store: impl Into<Reader>, ids: Arc<IdMaker>) -> CallLog {
        let ended = broadcast::Sender::new(ENDED_KEPT);
        CallLog { store: store.into(), ids, kept: Mutex::default(), ended }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<u64, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The changes that add a call, and that drop the oldest once there are enough of those that are no longer kept. While
    /// the log cannot be read it only grows: what happened is written down all the same.
    pub async fn add(
        &self,
        webhook_uid: u64,
        call: &CallRecord,
        details: &CallDetailsRecord,
    ) -> (u128, Batch) {
        let surplus = self.trim(webhook_uid).await.unwrap_or_else(|cause| {
            warn!(
                cause = causes::in_one_line(&cause),
                "the activity log cannot be read, so its oldest calls are not removed"
            );
            Vec::new()
        });
        let id = self.ids.next();
        if let Some(kept) = self.kept().get_mut(&webhook_uid) {
            kept.oldest = kept.oldest.min(id);
        }
        let key = record::timed_key(webhook_uid, id);
        let mut batch = Batch::default();
        batch.put(Table::Calls, key, record::encode(call));
        batch.put(Table::CallBodies, key, self.encode_details(webhook_uid, call, details));
        for old in surplus {
            batch.remove(Table::Calls, old.as_slice());
            batch.remove(Table::CallBodies, old);
        }
        (id, batch)
    }

    /// The details as they are stored. Of answers that are long, also when they are compressed, one is kept whole every
    /// [`LONG_RESPONSE_EVERY`], and those to calls that a person asked for: the disk that takes them is everybody's.
    fn encode_details(&self, webhook_uid: u64, call: &CallRecord, details: &CallDetailsRecord) -> Vec<u8> {
        let encoded = record::encode_details(details);
        let of_response = details.response.as_ref().map_or(0, |response| response.body.len());
        let is_long = encoded.len().min(of_response) >= LONG_RESPONSE_BYTES;
        if !is_long || call.resent || self.may_keep_whole(webhook_uid, call.request_at_ms) {
            return encoded;
        }
        record::encode_details(&details.with_response_of(SHORT_RESPONSE_BYTES))
    }

    /// Whether a long answer is kept whole; the next one is not, for a while.
    fn may_keep_whole(&self, webhook_uid: u64, now_ms: u64) -> bool {
        let mut kept = self.kept();
        let Some(kept) = kept.get_mut(&webhook_uid) else { return true };
        // A clock that was set back ends the while.
        let is_recent = kept.whole_ms.is_some_and(|whole_ms| {
            now_ms >= whole_ms && u128::from(now_ms - whole_ms) < LONG_RESPONSE_EVERY.as_millis()
        });
        if !is_recent {
            kept.whole_ms = Some(now_ms);
        }
        !is_recent
    }

    /// Counts a call that is about to be stored. Answers with the keys of those to be removed for it.
    async fn trim(&self, webhook_uid: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        self.count(webhook_uid).await?;
        self.surplus(webhook_uid).await
    }

    async fn count(&self, webhook_uid: u64) -> Result<(), StoreError> {
        if !self.kept().contains_key(&webhook_uid) {
            let horizon = self.ids.horizon();
            let (stored, newest) = self.store.run(move |store| stored(store, webhook_uid, horizon)).await?;
            self.ids.follow(newest);
            self.kept().entry(webhook_uid).or_insert(stored);
        }
        if let Some(kept) = self.kept().get_mut(&webhook_uid) {
            kept.count += 1;
        }
        Ok(())
    }

    /// Keys of calls to be removed: many now and then, because to find the oldest costs as much as to find a few.
    async fn surplus(&self, webhook_uid: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let most = if is_planted(Bug::TrimTooMuch) { 0 } else { CALLS_PER_WEBHOOK };
        let full = |kept: &&mut Kept| !kept.trimming && kept.count >= most + CALLS_TRIMMED_AT_ONCE;
        let begin = |kept: &mut Kept| {
            kept.trimming = true;
            kept.oldest
        };
        let Some(from) = self.kept().get_mut(&webhook_uid).filter(full).map(begin) else {
            return Ok(Vec::new());
        };
        let found = self.store.run(move |store| oldest_keys(store, webhook_uid, from)).await;
        let mut kept = self.kept();
        let Some(kept) = kept.get_mut(&webhook_uid) else { return found };
        kept.trimming = false;
        let mut keys = found?;
        // The last one found is the oldest that stays.
        if let Some(stays) = keys.pop() {
            kept.oldest = record::read_timed_key(&stays)?.1;
        }
        kept.count = kept.count.saturating_sub(keys.len());
        Ok(keys)
    }

    /// Calls of a webhook, newest first, without the first `skip`, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn page(&self, webhook_uid: u64, skip: usize, limit: usize) -> Result<Page, StoreError> {
        self.store.run(move |store| page(store, webhook_uid, skip, limit)).await
    }

    /// One call with what it sent and received; `None` when it is not kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn call(
        &self,
        webhook_uid: u64,
        id: u128,
    ) -> Result<Option<(CallRecord, CallDetailsRecord)>, StoreError> {
        self.store.run(move |store| call(store, webhook_uid, id)).await
    }

    /// How the kept calls of a webhook went.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn health(&self, webhook_uid: u64) -> Result<Health, StoreError> {
        self.store.run(move |store| health(store, webhook_uid)).await
    }

    /// Tells those who watch that a call is in the log.
    pub fn tell(&self, webhook_uid: u64, id: u128) {
        let _nobody_watches = self.ended.send(Ended { webhook_uid, id });
    }

    /// The calls that end from now on.
    pub fn watch(&self) -> broadcast::Receiver<Ended> {
        self.ended.subscribe()
    }

    /// The kept calls of one event, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn of_event(
        &self,
        webhook_uid: u64,
        event_id: u128,
    ) -> Result<Vec<(u128, CallRecord)>, StoreError> {
        self.store.run(move |store| of_event(store, webhook_uid, event_id)).await
    }

    /// Forgets what is held in memory of a deleted webhook.
    pub fn forget(&self, webhook_uid: u64) {
        self.kept().remove(&webhook_uid);
    }
}

/// What the store holds of a webhook's calls, and the newest of them below the horizon.
fn stored(store: &dyn Store, webhook_uid: u64, horizon: u128) -> Result<(Kept, u128), StoreError> {
    let keys = store.scan_keys(Table::Calls, Range::prefix(&webhook_uid.to_be_bytes()), usize::MAX)?;
    let id = |key: Option<&Vec<u8>>| -> Result<u128, StoreError> {
        key.map_or(Ok(0), |key| Ok(record::read_timed_key(key)?.1))
    };
    let horizon = record::timed_key(webhook_uid, horizon);
    let newest = keys.iter().rfind(|key| key.as_slice() < horizon.as_slice());
    let (oldest, newest) = (id(keys.first())?, id(newest)?);
    Ok((Kept { count: keys.len(), oldest, ..Kept::default() }, newest))
}

/// The oldest calls from this id on: those to be removed, and the one after them.
fn oldest_keys(store: &dyn Store, webhook_uid: u64, from: u128) -> Result<Vec<Vec<u8>>, StoreError> {
    let end = (webhook_uid + 1).to_be_bytes();
    let from = record::timed_key(webhook_uid, from);
    store.scan_keys(Table::Calls, Range::between(&from, &end), CALLS_TRIMMED_AT_ONCE + 1)
}

fn newest_first(store: &dyn Store, webhook_uid: u64) -> Result<Vec<Row>, StoreError> {
    let prefix = webhook_uid.to_be_bytes();
    store.scan(Table::Calls, Range::prefix(&prefix).reversed(), CALLS_PER_WEBHOOK)
}

fn page(store: &dyn Store, webhook_uid: u64, skip: usize, limit: usize) -> Result<Page, StoreError> {
    let rows = newest_first(store, webhook_uid)?;
    let read = |(key, value): &Row| Ok((record::read_timed_key(key)?.1, record::decode(value)?));
    let calls = rows.iter().skip(skip).take(limit).map(read).collect::<Result<_, StoreError>>()?;
    Ok(Page { total: rows.len(), calls })
}

fn call(
    store: &dyn Store,
    webhook_uid: u64,
    id: u128,
) -> Result<Option<(CallRecord, CallDetailsRecord)>, StoreError> {
    let key = record::timed_key(webhook_uid, id);
    let call = store.read(Table::Calls, &key)?;
    let details = store.read(Table::CallBodies, &key)?;
    let (Some(call), Some(details)) = (call, details) else { return Ok(None) };
    Ok(Some((record::decode(&call)?, record::decode_details(&details)?)))
}

fn of_event(
    store: &dyn Store,
    webhook_uid: u64,
    event_id: u128,
) -> Result<Vec<(u128, CallRecord)>, StoreError> {
    let prefix = webhook_uid.to_be_bytes();
    let rows = store.scan(Table::Calls, Range::prefix(&prefix), CALLS_PER_WEBHOOK + CALLS_TRIMMED_AT_ONCE)?;
    let read = |(key, value): &Row| Ok((record::read_timed_key(key)?.1, record::decode(value)?));
    let calls: Vec<(u128, CallRecord)> = rows.iter().map(read).collect::<Result<_, StoreError>>()?;
    Ok(calls.into_iter().filter(|(_, call)| call.event_id == event_id).collect())
}

fn health(store: &dyn Store, webhook_uid: u64) -> Result<Health, StoreError> {
    let mut health = Health::default();
    for (_, value) in newest_first(store, webhook_uid)? {
        let call: CallRecord = record::decode(&value)?;
        health.total += 1;
        health.healthy += usize::from(call.outcome.is_success());
    }
    Ok(health)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bellwire_core::call::Outcome;

    use super::*;
    use crate::clock::RuntimeClock;
    use crate::random::Dice;
    use crate::store::{Durability, MemoryStore};

    fn call(attempt: u32, status: u16) -> (CallRecord, CallDetailsRecord) {
        let call = CallRecord {
            event_id: 1,
            topic: "Entry.publish".into(),
            entity_id: None,
            attempt,
            outcome: Outcome::Response { status },
            url: "https://example.com/".into(),
            request_at_ms: 1,
            response_at_ms: Some(2),
            resent: false,
        };
        let details = CallDetailsRecord {
            method: "POST".into(),
            request_headers: Vec::new(),
            request_body: String::new(),
            request_cut: false,
            timeout_ms: 30_000,
            response: None,
            error: None,
            timing: record::TimingRecord::default(),
        };
        (call, details)
    }

    fn log(store: &Arc<dyn Store>) -> CallLog {
        CallLog::new(store.clone(), Arc::new(IdMaker::default()))
    }

    #[tokio::test]
    async fn of_long_answers_that_do_not_compress_one_in_a_while_is_kept_whole() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let log = log(&store);
        let dice = Dice::seeded(1);
        let noise =
            (0..LONG_RESPONSE_BYTES).map(|_| char::from_u32(0x4e00 + (dice.roll() >> 50) as u32).unwrap());
        let (noise, plain): (String, _) = (noise.collect(), "a".repeat(200_000));
        let every_ms = LONG_RESPONSE_EVERY.as_millis() as u64;
        // Webhook, moment, body, whether a person asked for it; whether it is kept whole.
        let rows = [
            (1, 1_000, &noise, false, true),
            (1, 1_001, &noise, false, false),
            (1, 1_001, &noise, true, true),
            (1, 1_001, &plain, false, true),
            (2, 1_001, &noise, false, true),
            (1, 999 + every_ms, &noise, false, false),
            (1, 1_000 + every_ms, &noise, false, true),
            (1, 1_000, &noise, false, true),
        ];
        for (number, (webhook_uid, request_at_ms, body, resent, whole)) in rows.into_iter().enumerate() {
            let (call, details) = call(1, 200);
            let call = CallRecord { request_at_ms, resent, ..call };
            let response =
                record::ResponseRecord { status: 200, headers: Vec::new(), body: body.clone(), cut: false };
            let (id, batch) =
                log.add(webhook_uid, &call, &CallDetailsRecord { response: Some(response), ..details }).await;
            store.commit(&batch, Durability::Buffered).unwrap();
            let (_, read) = log.call(webhook_uid, id).await.unwrap().unwrap();
            let response = read.response.unwrap();
            let bytes = if whole { body.len() } else { SHORT_RESPONSE_BYTES };
            assert!(response.body.len().abs_diff(bytes) < 4 && response.cut != whole, "row {number}");
        }
    }

    /// Adds calls with these numbers of attempts. Answers with their ids.
    async fn fill(log: &CallLog, webhook: u64, attempts: std::ops::Range<u32>) -> Vec<u128> {
        let mut ids = Vec::new();
        for attempt in attempts {
            let (call, details) = call(attempt, if attempt % 10 == 0 { 500 } else { 200 });
            let (id, batch) = log.add(webhook, &call, &details).await;
            log.store.at_once().commit(&batch, Durability::Buffered).unwrap();
            ids.push(id);
        }
        ids
    }

    async fn attempts(log: &CallLog, webhook: u64, skip: usize, limit: usize) -> Vec<u32> {
        let page = log.page(webhook, skip, limit).await.unwrap();
        page.calls.iter().map(|(_, call)| call.attempt).collect()
    }

    #[tokio::test]
    async fn the_last_500_of_each_webhook_are_kept_over_a_restart() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let ids = fill(&log(&store), 7, 0..450).await;
        fill(&log(&store), 8, 0..3).await;
        let log = log(&store);
        fill(&log, 7, 450..620).await;
        assert_eq!(log.page(7, 0, 1_000).await.unwrap().total, CALLS_PER_WEBHOOK);
        assert_eq!(attempts(&log, 7, 0, 1_000).await, (120..620).rev().collect::<Vec<u32>>());
        assert_eq!(log.health(7).await.unwrap(), Health { total: 500, healthy: 450 });
        assert_eq!(log.health(8).await.unwrap(), Health { total: 3, healthy: 2 });
        assert!(log.call(7, ids[55]).await.unwrap().is_none());
        assert_eq!(log.call(7, ids[120]).await.unwrap().unwrap().0.attempt, 120);
    }

    #[tokio::test]
    async fn pages_are_cut_from_the_newest() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let log = log(&store);
        fill(&log, 1, 0..10).await;
        assert_eq!(attempts(&log, 1, 2, 3).await, [7, 6, 5]);
    }

    #[tokio::test]
    async fn calls_follow_those_of_an_earlier_run_when_the_clock_was_set_back() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let run_at = |now_ms| {
            let clock = Arc::new(RuntimeClock::starting_at(now_ms));
            CallLog::new(store.clone(), Arc::new(IdMaker::new(clock)))
        };
        fill(&run_at(20_000_000), 1, 0..5).await;
        fill(&run_at(10_000_000), 1, 5..10).await;
        assert_eq!(attempts(&log(&store), 1, 0, 10).await, (0..10).rev().collect::<Vec<u32>>());
    }

    #[tokio::test]
    async fn the_store_holds_little_more_than_is_kept() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let log = log(&store);
        fill(&log, 7, 0..5_000).await;
        for table in [Table::Calls, Table::CallBodies] {
            let held = store.scan_keys(table, Range::all(), usize::MAX).unwrap().len();
            assert!((CALLS_PER_WEBHOOK..CALLS_PER_WEBHOOK + CALLS_TRIMMED_AT_ONCE).contains(&held), "{held}");
        }
    }
}
