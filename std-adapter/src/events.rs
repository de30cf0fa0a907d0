//! The accepted events, for those who look at them.

use std::sync::Arc;

use crate::store::record::{self, EventRecord};
use crate::store::{Range, Store, StoreError, Table};

/// The kept events of all spaces: those of the retention time, longer while a delivery of them is owed.
pub struct EventLog {
    store: Arc<dyn Store>,
}

impl EventLog {
    /// The events in this store.
    pub fn new(store: Arc<dyn Store>) -> EventLog {
        EventLog { store }
    }

    /// Ids of a space's events, newest first, at most `limit`; only those older than `before`, if that is given.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn newest(
        &self,
        space_uid: u64,
        before: Option<u128>,
        limit: usize,
    ) -> Result<Vec<u128>, StoreError> {
        let (first, end) = (space_uid.to_be_bytes(), (space_uid + 1).to_be_bytes());
        let last = before.map(|id| record::timed_key(space_uid, id));
        let range = Range::between(&first, last.as_ref().map_or(&end[..], |key| &key[..])).reversed();
        let keys = self.store.scan_keys(Table::Events, range, limit)?;
        keys.iter().map(|key| Ok(record::read_timed_key(key)?.1)).collect()
    }

    /// One event; `None` when it is not kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn read(&self, space_uid: u64, id: u128) -> Result<Option<EventRecord>, StoreError> {
        let bytes = self.store.read(Table::Events, &record::timed_key(space_uid, id))?;
        bytes.map(|bytes| record::decode(&bytes)).transpose()
    }
}
