//! Sweeps what is past its time out of the store: old events, old idempotency keys, rows of deleted webhooks.
//!
//! Every step reads and removes a bounded number of rows, so that a sweep never holds the store up.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, warn};

use crate::clock::Clock;
use crate::id;
use crate::limits::{SWEEP_EVERY, SWEEP_OWED_MAX, SWEEP_ROWS};
use crate::store::record::{self, OwedKey};
use crate::store::{Batch, CommitError, Committer, Durability, Range, Reader, Store, StoreError, Table};
use crate::webhooks::Registry;

/// Removes what is past its time.
pub struct Sweeper {
    store: Reader,
    committer: Committer,
    registry: Arc<Registry>,
    event_retention: Duration,
    swept: Swept,
}

/// Told of the deliveries that are no longer owed because their webhook is gone.
pub type Swept = Box<dyn Fn(&[OwedKey]) + Send + Sync>;

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
        store: impl Into<Reader>,
        committer: Committer,
        registry: Arc<Registry>,
        event_retention: Duration,
        swept: Swept,
    ) -> Sweeper {
        Sweeper { store: store.into(), committer, registry, event_retention, swept }
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
        while let Some(owner) = self.store.run(move |store| owner_from(store, table, from)).await? {
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
            let look = move |store: &dyn Store| {
                store.scan_keys(table, Range::prefix(&owner.to_be_bytes()), SWEEP_ROWS)
            };
            let keys = self.store.run(look).await?;
            if keys.is_empty() {
                return Ok(removed);
            }
            if table == Table::Owed {
                let swept: Result<Vec<OwedKey>, StoreError> =
                    keys.iter().map(|key| OwedKey::from_bytes(key)).collect();
                (self.swept)(&swept?);
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

    /// Idempotency keys older than the window: whole days of them, which stand together.
    async fn sweep_keys(&self, now_ms: u64) -> Result<usize, SweepError> {
        let oldest = record::dedup_day(now_ms).saturating_sub(1);
        let mut removed = 0;
        loop {
            let look = move |store: &dyn Store| {
                store.scan_keys(Table::Dedup, Range::between(&[0; 4], &oldest.to_be_bytes()), SWEEP_ROWS)
            };
            let keys = self.store.run(look).await?;
            if keys.is_empty() {
                return Ok(removed);
            }
            removed += self.remove(Table::Dedup, keys).await?;
        }
    }

    /// Events past their retention that nothing is owed of. The deliveries owed are looked through once for all of them.
    async fn sweep_events(&self, now_ms: u64) -> Result<usize, SweepError> {
        let oldest = id::first_of(before(now_ms, self.event_retention));
        let spaces: Vec<u64> = self.registry.spaces().iter().map(|space| space.uid).collect();
        let past = move |store: &dyn Store| any_before(store, &spaces, oldest);
        if !self.store.run(past).await? {
            return Ok(0);
        }
        let owed = self.owed_before(oldest).await?;
        let mut removed = 0;
        for space in self.registry.spaces() {
            removed += self.sweep_space(space.uid, &owed).await?;
        }
        Ok(removed)
    }

    /// Looks through what is owed a page at a time: it may be very long.
    async fn owed_before(&self, oldest: u128) -> Result<OwedEvents, SweepError> {
        let mut owed = OwedEvents { events: BTreeSet::new(), before: oldest };
        let mut last: Option<Vec<u8>> = None;
        loop {
            let after = last.take();
            let look = move |store: &dyn Store| {
                let range = after.as_deref().map_or(Range::all(), |last| Range::all().after(last));
                store.scan_keys(Table::Owed, range, SWEEP_ROWS)
            };
            let keys = self.store.run(look).await?;
            for key in &keys {
                owed.add(OwedKey::from_bytes(key)?.event_id);
            }
            last = keys.into_iter().next_back();
            if last.is_none() {
                return Ok(owed);
            }
        }
    }

    async fn sweep_space(&self, space_uid: u64, owed: &OwedEvents) -> Result<usize, SweepError> {
        let (mut removed, mut last, before) = (0, None, owed.before);
        loop {
            let page = self.store.run(move |store| events_before(store, space_uid, last, before)).await?;
            last = page.last().copied();
            if last.is_none() {
                return Ok(removed);
            }
            let free = page.into_iter().filter(|id| !owed.events.contains(id));
            let keys = free.map(|id| record::timed_key(space_uid, id).to_vec()).collect();
            removed += self.remove(Table::Events, keys).await?;
        }
    }
}

/// Events of which something is owed: all that are older than `before`.
struct OwedEvents {
    events: BTreeSet<u128>,
    before: u128,
}

impl OwedEvents {
    /// Takes in one of the events owed. When there are very many, only the oldest are kept, and `before` says so.
    fn add(&mut self, event_id: u128) {
        if event_id < self.before {
            self.events.insert(event_id);
        }
        if self.events.len() > SWEEP_OWED_MAX
            && let Some(youngest) = self.events.pop_last()
        {
            self.before = youngest;
        }
    }
}

/// The ids of a space's events after `last` and before `before`, in order, some at a time.
fn events_before(
    store: &dyn Store,
    space_uid: u64,
    last: Option<u128>,
    before: u128,
) -> Result<Vec<u128>, StoreError> {
    let first = record::timed_key(space_uid, last.map_or(0, |last| last + 1));
    let end = record::timed_key(space_uid, before);
    let keys = store.scan_keys(Table::Events, Range::between(&first, &end), SWEEP_ROWS)?;
    keys.iter().map(|key| Ok(record::read_timed_key(key)?.1)).collect()
}

fn any_before(store: &dyn Store, spaces: &[u64], before: u128) -> Result<bool, StoreError> {
    for space_uid in spaces {
        let (first, end) = (record::timed_key(*space_uid, 0), record::timed_key(*space_uid, before));
        if !store.scan_keys(Table::Events, Range::between(&first, &end), 1)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The first owner of rows in this table from this uid on.
fn owner_from(store: &dyn Store, table: Table, from: u64) -> Result<Option<u64>, StoreError> {
    let first = store.scan_keys(table, Range::from_key(&from.to_be_bytes()), 1)?.pop();
    first.map(|key| owner_of(&key)).transpose()
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
        (store.clone(), Sweeper::new(store, committer, registry, RETENTION, Box::new(|_| ())), space)
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
        let today = record::dedup_day(NOW_MS);
        for day in [0, today - 2, today - 1, today, today + 1] {
            put(
                &*store,
                Table::Dedup,
                (0..1_500).map(|key: u32| record::dedup_key(day, &key.to_be_bytes())),
                b"",
            );
        }
        assert_eq!(sweeper.sweep(NOW_MS).await.unwrap(), 3_000);
        assert_eq!(count(&*store, Table::Dedup), 4_500);
    }

    #[test]
    fn of_very_many_owed_events_the_oldest_are_kept() {
        let mut owed = OwedEvents { events: BTreeSet::new(), before: u128::MAX };
        (0..2 * SWEEP_OWED_MAX as u128).rev().for_each(|event| owed.add(event));
        assert_eq!((owed.events.len(), owed.before), (SWEEP_OWED_MAX, SWEEP_OWED_MAX as u128));
    }
}
