//! A store in memory: for tests, for trying things out, and as the model of the contract.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::{Batch, Durability, Pace, Range, Row, Store, StoreError, Table};

/// A store that forgets everything when it is dropped. [`Durability`] means nothing to it.
#[derive(Default)]
pub struct MemoryStore {
    tables: RwLock<[Rows; Table::ALL.len()]>,
}

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// A thread that panicked while holding the lock left the tables whole: applying a batch cannot panic.
    fn tables(&self) -> RwLockReadGuard<'_, [Rows; Table::ALL.len()]> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows of a range in its direction, each turned into what the caller wants of it.
    fn collect<T>(
        &self,
        table: Table,
        range: &Range<'_>,
        limit: usize,
        pick: impl Fn((&Vec<u8>, &Vec<u8>)) -> T,
    ) -> Vec<T> {
        if range.is_empty() {
            return Vec::new();
        }
        let tables = self.tables();
        let rows = tables[table as usize].range::<[u8], _>(range.bounds());
        if range.is_reversed() {
            rows.rev().take(limit).map(pick).collect()
        } else {
            rows.take(limit).map(pick).collect()
        }
    }
}

impl Store for MemoryStore {
    fn commit(&self, batch: &Batch, _durability: Durability) -> Result<(), StoreError> {
        batch.check()?;
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        for (table, key, value) in batch.changes() {
            match value {
                Some(value) => tables[table as usize].insert(key.to_vec(), value.to_vec()),
                None => tables[table as usize].remove(key),
            };
        }
        Ok(())
    }

    fn pace(&self) -> Pace {
        Pace::Memory
    }

    fn read(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.tables()[table as usize].get(key).cloned())
    }

    fn scan(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Row>, StoreError> {
        Ok(self.collect(table, &range, limit, |(key, value)| (key.clone(), value.clone())))
    }

    fn scan_keys(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.collect(table, &range, limit, |(key, _)| key.clone()))
    }
}
