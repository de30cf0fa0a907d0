//! From an accepted event to the record of who gets it: match, and write down what is owed.

use bellwire_core::topic::Topic;

use crate::store::record::{self, EventRecord, OwedKey, OwedRecord};
use crate::store::{Batch, Table};
use crate::webhooks::Space;

/// What one event owes.
#[derive(Debug, Default)]
pub struct Dispatched {
    /// One delivery for each matching webhook, due at once.
    pub owed: Vec<OwedKey>,
    /// Ids of the matching webhooks, in the same order.
    pub webhooks: Vec<String>,
}

/// Matches an event with the space's table as it is now, and adds the event and what it owes to `batch`, so that
/// both become durable together.
pub fn dispatch(
    space: &Space,
    id: u128,
    event: &EventRecord,
    attributes: &[(&str, &str)],
    now_ms: u64,
    batch: &mut Batch,
) -> Dispatched {
    let live = space.live();
    let mut dispatched = Dispatched::default();
    // The topic was checked when the event was accepted.
    let Ok(topic) = Topic::parse(&event.topic) else { return dispatched };
    batch.put(Table::Events, record::timed_key(space.uid, id), record::encode(event));
    for number in live.table.find(&topic, &attributes) {
        let webhook = &live.webhooks[number as usize].record;
        let key = OwedKey { webhook_uid: webhook.uid, due_ms: now_ms, event_id: id };
        batch.put(
            Table::Owed,
            key.to_bytes(),
            record::encode(&OwedRecord { space_uid: space.uid, attempt: 1, resent: false }),
        );
        dispatched.owed.push(key);
        dispatched.webhooks.push(webhook.id.clone());
    }
    dispatched
}
