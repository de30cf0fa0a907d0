//! A space with many webhooks, written into a store at once: to make them one by one would take hours.

use bellwire::store::record::{self, History, SpaceRecord, Stamp, WebhookRecord};
use bellwire::store::{Batch, Durability, Store, StoreError, Table};

/// Id of the space.
pub const SPACE: &str = "space";

/// Its uid.
const SPACE_UID: u64 = 1;

/// Rows of one commit.
const ROWS: usize = 10_000;

/// Writes the space and its webhooks.
///
/// # Errors
/// When the store takes no more.
pub fn fill(store: &dyn Store, webhooks: impl Iterator<Item = WebhookRecord>) -> Result<(), StoreError> {
    let space = SpaceRecord {
        uid: SPACE_UID,
        id: SPACE.into(),
        name: SPACE.into(),
        version: 1,
        history: History::begun(stamp()),
    };
    let mut batch = Batch::default();
    batch.put(Table::Spaces, record::space_key(&space.id), record::encode(&space));
    for webhook in webhooks {
        batch.put(Table::Webhooks, record::named_key(SPACE_UID, &webhook.id), record::encode(&webhook));
        if batch.len() == ROWS {
            store.commit(&std::mem::take(&mut batch), Durability::Buffered)?;
        }
    }
    store.commit(&batch, Durability::Synced)
}

/// A webhook with these topics.
#[must_use]
pub fn webhook(number: u64, topics: Vec<String>) -> WebhookRecord {
    WebhookRecord {
        uid: number + SPACE_UID + 1,
        id: format!("webhook-{number}"),
        name: format!("webhook {number}"),
        url: "https://example.com/hook".into(),
        topics,
        filters_json: None,
        headers: Vec::new(),
        basic_username: None,
        basic_password: None,
        transformation_json: None,
        active: true,
        ordered_by_entity: false,
        switched_off: None,
        version: 0,
        history: History::begun(stamp()),
    }
}

/// When and by whom everything was made.
#[must_use]
pub fn stamp() -> Stamp {
    Stamp { at_ms: 1_700_000_000_000, by: "bench".into() }
}
