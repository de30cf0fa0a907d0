//! Spaces and their webhooks: kept in the store, held in memory, matched by a table that is swapped whole.
//!
//! Reading never waits for writing: a reader takes the [`Live`] of a space, which nobody changes any more. A change
//! is made durable first, then a new `Live` is built aside and put in the old one's place.

pub mod definition;
pub mod filters;
pub mod regexps;
pub mod settings;
pub mod table;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;
use thiserror::Error;
use tokio::sync::{Mutex, MutexGuard};

use self::definition::Definition;
use self::settings::SpaceSettings;
use self::table::{TableFault, WebhookTable};
use crate::limits::SPACES_MAX;
use crate::store::record::{self, History, SpaceRecord, Stamp, WebhookRecord};
use crate::store::{Batch, CommitError, Committer, Durability, Range, Store, StoreError, Table};
use crate::transform::Transformation;

/// Name of the record that says up to where uids are reserved.
const UIDS_RESERVED: &[u8] = b"uids-reserved";
/// Uids reserved at a time; a restart leaves the rest of a reservation unused.
const UIDS_RESERVED_AT_ONCE: u64 = 256;

/// Why a change was not made.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// There is no such thing.
    #[error("The resource could not be found.")]
    NotFound,
    /// The caller's version is not the current one.
    #[error("The version that was sent is not the current version {current} of the resource.")]
    VersionMismatch {
        /// The current version.
        current: u64,
    },
    /// A limit of the space or of the server is reached.
    #[error("{0}")]
    LimitReached(String),
    /// The definitions cannot be compiled into a match table.
    #[error("{0}")]
    Table(#[from] TableFault),
    /// It could not be made durable.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// A webhook as the matcher and the delivery see it. Never changed: an update makes another.
#[derive(Debug)]
pub struct Webhook {
    /// The stored definition.
    pub record: WebhookRecord,
    /// The transformation, read once.
    pub transformation: Transformation,
}

impl Webhook {
    fn new(record: WebhookRecord) -> Webhook {
        let json = record.transformation_json.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let transformation = json.and_then(|json| Transformation::from_json(&json).ok()).unwrap_or_default();
        Webhook { record, transformation }
    }
}

/// The webhooks of a space at one moment, and the table that matches them.
#[derive(Debug)]
pub struct Live {
    /// All webhooks, oldest first; a webhook's place is its number in the table.
    pub webhooks: Vec<Arc<Webhook>>,
    /// The compiled topics and filters of the active ones.
    pub table: WebhookTable,
}

impl Live {
    fn compile(mut webhooks: Vec<Arc<Webhook>>) -> Result<Live, TableFault> {
        // Webhooks made in the same millisecond keep the order of their making.
        webhooks.sort_by_key(|webhook| (webhook.record.history.created.at_ms, webhook.record.uid));
        let table = table::compile(webhooks.iter().map(|webhook| &webhook.record))?;
        Ok(Live { webhooks, table })
    }

    /// The webhook with this id.
    pub fn webhook(&self, id: &str) -> Option<&Arc<Webhook>> {
        self.webhooks.iter().find(|webhook| webhook.record.id == id)
    }

    fn with(&self, changed: Arc<Webhook>) -> Vec<Arc<Webhook>> {
        let mut webhooks = self.without(&changed.record.id);
        webhooks.push(changed);
        webhooks
    }

    fn without(&self, id: &str) -> Vec<Arc<Webhook>> {
        self.webhooks.iter().filter(|webhook| webhook.record.id != id).cloned().collect()
    }
}

/// A space: its record, its webhooks, its settings.
#[derive(Debug)]
pub struct Space {
    /// Number within the store.
    pub uid: u64,
    /// The space's id.
    pub id: String,
    record: ArcSwap<SpaceRecord>,
    live: ArcSwap<Live>,
    settings: ArcSwap<SpaceSettings>,
    /// Held while a change is made, so that changes of one space follow each other.
    changing: Mutex<()>,
}

impl Space {
    /// The space's record as it is now.
    pub fn record(&self) -> Arc<SpaceRecord> {
        self.record.load_full()
    }

    /// The space's webhooks as they are now.
    pub fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    /// The space's settings as they are now.
    pub fn settings(&self) -> Arc<SpaceSettings> {
        self.settings.load_full()
    }
}

/// Which version of a thing a caller means to replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The caller sent no version.
    Unsaid,
    /// The caller sent this one.
    Version(u64),
}

impl Expected {
    /// Passes when the caller means the current version.
    ///
    /// # Errors
    /// `VersionMismatch` otherwise.
    pub fn check(self, current: u64) -> Result<(), ChangeError> {
        if self == Expected::Version(current) {
            Ok(())
        } else {
            Err(ChangeError::VersionMismatch { current })
        }
    }
}

/// All spaces of the server.
pub struct Registry {
    committer: Committer,
    spaces: RwLock<HashMap<String, Arc<Space>>>,
    webhooks: RwLock<HashMap<u64, (Arc<Space>, Arc<Webhook>)>>,
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
        let read = |(_, value): &(Vec<u8>, Vec<u8>)| Ok(Arc::new(Webhook::new(record::decode(value)?)));
        let webhooks: Vec<Arc<Webhook>> = rows.iter().map(read).collect::<Result<_, StoreError>>()?;
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

    fn write_webhooks(&self, change: impl FnOnce(&mut HashMap<u64, (Arc<Space>, Arc<Webhook>)>)) {
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
    async fn take_uid(&self) -> Result<u64, CommitError> {
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

    /// Begins a change of a space's webhooks or settings. Changes of one space follow each other; the definition
    /// that a change replaces cannot change while the guard is held.
    pub async fn change<'a>(&'a self, space: &'a Arc<Space>) -> Change<'a> {
        Change { registry: self, space, _guard: space.changing.lock().await }
    }
}

/// A change of one space under way.
pub struct Change<'a> {
    registry: &'a Registry,
    space: &'a Arc<Space>,
    _guard: MutexGuard<'a, ()>,
}

impl Change<'_> {
    /// The definition that a `PUT` to this id would replace.
    pub fn previous(&self, id: &str) -> Option<Arc<Webhook>> {
        self.space.live().webhook(id).cloned()
    }

    /// Makes a webhook.
    ///
    /// # Errors
    /// `LimitReached` when the space has `webhooks_max` already.
    pub async fn create(
        &self,
        id: String,
        definition: Definition,
        webhooks_max: usize,
        stamp: Stamp,
    ) -> Result<Arc<Webhook>, ChangeError> {
        if self.space.live().webhooks.len() >= webhooks_max {
            return Err(ChangeError::LimitReached(format!(
                "A space has at most {webhooks_max} webhooks here."
            )));
        }
        let uid = self.registry.take_uid().await?;
        self.store_webhook(assemble(uid, id, definition, 0, History::begun(stamp))).await
    }

    /// Replaces a webhook by another definition.
    ///
    /// # Errors
    /// `VersionMismatch` unless `expected` names the current version.
    pub async fn update(
        &self,
        was: &Webhook,
        definition: Definition,
        expected: Expected,
        stamp: Stamp,
    ) -> Result<Arc<Webhook>, ChangeError> {
        expected.check(was.record.version)?;
        let was = &was.record;
        let record =
            assemble(was.uid, was.id.clone(), definition, was.version + 1, was.history.changed(stamp));
        self.store_webhook(record).await
    }

    async fn store_webhook(&self, record: WebhookRecord) -> Result<Arc<Webhook>, ChangeError> {
        let mut batch = Batch::default();
        let webhook = Arc::new(Webhook::new(record));
        let live = Live::compile(self.space.live().with(webhook.clone()))?;
        batch.put(
            Table::Webhooks,
            record::named_key(self.space.uid, &webhook.record.id),
            record::encode(&webhook.record),
        );
        self.registry.committer.commit(batch, Durability::Synced).await?;
        self.space.live.store(Arc::new(live));
        self.registry.write_webhooks(|webhooks| {
            webhooks.insert(webhook.record.uid, (self.space.clone(), webhook.clone()));
        });
        Ok(webhook)
    }

    /// Deletes a webhook. Its calls and what is owed to it are swept later; neither can be seen any more.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    pub async fn delete(&self, id: &str) -> Result<(), ChangeError> {
        let was = self.previous(id).ok_or(ChangeError::NotFound)?;
        let live = Live::compile(self.space.live().without(id))?;
        let mut batch = Batch::default();
        batch.remove(Table::Webhooks, record::named_key(self.space.uid, id));
        self.registry.committer.commit(batch, Durability::Synced).await?;
        self.space.live.store(Arc::new(live));
        self.registry.write_webhooks(|webhooks| {
            webhooks.remove(&was.record.uid);
        });
        Ok(())
    }

    /// Puts other settings in place of the space's.
    ///
    /// # Errors
    /// When they cannot be made durable.
    pub async fn put_settings(&self, settings: SpaceSettings) -> Result<Arc<SpaceSettings>, ChangeError> {
        self.registry.committer.commit(settings.to_batch(self.space.uid), Durability::Synced).await?;
        let settings = Arc::new(settings);
        self.space.settings.store(settings.clone());
        Ok(settings)
    }
}

fn assemble(uid: u64, id: String, definition: Definition, version: u64, history: History) -> WebhookRecord {
    let Definition {
        name,
        url,
        topics,
        filters_json,
        headers,
        basic_username,
        basic_password,
        transformation_json,
        active,
    } = definition;
    WebhookRecord {
        uid,
        id,
        name,
        url,
        topics,
        filters_json,
        headers,
        basic_username,
        basic_password,
        transformation_json,
        active,
        version,
        history,
    }
}
