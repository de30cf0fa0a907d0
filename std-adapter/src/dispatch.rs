//! From an accepted event to the record of who gets it: match, and write down what is owed.

use bellwire_core::topic::Topic;
use xxhash_rust::xxh3::xxh3_64;

use crate::id;
use crate::store::record::{EventRecord, Owed, OwedKey, OwedRecord};
use crate::webhooks::Space;

/// What one event owes.
#[derive(Debug, Default)]
pub struct Dispatched {
    /// One delivery for each matching webhook, due at once.
    pub owed: Vec<Owed>,
    /// Ids of the matching webhooks, in the same order.
    pub webhooks: Vec<String>,
}

/// Matches an event with the space's table as it is now. `claim` is told of each delivery, and answers with the claim that
/// its record carries.
pub fn dispatch(
    space: &Space,
    id: u128,
    event: &EventRecord,
    attributes: &[(&str, &str)],
    claim: impl Fn(OwedKey) -> u64,
) -> Dispatched {
    let live = space.live();
    let mut dispatched = Dispatched::default();
    // The topic was checked when the event was accepted.
    let Ok(topic) = Topic::parse(&event.topic) else { return dispatched };
    for number in live.table.find(&topic, &attributes) {
        let webhook = &live.webhooks[number as usize].record;
        // The moment the id was made: ids only grow, so the order of acceptance is kept whatever the clock does.
        let key = OwedKey { webhook_uid: webhook.uid, due_ms: id::made_at_ms(id), event_id: id };
        let entity = if webhook.ordered_by_entity { entity_number(event) } else { None };
        let record = OwedRecord {
            space_uid: space.uid,
            attempt: 1,
            claim: claim(key),
            not_before_ms: 0,
            entity,
            resent: false,
        };
        dispatched.owed.push(Owed { key, record });
        dispatched.webhooks.push(webhook.id.clone());
    }
    dispatched
}

/// A number for the entity that an event is about, in its environment. Two entities that share one wait for each other,
/// which is harmless.
fn entity_number(event: &EventRecord) -> Option<u64> {
    let entity = event.entity_id.as_ref()?;
    let kind = event.topic.split('.').next().unwrap_or_default();
    Some(xxh3_64([event.environment.as_str(), kind, entity].join("\0").as_bytes()))
}
