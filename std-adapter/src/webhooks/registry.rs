//! All spaces of the server: read from the store at the start, held in memory from then on.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;
use tokio::sync::futures::Notified;
use tokio::sync::{Mutex, Notify};
use tracing::error;

use super::settings::SpaceSettings;
use super::{ChangeError, Expected, Live, Space, Webhook};
use crate::limits::SPACES_MAX;
use crate::store::record::{self, History, SpaceRecord, Stamp};
use crate::store::{Batch, CommitError, Committer, Durability, Range, Row, Store, StoreError, Table};

/// Name of the record that says up to where uids are reserved.
const UIDS_RESERVED: &[u8] = b"uids-reserved";
/// Uids reserved at a time; a restart leaves the rest of a reservation unused.
const UIDS_RESERVED_AT_ONCE: u64 = 256;

/// Each webhook as it is now, with its space.
type WebhooksByUid = HashMap<u64, (Arc<Space>, Arc<Webhook>)>;

/// All spaces of the server.
pub struct Registry {
    pub(super) committer: Committer,
    spaces: RwLock<HashMap<String, Arc<Space>>>,
    webhooks: RwLock<WebhooksByUid>,
    uids: Mutex<Uids>,
    making_space: Mutex<()>,
    /// A webhook was switched off or deleted.
    switched_off: Notify,
    /// Whether every stored definition could be read.
    is_whole: AtomicBool,
}

/// Uids that may be handed out: from `next` up to, not including, `reserved`.
#[derive(Debug)]
struct Uids {
    next: u64,
    reserved: u64,
}

impl Registry {
    /// Reads every space and definition from the store.
    ///
    /// # Errors
    /// When the store cannot be read or holds what this version cannot read.
    pub fn load(store: &dyn Store, committer: Committer) -> Result<Registry, StoreError> {
        let reserved = match store.read(Table::Meta, UIDS_RESERVED)? {
            Some(bytes) => record::decode(&bytes)?,
            None => 1,
        };
        let registry = Registry {
            committer,
            spaces: RwLock::default(),
            webhooks: RwLock::default(),
            uids: Mutex::new(Uids { next: reserved, reserved }),
            making_space: Mutex::default(),
            switched_off: Notify::new(),
            is_whole: AtomicBool::new(true),
        };
        for (_, value) in store.scan(Table::Spaces, Range::all(), usize::MAX)? {
            registry.load_space(store, record::decode(&value)?)?;
        }
        Ok(registry)
    }

    fn load_space(&self, store: &dyn Store, space: SpaceRecord) -> Result<(), StoreError> {
        let rows = store.scan(Table::Webhooks, Range::prefix(&space.uid.to_be_bytes()), usize::MAX)?;
        let mut webhooks: Vec<Arc<Webhook>> =
            rows.iter().filter_map(|row| self.load_webhook(&space, row)).collect();
        webhooks.sort_by_key(|webhook| webhook.age());
        let live = load_live(&space, webhooks)?;
        let settings = SpaceSettings::load(store, space.uid)?;
        self.install(space, live, settings);
        Ok(())
    }

    /// A definition of which not even the parts can be told is left out; what is owed to it stays in the store.
    fn load_webhook(&self, space: &SpaceRecord, (key, value): &Row) -> Option<Arc<Webhook>> {
        match record::decode(value) {
            Ok(record) => Some(Arc::new(Webhook::new(record))),
            Err(cause) => {
                let webhook = String::from_utf8_lossy(key.get(8..).unwrap_or_default()).into_owned();
                error!(space = space.id, webhook, %cause, "a stored webhook cannot be read and is left out");
                self.is_whole.store(false, Ordering::SeqCst);
                None
            }
        }
    }

    fn install(&self, record: SpaceRecord, live: Live, settings: SpaceSettings) -> Arc<Space> {
        let space = Arc::new(Space {
            uid: record.uid,
            id: record.id.clone(),
            record: ArcSwap::from_pointee(record),
            live: ArcSwap::from_pointee(live),
            settings: ArcSwap::from_pointee(settings),
            changing: Mutex::default(),
        });
        let live = space.live();
        self.write_webhooks(|webhooks| {
            webhooks.extend(
                live.webhooks.iter().map(|webhook| (webhook.record.uid, (space.clone(), webhook.clone()))),
            );
        });
        self.spaces.write().unwrap_or_else(PoisonError::into_inner).insert(space.id.clone(), space.clone());
        space
    }

    pub(super) fn write_webhooks(&self, change: impl FnOnce(&mut WebhooksByUid)) {
        change(&mut self.webhooks.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether every stored definition could be read: if not, what seems to belong to nobody may belong to one of them.
    pub fn is_whole(&self) -> bool {
        self.is_whole.load(Ordering::SeqCst)
    }

    /// Returns when a webhook is switched off or deleted from now on, as soon as [`Registry::webhook`] shows it. Those who
    /// wait learn of it in the order in which they came.
    pub fn switched_off(&self) -> Notified<'_> {
        self.switched_off.notified()
    }

    pub(super) fn say_switched_off(&self) {
        self.switched_off.notify_waiters();
    }

    /// The space with this id.
    pub fn space(&self, id: &str) -> Option<Arc<Space>> {
        self.spaces.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Every space, oldest first.
    pub fn spaces(&self) -> Vec<Arc<Space>> {
        let mut spaces: Vec<_> =
            self.spaces.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        spaces.sort_by_key(|space| space.uid);
        spaces
    }

    /// The webhook with this uid, as it is now, and its space; `None` once it is deleted.
    pub fn webhook(&self, uid: u64) -> Option<(Arc<Space>, Arc<Webhook>)> {
        self.webhooks.read().unwrap_or_else(PoisonError::into_inner).get(&uid).cloned()
    }

    /// The uids of all webhooks.
    pub fn webhook_uids(&self) -> Vec<u64> {
        self.webhooks.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// Takes a uid that no other thing ever had nor will have.
    pub(super) async fn take_uid(&self) -> Result<u64, CommitError> {
        let mut uids = self.uids.lock().await;
        if uids.next == uids.reserved {
            let reserved = uids.reserved + UIDS_RESERVED_AT_ONCE;
            let mut batch = Batch::default();
            batch.put(Table::Meta, UIDS_RESERVED, record::encode(&reserved));
            self.committer.commit(batch, Durability::Synced).await?;
            uids.reserved = reserved;
        }
        uids.next += 1;
        Ok(uids.next - 1)
    }

    /// Makes a space, or renames the one that has this id.
    ///
    /// # Errors
    /// `VersionMismatch` when there is one already and `expected` does not name its version.
    pub async fn put_space(
        &self,
        id: &str,
        name: &str,
        expected: Expected,
        stamp: Stamp,
    ) -> Result<Arc<Space>, ChangeError> {
        let _making = self.making_space.lock().await;
        match self.space(id) {
            Some(space) => self.rename_space(space, name, expected, stamp).await,
            None => self.create_space(id, name, stamp).await,
        }
    }

    async fn create_space(&self, id: &str, name: &str, stamp: Stamp) -> Result<Arc<Space>, ChangeError> {
        if self.spaces().len() >= SPACES_MAX {
            return Err(ChangeError::LimitReached(format!("This server has at most {SPACES_MAX} spaces.")));
        }
        let mut batch = Batch::default();
        let uid = self.take_uid().await?;
        let history = History::begun(stamp);
        let record = SpaceRecord { uid, id: id.into(), name: name.into(), version: 1, history };
        batch.put(Table::Spaces, record::space_key(id), record::encode(&record));
        self.committer.commit(batch, Durability::Synced).await?;
        Ok(self.install(record, Live::compile(Vec::new())?, SpaceSettings::default()))
    }

    async fn rename_space(
        &self,
        space: Arc<Space>,
        name: &str,
        expected: Expected,
        stamp: Stamp,
    ) -> Result<Arc<Space>, ChangeError> {
        let was = space.record();
        expected.check(was.version)?;
        let history = was.history.changed(stamp);
        let record = SpaceRecord { name: name.into(), version: was.version + 1, history, ..(*was).clone() };
        let mut batch = Batch::default();
        batch.put(Table::Spaces, record::space_key(&space.id), record::encode(&record));
        self.committer.commit(batch, Durability::Synced).await?;
        space.record.store(Arc::new(record));
        Ok(space)
    }
}

/// The webhooks of a space as they are stored, and their table. Those that are not understood are left off.
fn load_live(space: &SpaceRecord, mut webhooks: Vec<Arc<Webhook>>) -> Result<Live, StoreError> {
    let complain = |webhook: &str, fault: &str| {
        error!(space = space.id, webhook, fault, "a stored webhook is not understood and stays off");
    };
    for webhook in &webhooks {
        webhook.fault.iter().for_each(|fault| complain(&webhook.record.id, fault));
    }
    loop {
        let fault = match Live::compile(webhooks.clone()) {
            Ok(live) => return Ok(live),
            Err(fault) => fault,
        };
        let place = webhooks.iter().position(|webhook| {
            webhook.record.active && fault.webhook().is_none_or(|id| id == webhook.record.id)
        });
        // What is left can always be compiled: nothing.
        let Some(place) = place else { return Err(StoreError::Corrupt(Arc::new(fault))) };
        let record = webhooks[place].record.clone();
        complain(&record.id, &fault.to_string());
        webhooks[place] = Arc::new(Webhook::misunderstood(record, fault.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;
    use crate::store::record::WebhookRecord;

    const SPACE: u64 = 1;

    fn stamp() -> Stamp {
        Stamp { at_ms: 1, by: "test".into() }
    }

    fn webhook(uid: u64, id: &str) -> WebhookRecord {
        WebhookRecord {
            uid,
            id: id.into(),
            name: id.into(),
            url: "https://www.example.com/".into(),
            topics: vec!["Entry.*".into()],
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

    /// A registry of one space with these webhooks, by id and stored bytes.
    async fn load(rows: &[(&str, Vec<u8>)]) -> Registry {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let history = History::begun(stamp());
        let space = SpaceRecord { uid: SPACE, id: "s".into(), name: "s".into(), version: 1, history };
        let mut batch = Batch::default();
        batch.put(Table::Spaces, record::space_key("s"), record::encode(&space));
        for (id, bytes) in rows {
            batch.put(Table::Webhooks, record::named_key(SPACE, id), bytes.as_slice());
        }
        store.commit(&batch, Durability::Synced).unwrap();
        Registry::load(&*store, Committer::start(store.clone())).unwrap()
    }

    #[tokio::test]
    async fn a_definition_that_is_not_understood_stays_off_and_says_why() {
        let regexp = r#"[{"regexp": [{"doc": "sys.id"}, {"pattern": "("}]}]"#;
        let broken = [
            WebhookRecord { topics: vec!["Entry..".into()], ..webhook(2, "topic") },
            WebhookRecord { filters_json: Some(regexp.into()), ..webhook(3, "regexp") },
            WebhookRecord { filters_json: Some("[".into()), ..webhook(4, "json") },
            WebhookRecord {
                transformation_json: Some(r#"{"method": "BREW"}"#.into()),
                ..webhook(5, "method")
            },
        ];
        let mut rows: Vec<(&str, Vec<u8>)> =
            broken.iter().map(|webhook| (webhook.id.as_str(), record::encode(webhook))).collect();
        rows.push(("whole", record::encode(&webhook(6, "whole"))));
        let registry = load(&rows).await;
        assert!(registry.is_whole());
        let live = registry.space("s").unwrap().live();
        assert_eq!(live.webhooks.len(), 5);
        for webhook in &live.webhooks {
            let is_whole = webhook.record.id == "whole";
            assert_eq!((webhook.record.active, webhook.fault.is_none()), (is_whole, is_whole), "{webhook:?}");
            assert_eq!(webhook.record.switched_off.is_none(), is_whole, "{webhook:?}");
        }
        let topic = bellwire_core::topic::Topic::parse("Entry.publish").unwrap();
        let found: Vec<u32> = live.table.find(&topic, &[("sys.id", "x")].as_slice()).collect();
        assert_eq!(found.iter().map(|at| live.webhooks[*at as usize].record.uid).collect::<Vec<_>>(), [6]);
    }

    #[tokio::test]
    async fn a_definition_that_cannot_be_read_at_all_is_left_out_and_remembered() {
        let registry =
            load(&[("lost", vec![0xff; 3]), ("whole", record::encode(&webhook(6, "whole")))]).await;
        assert!(!registry.is_whole());
        assert_eq!(registry.webhook_uids(), [6]);
    }
}
