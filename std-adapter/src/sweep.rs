//! Sweeps what is past its time out of the store: old events, old idempotency keys, rows of deleted webhooks.
//!
//! Every step reads and removes a bounded number of rows, so that a sweep never holds the store up.

use std::collections::HashSet;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, warn};

use crate::clock::Clock;
use crate::id;
use crate::limits::{DEDUP_WINDOW, SWEEP_EVERY, SWEEP_ROWS};
use crate::store::record::{self, DedupRecord, OwedKey};
use crate::store::{Batch, CommitError, Committer, Durability, Range, Store, StoreError, Table};
use crate::webhooks::Registry;

/// Removes what is past its time.
pub struct Sweeper {
    store: Arc<dyn Store>,
    committer: Committer,
    registry: Arc<Registry>,
    event_retention: Duration,
}

/// Why a sweep stopped early.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The removal could not be written.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl Sweeper {
    /// A sweeper for this store.
    pub fn new(
        store: Arc<dyn Store>,
        committer: Committer,
        registry: Arc<Registry>,
        event_retention: Duration,
    ) -> Sweeper {
        Sweeper { store, committer, registry, event_retention }
    }

    /// Sweeps now and then, for ever.
    pub async fn run(self, clock: Arc<dyn Clock>) {
        loop {
            if let Err(cause) = self.sweep(clock.now_ms()).await {
                warn!(
                    cause = &cause as &(dyn Error + 'static),
                    "a sweep stopped early and will be made again"
                );
            }
            tokio::time::sleep(SWEEP_EVERY).await;
        }
    }

    /// Sweeps once. Answers with how many rows it removed.
    ///
    /// # Errors
    /// When the store fails; what was removed stays removed.
    pub async fn sweep(&self, now_ms: u64) -> Result<usize, SweepError> {
        let mut removed = 0;
        for table in [Table::Owed, Table::Calls, Table::CallBodies] {
            removed += self.sweep_orphans(table).await?;
        }
        removed += self.sweep_keys(now_ms).await?;
        removed += self.sweep_events(now_ms).await?;
        debug!(removed, "swept");
        Ok(removed)
    }

    /// Rows of webhooks that are gone. Passes over those that are there, one look for each.
    async fn sweep_orphans(&self, table: Table) -> Result<usize, SweepError> {
        let (mut removed, mut from) = (0, 0_u64);
        // What seems to belong to nobody may belong to a webhook that could not be read.
        if !self.registry.is_whole() {
            return Ok(removed);
        }
        while let Some(key) = self.store.scan_keys(table, Range::from_key(&from.to_be_bytes()), 1)?.pop() {
            let owner = owner_of(&key)?;
            if self.registry.webhook(owner).is_none() {
                removed += self.remove_all(table, owner).await?;
            }
            let Some(next) = owner.checked_add(1) else { break };
            from = next;
        }
        Ok(removed)
    }

    async fn remove_all(&self, table: Table, owner: u64) -> Result<usize, SweepError> {
        let mut removed = 0;
        loop {
            let keys = self.store.scan_keys(table, Range::prefix(&owner.to_be_bytes()), SWEEP_ROWS)?;
            if keys.is_empty() {
                return Ok(removed);
            }
            removed += self.remove(table, keys).await?;
        }
    }

    async fn remove(&self, table: Table, keys: Vec<Vec<u8>>) -> Result<usize, SweepError> {
        let mut batch = Batch::default();
        let count = keys.len();
        keys.into_iter().for_each(|key| batch.remove(table, key));
        if count > 0 {
            self.committer.commit(batch, Durability::Buffered).await?;
        }
        Ok(count)
    }

    /// Idempotency keys older than the window.
    async fn sweep_keys(&self, now_ms: u64) -> Result<usize, SweepError> {
        let oldest_ms = before(now_ms, DEDUP_WINDOW);
        let mut past = Vec::new();
        let mut removed = 0;
        let mut range = Range::all();
        loop {
            let rows = self.store.scan(Table::Dedup, range, SWEEP_ROWS)?;
            let Some((last, _)) = rows.last() else { return Ok(removed) };
            range = Range::all().after(last);
            for (key, value) in rows {
                if record::decode::<DedupRecord>(&value)?.at_ms < oldest_ms {
                    past.push(key);
                }
            }
            removed += self.remove(Table::Dedup, std::mem::take(&mut past)).await?;
        }
    }

    /// Events past their retention that nothing is owed of.
    async fn sweep_events(&self, now_ms: u64) -> Result<usize, SweepError> {
        let oldest_ms = before(now_ms, self.event_retention);
        let mut removed = 0;
        for space in self.registry.spaces() {
            let (first, end) =
                (record::timed_key(space.uid, 0), record::timed_key(space.uid, id::first_of(oldest_ms)));
            let mut range = Range::between(&first, &end);
            loop {
                let keys = self.store.scan_keys(Table::Events, range, SWEEP_ROWS)?;
                let Some(last) = keys.last().cloned() else { break };
                removed += self.remove(Table::Events, self.not_owed(keys)?).await?;
                range = Range::between(&first, &end).after(&last);
            }
        }
        Ok(removed)
    }

    /// Those of the events that no delivery needs.
    fn not_owed(&self, keys: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, StoreError> {
        let ids: Result<HashSet<u128>, StoreError> =
            keys.iter().map(|key| Ok(record::read_timed_key(key)?.1)).collect();
        let mut free = ids?;
        let mut range = Range::all();
        loop {
            let owed = self.store.scan_keys(Table::Owed, range, SWEEP_ROWS)?;
            let Some(last) = owed.last() else { break };
            range = Range::all().after(last);
            for key in &owed {
                free.remove(&OwedKey::from_bytes(key)?.event_id);
            }
        }
        let is_free = |key: &Vec<u8>| record::read_timed_key(key).is_ok_and(|(_, id)| free.contains(&id));
        Ok(keys.into_iter().filter(is_free).collect())
    }
}

fn owner_of(key: &[u8]) -> Result<u64, StoreError> {
    let owner = key.first_chunk::<8>().ok_or_else(record::unreadable)?;
    Ok(u64::from_be_bytes(*owner))
}

fn before(now_ms: u64, span: Duration) -> u64 {
    now_ms.saturating_sub(span.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;
    use crate::store::record::Stamp;
    use crate::webhooks::Expected;

    const RETENTION: Duration = Duration::from_secs(60);
    const NOW_MS: u64 = 1_000_000_000_000;

    /// A store with one space of uid `space`, without webhooks.
    async fn sweeper() -> (Arc<dyn Store>, Sweeper, u64) {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let committer = Committer::start(store.clone());
        let registry = Arc::new(Registry::load(&*store, committer.clone()).unwrap());
        let stamp = Stamp { at_ms: NOW_MS, by: "test".into() };
        let space = registry.put_space("s", "s", Expected::Unsaid, stamp).await.unwrap().uid;
        (store.clone(), Sweeper::new(store, committer, registry, RETENTION), space)
    }

    fn put(store: &dyn Store, table: Table, keys: impl IntoIterator<Item = Vec<u8>>, value: &[u8]) {
        let mut batch = Batch::default();
        keys.into_iter().for_each(|key| batch.put(table, key, value));
        store.commit(&batch, Durability::Buffered).unwrap();
    }

    fn count(store: &dyn Store, table: Table) -> usize {
        store.scan_keys(table, Range::all(), usize::MAX).unwrap().len()
    }

    #[tokio::test]
    async fn old_events_go_unless_something_is_owed() {
        let (store, sweeper, space) = sweeper().await;
        let old = id::first_of(NOW_MS - 61_000);
        let young = id::first_of(NOW_MS - 59_000);
        let events = (0..2_500).map(|number| record::timed_key(space, old + number).to_vec());
        put(&*store, Table::Events, events.chain([record::timed_key(space, young).to_vec()]), b"event");
        let owed = OwedKey { webhook_uid: 7, due_ms: NOW_MS, event_id: old + 1_234 };
        assert_eq!(sweeper.sweep_events(NOW_MS).await.unwrap(), 2_500);
        put(&*store, Table::Events, [record::timed_key(space, old + 1_234).to_vec()], b"event");
        put(&*store, Table::Owed, [owed.to_bytes().to_vec()], b"owed");
        assert_eq!(sweeper.sweep_events(NOW_MS).await.unwrap(), 0);
        assert_eq!(count(&*store, Table::Events), 2);
    }

    #[tokio::test]
    async fn rows_of_deleted_webhooks_go() {
        let (store, sweeper, _) = sweeper().await;
        for table in [Table::Calls, Table::CallBodies] {
            put(&*store, table, (0..1_500).map(|number| record::timed_key(7, number).to_vec()), b"call");
        }
        let owed =
            |number| OwedKey { webhook_uid: u64::MAX, due_ms: number, event_id: 1 }.to_bytes().to_vec();
        put(&*store, Table::Owed, (0..3).map(owed), b"owed");
        assert_eq!(sweeper.sweep(NOW_MS).await.unwrap(), 3_003);
        assert_eq!(sweeper.sweep(NOW_MS).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn idempotency_keys_go_after_their_window() {
        let (store, sweeper, _) = sweeper().await;
        let window_ms = DEDUP_WINDOW.as_millis() as u64;
        for (number, at_ms) in [NOW_MS - window_ms - 1, NOW_MS - window_ms, NOW_MS].into_iter().enumerate() {
            let value = record::encode(&DedupRecord { event_id: 1, at_ms });
            put(&*store, Table::Dedup, [vec![number as u8 + 1]], &value);
        }
        assert_eq!(sweeper.sweep(NOW_MS).await.unwrap(), 1);
        assert_eq!(count(&*store, Table::Dedup), 2);
    }
}
