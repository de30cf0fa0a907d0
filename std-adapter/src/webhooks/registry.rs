//! All spaces of the server: read from the store at the start, held in memory from then on.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

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
        };
        for (_, value) in store.scan(Table::Spaces, Range::all(), usize::MAX)? {
            registry.load_space(store, record::decode(&value)?)?;
        }
        Ok(registry)
    }

    fn load_space(&self, store: &dyn Store, space: SpaceRecord) -> Result<(), StoreError> {
        let rows = store.scan(Table::Webhooks, Range::prefix(&space.uid.to_be_bytes()), usize::MAX)?;
        let read = |(_, value): &Row| Ok(Arc::new(Webhook::new(record::decode(value)?)));
        let mut webhooks: Vec<Arc<Webhook>> = rows.iter().map(read).collect::<Result<_, StoreError>>()?;
        webhooks.sort_by_key(|webhook| webhook.age());
        let live = Live::compile(webhooks).map_err(|cause| StoreError::Corrupt(Arc::new(cause)))?;
        let settings = SpaceSettings::load(store, space.uid)?;
        self.install(space, live, settings);
        Ok(())
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
