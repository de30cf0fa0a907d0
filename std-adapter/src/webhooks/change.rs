//! Changes of a space's webhooks and settings: durable first, then visible.

use std::sync::Arc;

use tokio::sync::MutexGuard;

use super::definition::Definition;
use super::settings::SpaceSettings;
use super::table::TableFault;
use super::{ChangeError, Expected, Live, Registry, Space, Webhook};
use crate::store::record::{self, History, Stamp, SwitchedOff, WebhookRecord};
use crate::store::{Batch, Durability, Table};

impl Registry {
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
        let live = aside(self.space.live(), {
            let webhook = webhook.clone();
            move |live| live.with(webhook)
        });
        let live = live.await?;
        batch.put(
            Table::Webhooks,
            record::named_key(self.space.uid, &webhook.record.id),
            record::encode(&webhook.record),
        );
        self.registry.committer.commit(batch, Durability::Synced).await?;
        // Known to the delivery before the table can match it: a delivery whose webhook is not known is dropped.
        self.registry.write_webhooks(|webhooks| {
            webhooks.insert(webhook.record.uid, (self.space.clone(), webhook.clone()));
        });
        self.space.live.store(Arc::new(live));
        if !webhook.record.active {
            self.registry.say_switched_off();
        }
        Ok(webhook)
    }

    /// Switches a webhook off, for a reason of the server's. Nothing happens when it was changed meanwhile.
    ///
    /// # Errors
    /// When the change cannot be made durable.
    pub async fn switch_off(
        &self,
        was: &Webhook,
        reason: SwitchedOff,
        stamp: Stamp,
    ) -> Result<(), ChangeError> {
        let was = &was.record;
        let unchanged = |now: &Webhook| now.record.uid == was.uid && now.record.version == was.version;
        if self.previous(&was.id).is_some_and(|now| unchanged(&now)) {
            let history = was.history.changed(stamp);
            let off = WebhookRecord {
                active: false,
                switched_off: Some(reason),
                version: was.version + 1,
                history,
                ..was.clone()
            };
            self.store_webhook(off).await?;
        }
        Ok(())
    }

    /// Deletes a webhook. Its calls and what is owed to it are swept later; neither can be seen any more.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    pub async fn delete(&self, id: &str) -> Result<(), ChangeError> {
        let was = self.previous(id).ok_or(ChangeError::NotFound)?;
        let live = aside(self.space.live(), {
            let was = was.clone();
            move |live| live.without(&was)
        });
        let live = live.await?;
        let mut batch = Batch::default();
        batch.remove(Table::Webhooks, record::named_key(self.space.uid, id));
        self.registry.committer.commit(batch, Durability::Synced).await?;
        // The other way round than above, for the same reason.
        self.space.live.store(Arc::new(live));
        self.registry.write_webhooks(|webhooks| {
            webhooks.remove(&was.record.uid);
        });
        self.registry.say_switched_off();
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

/// Webhooks of a space that is changed at once: to go aside takes longer.
const CHANGED_AT_ONCE: usize = 32;

/// Changes a large space off the runtime: it takes its time, and events are to be answered meanwhile.
async fn aside(
    live: Arc<Live>,
    change: impl FnOnce(&Live) -> Result<Live, TableFault> + Send + 'static,
) -> Result<Live, TableFault> {
    if live.webhooks.len() <= CHANGED_AT_ONCE {
        return change(&live);
    }
    tokio::task::spawn_blocking(move || change(&live)).await.map_err(|_| TableFault::CutShort)?
}

/// The record of a webhook with this definition.
pub(super) fn assemble(
    uid: u64,
    id: String,
    definition: Definition,
    version: u64,
    history: History,
) -> WebhookRecord {
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
        ordered_by_entity,
        switched_off,
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
        ordered_by_entity,
        switched_off: switched_off.filter(|_| !active),
        version,
        history,
    }
}
