//! The activity log: one call for each attempt, the last 500 of each webhook, and the health they show.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;

use crate::limits::CALLS_PER_WEBHOOK;
use crate::store::record::{self, CallDetailsRecord, CallRecord};
use crate::store::{Batch, Range, Row, Store, StoreError, Table};

/// The log of all webhooks.
pub struct CallLog {
    store: Arc<dyn Store>,
    /// Ids of the kept calls, oldest first, of the webhooks that were called since the start.
    kept: Mutex<HashMap<u64, VecDeque<u128>>>,
    ended: broadcast::Sender<Ended>,
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
    /// The log in this store.
    pub fn new(store: Arc<dyn Store>) -> CallLog {
        CallLog { store, kept: Mutex::default(), ended: broadcast::Sender::new(ENDED_KEPT) }
    }

    /// The changes that add a call, and that drop the oldest once there are more than are kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn add(
        &self,
        webhook_uid: u64,
        id: u128,
        call: &CallRecord,
        details: &CallDetailsRecord,
    ) -> Result<Batch, StoreError> {
        let key = record::timed_key(webhook_uid, id);
        let mut batch = Batch::default();
        batch.put(Table::Calls, key, record::encode(call));
        batch.put(Table::CallBodies, key, record::encode(details));
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = match all.entry(webhook_uid) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(self.read_ids(webhook_uid)?),
        };
        kept.push_back(id);
        while kept.len() > CALLS_PER_WEBHOOK {
            let oldest = record::timed_key(webhook_uid, kept.pop_front().expect("more than none are kept"));
            batch.remove(Table::Calls, oldest);
            batch.remove(Table::CallBodies, oldest);
        }
        Ok(batch)
    }

    fn read_ids(&self, webhook_uid: u64) -> Result<VecDeque<u128>, StoreError> {
        let rows = self.store.scan(Table::Calls, Range::prefix(&webhook_uid.to_be_bytes()), usize::MAX)?;
        rows.iter().map(|(key, _)| Ok(record::read_timed_key(key)?.1)).collect()
    }

    /// Calls of a webhook, newest first, without the first `skip`, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn page(&self, webhook_uid: u64, skip: usize, limit: usize) -> Result<Page, StoreError> {
        let rows = self.newest_first(webhook_uid)?;
        let read = |(key, value): &Row| Ok((record::read_timed_key(key)?.1, record::decode(value)?));
        let calls = rows.iter().skip(skip).take(limit).map(read).collect::<Result<_, StoreError>>()?;
        Ok(Page { total: rows.len(), calls })
    }

    fn newest_first(&self, webhook_uid: u64) -> Result<Vec<Row>, StoreError> {
        let prefix = webhook_uid.to_be_bytes();
        self.store.scan(Table::Calls, Range::prefix(&prefix).reversed(), CALLS_PER_WEBHOOK)
    }

    /// One call with what it sent and received; `None` when it is not kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn call(
        &self,
        webhook_uid: u64,
        id: u128,
    ) -> Result<Option<(CallRecord, CallDetailsRecord)>, StoreError> {
        let key = record::timed_key(webhook_uid, id);
        let call = self.store.read(Table::Calls, &key)?;
        let details = self.store.read(Table::CallBodies, &key)?;
        let (Some(call), Some(details)) = (call, details) else { return Ok(None) };
        Ok(Some((record::decode(&call)?, record::decode(&details)?)))
    }

    /// How the kept calls of a webhook went.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn health(&self, webhook_uid: u64) -> Result<Health, StoreError> {
        let mut health = Health::default();
        for (_, value) in self.newest_first(webhook_uid)? {
            let call: CallRecord = record::decode(&value)?;
            health.total += 1;
            health.healthy += usize::from(call.outcome.is_success());
        }
        Ok(health)
    }

    /// Tells those who watch that a call is in the log.
    pub fn tell(&self, webhook_uid: u64, id: u128) {
        let _nobody_watches = self.ended.send(Ended { webhook_uid, id });
    }

    /// The calls that end from now on.
    pub fn watch(&self) -> broadcast::Receiver<Ended> {
        self.ended.subscribe()
    }

    /// The kept calls of one event, oldest first. A call is made after its event, and ids grow with time.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn of_event(&self, webhook_uid: u64, event_id: u128) -> Result<Vec<(u128, CallRecord)>, StoreError> {
        let (first, end) = (record::timed_key(webhook_uid, event_id), (webhook_uid + 1).to_be_bytes());
        let rows = self.store.scan(Table::Calls, Range::between(&first, &end), CALLS_PER_WEBHOOK)?;
        let read = |(key, value): &Row| Ok((record::read_timed_key(key)?.1, record::decode(value)?));
        let calls: Vec<(u128, CallRecord)> = rows.iter().map(read).collect::<Result<_, StoreError>>()?;
        Ok(calls.into_iter().filter(|(_, call)| call.event_id == event_id).collect())
    }

    /// Forgets what is held in memory of a deleted webhook.
    pub fn forget(&self, webhook_uid: u64) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&webhook_uid);
    }
}

#[cfg(test)]
mod tests {
    use bellwire_core::call::Outcome;

    use super::*;
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

    fn fill(log: &CallLog, webhook: u64, ids: std::ops::Range<u128>) {
        for id in ids {
            let (call, details) = call(id as u32, if id % 10 == 0 { 500 } else { 200 });
            let batch = log.add(webhook, id, &call, &details).unwrap();
            log.store.commit(&batch, Durability::Buffered).unwrap();
        }
    }

    #[test]
    fn the_last_500_of_each_webhook_are_kept_over_a_restart() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        fill(&CallLog::new(store.clone()), 7, 0..450);
        fill(&CallLog::new(store.clone()), 8, 0..3);
        let log = CallLog::new(store);
        fill(&log, 7, 450..620);
        let page = log.page(7, 0, 1_000).unwrap();
        let ids: Vec<u128> = page.calls.iter().map(|(id, _)| *id).collect();
        assert_eq!(page.total, CALLS_PER_WEBHOOK);
        assert_eq!(ids, (120..620).rev().collect::<Vec<u128>>());
        assert_eq!(log.health(7).unwrap(), Health { total: 500, healthy: 450 });
        assert_eq!(log.health(8).unwrap(), Health { total: 3, healthy: 2 });
        assert!(log.call(7, 119).unwrap().is_none());
        assert_eq!(log.call(7, 120).unwrap().unwrap().0.attempt, 120);
    }

    #[test]
    fn pages_are_cut_from_the_newest() {
        let log = CallLog::new(Arc::new(MemoryStore::new()));
        fill(&log, 1, 0..10);
        let ids: Vec<u128> = log.page(1, 2, 3).unwrap().calls.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, [7, 6, 5]);
    }
}
