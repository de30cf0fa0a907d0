//! Spaces and their webhooks: kept in the store, held in memory, matched by a table that is swapped whole.
//!
//! Reading never waits for writing: a reader takes the [`Live`] of a space, which nobody changes any more. A change
//! is made durable first, then a new `Live` is built aside and put in the old one's place.

mod change;
pub mod definition;
mod dfa;
pub mod filters;
pub mod regexps;
mod registry;
pub mod settings;
pub mod table;

use std::sync::Arc;

use arc_swap::ArcSwap;
use thiserror::Error;
use tokio::sync::Mutex;

pub use self::change::Change;
use self::definition::Definition;
use self::filters::FilterSpec;
pub use self::registry::Registry;
use self::settings::SpaceSettings;
pub use self::table::TableFault;
use self::table::{Wanted, WebhookTable};
use crate::store::CommitError;
use crate::store::record::{History, SpaceRecord, Stamp, SwitchedOff, WebhookRecord};
use crate::transform::Transformation;

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
    /// What this version does not understand of the stored definition. Such a webhook matches nothing, and what is
    /// owed to it waits until it is defined anew.
    pub fault: Option<String>,
    filters: Vec<FilterSpec>,
}

impl Webhook {
    /// Reads the parts of a stored definition. One that is not understood shows as switched off, and says why.
    fn new(record: WebhookRecord) -> Webhook {
        let read = stored_transformation(&record)
            .and_then(|transformation| Ok((transformation, filters::stored_filters(&record)?)));
        match read {
            Ok((transformation, filters)) => Webhook { record, transformation, fault: None, filters },
            Err(fault) => Webhook::misunderstood(record, fault),
        }
    }

    fn misunderstood(mut record: WebhookRecord, fault: String) -> Webhook {
        let reason = format!("The stored definition is not understood: {fault}");
        record.switched_off = Some(SwitchedOff { at_ms: record.history.updated.at_ms, reason });
        record.active = false;
        Webhook { record, transformation: Transformation::default(), fault: Some(fault), filters: Vec::new() }
    }

    /// What webhooks of a space are ordered by. Those made in the same millisecond keep the order of their making.
    fn age(&self) -> (u64, u64) {
        (self.record.history.created.at_ms, self.record.uid)
    }

    fn wanted(&self) -> Wanted<'_> {
        let WebhookRecord { id, active, topics, .. } = &self.record;
        Wanted { id, active: *active, topics, filters: Ok(&self.filters) }
    }
}

fn stored_transformation(record: &WebhookRecord) -> Result<Transformation, String> {
    let Some(text) = &record.transformation_json else { return Ok(Transformation::default()) };
    let json = serde_json::from_str(text).map_err(|cause| format!("transformation: {cause}"))?;
    Transformation::from_json(&json).map_err(|problems| {
        problems.first().map_or_else(String::new, |problem| format!("{}: {}", problem.path, problem.details))
    })
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
    /// `webhooks` are in the order of [`Live::webhooks`].
    fn compile(webhooks: Vec<Arc<Webhook>>) -> Result<Live, TableFault> {
        let table = table::compile(webhooks.iter().map(|webhook| webhook.wanted()), seed())?;
        Ok(Live { webhooks, table })
    }

    /// A space of one webhook that is not stored, to be tried on events.
    ///
    /// # Errors
    /// When the definition does not fit a table.
    pub fn draft(definition: Definition) -> Result<Live, TableFault> {
        let nobody = Stamp { at_ms: 0, by: String::new() };
        let record = change::assemble(0, String::new(), definition, 0, History::begun(nobody));
        Live::compile(vec![Arc::new(Webhook::new(record))])
    }

    /// The webhook with this id.
    pub fn webhook(&self, id: &str) -> Option<&Arc<Webhook>> {
        self.webhooks.iter().find(|webhook| webhook.record.id == id)
    }

    /// The webhooks after a change of one, or the making of one.
    fn with(&self, changed: Arc<Webhook>) -> Result<Live, TableFault> {
        let mut webhooks = self.webhooks.clone();
        let wanted = changed.wanted();
        let table = match self.place(&changed) {
            Ok(place) => {
                webhooks[place] = changed.clone();
                self.change_table(|number| (number != place as u32).then_some(number), Some((place, wanted)))
            }
            Err(place) => {
                webhooks.insert(place, changed.clone());
                let moved = |number| number + u32::from(number >= place as u32);
                self.change_table(|number| Some(moved(number)), Some((place, wanted)))
            }
        }?;
        Ok(Live { webhooks, table })
    }

    fn without(&self, deleted: &Webhook) -> Result<Live, TableFault> {
        let mut webhooks = self.webhooks.clone();
        let Ok(place) = self.place(deleted) else { return Ok(Live { webhooks, table: self.table.clone() }) };
        webhooks.remove(place);
        let moved = |number| number - u32::from(number > place as u32);
        let table = self.change_table(|number| (number != place as u32).then(|| moved(number)), None)?;
        Ok(Live { webhooks, table })
    }

    /// Where a webhook is, or belongs.
    fn place(&self, webhook: &Webhook) -> Result<usize, usize> {
        self.webhooks.binary_search_by_key(&webhook.age(), |other| other.age())
    }

    fn change_table(
        &self,
        number: impl FnMut(u32) -> Option<u32>,
        changed: Option<(usize, Wanted<'_>)>,
    ) -> Result<WebhookTable, TableFault> {
        table::change(&self.table, number, changed.map(|(place, webhook)| (place as u32, webhook)), seed())
    }
}

/// A number that nobody can guess, for the hashing of a table. Without randomness the table is as good, only its buckets
/// can be foreseen.
fn seed() -> u32 {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_or(0, |()| u32::from_le_bytes(bytes))
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

#[cfg(test)]
mod tests {
    use bellwire_core::table::Counts;
    use bellwire_core::topic::Topic;

    use super::*;

    /// Webhooks made one after the other.
    const WEBHOOKS: u64 = 40;
    const IDS: [&str; 4] = ["a", "b", "c", "d"];

    /// One of the definitions that a webhook can have, by number.
    fn webhook(uid: u64, number: u64) -> Arc<Webhook> {
        let topics = ["Entry.publish", "Entry.*", "*.publish", "Asset.delete", "*.*"];
        let id = IDS[(number % 4) as usize];
        let filters = [
            None,
            Some(format!(r#"[{{"equals": [{{"doc": "sys.id"}}, "{id}"]}}]"#)),
            Some(format!(r#"[{{"not": {{"in": [{{"doc": "sys.id"}}, ["{id}", "a"]]}}}}]"#)),
            Some(format!(r#"[{{"regexp": [{{"doc": "sys.id"}}, {{"pattern": "^[{id}-d]"}}]}}]"#)),
        ];
        let definition = Definition {
            name: "webhook".into(),
            url: "https://example.com/".into(),
            topics: vec![topics[(number % 5) as usize].into(), topics[(number / 5 % 5) as usize].into()],
            filters_json: filters[(number / 3 % 4) as usize].clone(),
            headers: Vec::new(),
            basic_username: None,
            basic_password: None,
            transformation_json: None,
            active: !number.is_multiple_of(7),
            ordered_by_entity: false,
            switched_off: None,
        };
        let history = History::begun(Stamp { at_ms: uid, by: String::new() });
        Arc::new(Webhook::new(change::assemble(uid, format!("w{uid}"), definition, 0, history)))
    }

    /// The changed table finds what a new one does.
    fn check(live: &Live) {
        let new = Live::compile(live.webhooks.clone()).unwrap();
        // Nodes of a copy may be packed otherwise.
        let counts = |live: &Live| Counts { slots: 0, ..live.table.counts() };
        assert_eq!(counts(live), counts(&new));
        for topic in ["Entry.publish", "Entry.save", "Asset.delete", "Asset.publish"] {
            let topic = Topic::parse(topic).unwrap();
            for id in IDS {
                let event = [("sys.id", id)];
                let (found, expected) = (live.table.find(&topic, &event), new.table.find(&topic, &event));
                assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{topic} {id}");
            }
        }
    }

    #[test]
    fn a_space_that_changes_stays_what_its_webhooks_say() {
        let mut live = Live::compile(Vec::new()).unwrap();
        for uid in 0..WEBHOOKS {
            live = live.with(webhook(2 * uid, 11 * uid + 3)).unwrap();
            check(&live);
        }
        for number in 0..200 {
            // Some are there, some come in between.
            let changed = webhook(number * 37 % (2 * WEBHOOKS), number * 13 + 1);
            live = if number % 3 == 2 { live.without(&changed) } else { live.with(changed) }.unwrap();
            check(&live);
        }
        assert!(live.webhooks.is_sorted_by(|one, next| one.age() < next.age()));
    }
}
