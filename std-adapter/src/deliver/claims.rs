//! What the engine reads of the deliveries owed, and what it writes before it attempts them: claims.
//!
//! A claim says that an attempt is about to be made. It is on the disk before the request leaves: that of a delivery
//! that starts at once comes with the event itself, those of others are written together, many in one commit. So after
//! a crash an attempt that may have been made is known, and the log says that its outcome is not.

use std::sync::Arc;

use super::{Engine, Needed, STORE_PAUSE};
use crate::limits::EVENTS_AT_HAND_BYTES;
use crate::planted::{Bug, is_planted};
use crate::store::record::{self, Owed, OwedKey, OwedRecord};
use crate::store::{Batch, Durability, Range, Store, StoreError, Table};

/// Claims that are given back in one commit.
const GIVEN_BACK_AT_ONCE: usize = 4_096;

/// Deliveries that one look at the store counts at the most.
const COUNTED_AT_ONCE: usize = 8_192;

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
        for part in idle.chunks(GIVEN_BACK_AT_ONCE) {
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
