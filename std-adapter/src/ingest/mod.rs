//! Events in: checked, recognised when repeated, and made durable together with what they owe, before anyone is told.

pub mod attributes;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bellwire_core::id::Id;
use bellwire_core::topic::Topic;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::sync::Notify;

use self::attributes::PayloadFields;
use crate::clock::Clock;
use crate::deliver::{Deliveries, Needed};
use crate::dispatch::dispatch;
use crate::id::IdMaker;
use crate::limits::{BODY_BYTES_MAX, DEDUP_WINDOW, IDEMPOTENCY_KEY_BYTES_MAX};
use crate::metrics::Metrics;
use crate::planted::{Bug, is_planted};
use crate::quiet::Seldom;
use crate::store::record::{self, DedupRecord, EventRecord, Owed};
use crate::store::{Batch, CommitError, Committer, Durability, Range, Store, StoreError, Table};
use crate::webhooks::Space;

/// The environment of an event that names none.
pub const DEFAULT_ENVIRONMENT: &str = "master";

/// Deliveries that are written in one commit with, or ahead of, their events: about half a millisecond's worth.
const OWED_AT_ONCE: usize = 128;

/// Deliveries from which on no further event of a bulk request is added to those that are made durable together: what one
/// request takes of the memory is bounded by this and what one event owes.
const OWED_TOGETHER_MAX: usize = 16 * 1024;

/// An event as a publisher hands it in.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// `Type.action`, with or without a header prefix.
    pub topic: String,
    /// The environment, when the publisher says it outside the payload.
    pub environment: Option<String>,
    /// The payload: any JSON, kept byte for byte.
    pub payload: Bytes,
    /// Publishes with the same key within the window are one event.
    pub idempotency_key: Option<String>,
    /// When it happened; now when absent.
    pub occurred_at_ms: Option<u64>,
    /// Context headers to pass on, lower-case names.
    pub context: Vec<(String, String)>,
    /// Id of the publisher's token, named as the user where the payload names none.
    pub publisher: String,
}

impl Incoming {
    /// An event about which only topic and payload are known.
    pub fn new(topic: impl Into<String>, payload: impl Into<Bytes>) -> Incoming {
        Incoming {
            topic: topic.into(),
            environment: None,
            payload: payload.into(),
            idempotency_key: None,
            occurred_at_ms: None,
            context: Vec::new(),
            publisher: String::new(),
        }
    }
}

/// What became of a publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The event's id.
    pub event_id: u128,
    /// Ids of the webhooks that it is owed to. Empty when the publish was a repeated one.
    pub webhooks: Vec<String>,
    /// Whether an earlier publish with the same idempotency key made the event.
    pub duplicate: bool,
}

/// Why a publish was refused.
#[derive(Debug, Error)]
pub enum Refusal {
    /// The topic is not one.
    #[error("The topic {topic:?} is not valid: {problem}")]
    Topic {
        /// What was sent.
        topic: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The payload is not JSON.
    #[error("The payload is not valid JSON: {0}")]
    NotJson(String),
    /// A part is longer than its limit, or has characters it cannot have.
    #[error("{0}")]
    Invalid(String),
    /// The payload is longer than its limit.
    #[error("The payload has more than {BODY_BYTES_MAX} bytes")]
    TooLarge,
    /// As many deliveries are owed as may be.
    #[error("Too many deliveries are owed already; nothing was accepted.")]
    Backlog,
    /// It could not be made durable.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes events in.
pub struct Ingest {
    store: Arc<dyn Store>,
    committer: Committer,
    deliveries: Deliveries,
    ids: Arc<IdMaker>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    refusing: Seldom,
    /// The latest day that has idempotency keys: days do not go back with the clock.
    latest_day: AtomicU32,
    /// Keyed publishes under way: whoever comes with the same key waits for the first one's end.
    under_way: Mutex<HashMap<Vec<u8>, Arc<Notify>>>,
}

impl Ingest {
    /// The way in to this store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn new(
        store: Arc<dyn Store>,
        committer: Committer,
        deliveries: Deliveries,
        ids: Arc<IdMaker>,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
    ) -> Result<Ingest, StoreError> {
        let last = store.scan_keys(Table::Dedup, Range::all().reversed(), 1)?;
        let latest_day = last.first().map_or(Ok(0), |key| record::dedup_day_of(key))?;
        Ok(Ingest {
            store,
            committer,
            deliveries,
            ids,
            metrics,
            clock,
            refusing: Seldom::default(),
            latest_day: AtomicU32::new(latest_day),
            under_way: Mutex::default(),
        })
    }

    /// Accepts one event. When this returns `Ok`, the event and what it owes are on the disk.
    ///
    /// # Errors
    /// When it is refused; nothing of it is stored then.
    pub async fn accept(
        self: &Arc<Self>,
        space: Arc<Space>,
        incoming: Incoming,
    ) -> Result<Accepted, Refusal> {
        let mut results = self.accept_all(space, vec![Ok(incoming)]).await?;
        results.pop().expect("one event in, one result out")
    }

    /// Accepts many events, each for itself, made durable together. What was refused before it came here passes
    /// through, so that results stand in the order of the events.
    ///
    /// The work goes on when the caller stops waiting: what is durable is also delivered.
    ///
    /// # Errors
    /// When none could be made durable.
    pub async fn accept_all(
        self: &Arc<Self>,
        space: Arc<Space>,
        incoming: Vec<Result<Incoming, Refusal>>,
    ) -> Result<Vec<Result<Accepted, Refusal>>, Refusal> {
        let ingest = self.clone();
        let accepting = tokio::spawn(async move { ingest.accept_in_turn(&space, incoming).await });
        accepting.await.unwrap_or_else(|fault| std::panic::resume_unwind(fault.into_panic()))
    }

    async fn accept_in_turn(
        &self,
        space: &Space,
        incoming: Vec<Result<Incoming, Refusal>>,
    ) -> Result<Vec<Result<Accepted, Refusal>>, Refusal> {
        if !self.deliveries.has_room() {
            return Err(self.refused(Refusal::Backlog, incoming.len()));
        }
        let mut keys: Vec<Vec<u8>> =
            incoming.iter().flatten().filter_map(|incoming| dedup_key(space, incoming)).collect();
        // Everyone takes turns in the same order, so that nobody waits for somebody who waits for them.
        keys.sort_unstable();
        keys.dedup();
        let mut turns = Vec::with_capacity(keys.len());
        for key in keys {
            turns.push(self.take_turn(key).await);
        }
        let (total, mut incoming) = (incoming.len(), incoming.into_iter().peekable());
        let mut results = Vec::with_capacity(total);
        while incoming.peek().is_some() {
            let (mut together, begun) = (Together::default(), results.len());
            if !self.deliveries.has_room() {
                results.extend(incoming.by_ref().map(|next| next.and_then(|_| Err(Refusal::Backlog))));
                break;
            }
            while together.owed.len() < OWED_TOGETHER_MAX
                && let Some(next) = incoming.next()
            {
                results.push(next.and_then(|incoming| self.add(space, &incoming, &mut together)));
            }
            let Err(cause) = self.accept_together(together).await else { continue };
            if begun == 0 {
                return Err(self.refused(cause.into(), total));
            }
            // What was accepted before is accepted.
            self.refusing.warn(self.clock.now_ms(), &cause, "events are refused");
            let refused = || Err(Refusal::Commit(cause.clone()));
            results[begun..]
                .iter_mut()
                .filter(|result| result.is_ok())
                .for_each(|result| *result = refused());
            results.extend(incoming.by_ref().map(|next| next.and_then(|_| refused())));
        }
        results.iter().for_each(|result| self.count(result));
        Ok(results)
    }

    /// Makes events durable and hands over what they owe, or nothing of either.
    async fn accept_together(&self, mut together: Together) -> Result<(), CommitError> {
        if together.batch.is_empty() {
            return Ok(());
        }
        if is_planted(Bug::DeliverUnstored) {
            self.deliveries.push(&together.owed, std::mem::take(&mut together.events));
        }
        if let Err(cause) = self.make_durable(together.batch, &together.owed).await {
            self.deliveries.withdraw(&together.owed);
            return Err(cause);
        }
        self.deliveries.push(&together.owed, together.events);
        Ok(())
    }

    /// Makes events durable with what they owe, or nothing of either. Where that is very much, most of it goes ahead in
    /// writes of its own, so that others need not wait for all of it. The events come last: a delivery whose event is not
    /// there was never accepted, and whoever comes upon it drops it.
    async fn make_durable(&self, events: Batch, owed: &[Owed]) -> Result<(), CommitError> {
        let (ahead, rest) = owed.split_at(owed.len().saturating_sub(1) / OWED_AT_ONCE * OWED_AT_ONCE);
        let unsynced = is_planted(Bug::AcknowledgeUnsynced);
        let durability = if unsynced { Durability::Buffered } else { Durability::Synced };
        let mut last = rows(rest);
        last.append(events);
        if ahead.is_empty() {
            return self.committer.try_commit(last, durability).await;
        }
        let room = self.committer.try_reserve(last.bytes() + size_of_val(ahead))?;
        let forgotten = usize::from(is_planted(Bug::ForgetPart));
        for (number, some) in ahead.chunks(OWED_AT_ONCE).enumerate().skip(forgotten) {
            let written = self.committer.commit_reserved(&room, rows(some), Durability::Buffered).await;
            if written.is_err() {
                self.take_back(&ahead[..number * OWED_AT_ONCE]).await;
                return written;
            }
        }
        let written = self.committer.commit_reserved(&room, last, durability).await;
        if written.is_err() {
            self.take_back(ahead).await;
        }
        written
    }

    /// Removes deliveries whose events were not accepted. Where that cannot be written either they are handed over like
    /// others: without their event they are dropped as soon as that can be written.
    async fn take_back(&self, owed: &[Owed]) {
        for (number, some) in owed.chunks(OWED_AT_ONCE).enumerate() {
            let mut batch = Batch::new();
            some.iter().for_each(|owed| batch.remove(Table::Owed, owed.key.to_bytes()));
            if self.committer.commit(batch, Durability::Buffered).await.is_err() {
                return self.deliveries.push(&owed[number * OWED_AT_ONCE..], Vec::new());
            }
        }
    }

    /// Counts events that are refused for a reason of the server's, and says so now and then.
    fn refused(&self, refusal: Refusal, events: usize) -> Refusal {
        (0..events).for_each(|_| self.metrics.event_refused());
        self.refusing.warn(self.clock.now_ms(), &refusal, "events are refused");
        refusal
    }

    fn count(&self, result: &Result<Accepted, Refusal>) {
        match result {
            Ok(accepted) if accepted.duplicate => self.metrics.event_duplicate(),
            Ok(accepted) => self.metrics.event_accepted(accepted.webhooks.len()),
            Err(_) => self.metrics.event_refused(),
        }
    }

    /// Adds one event and what it owes to what is committed together, unless its key was seen before.
    fn add(&self, space: &Space, incoming: &Incoming, together: &mut Together) -> Result<Accepted, Refusal> {
        let key = dedup_key(space, incoming);
        if let Some(key) = &key {
            let before = together.keys.get(key).copied();
            if let Some(event_id) = before.map_or_else(|| self.seen(key), |id| Ok(Some(id)))? {
                return Ok(Accepted { event_id, webhooks: Vec::new(), duplicate: true });
            }
        }
        let checked = Checked::new(incoming)?;
        let (now_ms, event_id) = (self.clock.now_ms(), self.ids.next());
        let (event, fields) = checked.into_record(incoming, now_ms);
        let attributes = fields.attributes(&event.environment);
        let claim = |key| self.deliveries.expect(key);
        let dispatched = dispatch(space, event_id, &event, &attributes, claim);
        let event_key = record::timed_key(space.uid, event_id);
        together.batch.put(Table::Events, event_key, record::encode_event(&event));
        if let Some(key) = key.filter(|_| !is_planted(Bug::ForgetKey)) {
            together.batch.put(
                Table::Dedup,
                record::dedup_key(self.day(now_ms), &key),
                record::encode(&DedupRecord { event_id, at_ms: now_ms }),
            );
            together.keys.insert(key, event_id);
        }
        // Those that have to wait read theirs from the store when it is their turn.
        let attempts = dispatched.owed.iter().filter(|owed| owed.record.claim != 0).count();
        if attempts > 0 {
            together.events.push(Needed { id: event_id, event: Arc::new(event), attempts });
        }
        together.owed.extend(dispatched.owed);
        Ok(Accepted { event_id, webhooks: dispatched.webhooks, duplicate: false })
    }

    /// Waits until no other publish with this key is under way; none begins while the turn is held.
    async fn take_turn(&self, key: Vec<u8>) -> Turn<'_> {
        loop {
            let other = {
                let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
                match under_way.get(&key) {
                    Some(other) if !is_planted(Bug::DoNotTakeTurns) => other.clone().notified_owned(),
                    _ => {
                        under_way.insert(key.clone(), Arc::default());
                        return Turn { ingest: self, key };
                    }
                }
            };
            other.await;
        }
    }

    /// The event that came with this key within the window: on the latest day or the one before. After the clock was
    /// set back these are ahead of today and yesterday, which are looked at as well.
    fn seen(&self, key: &[u8]) -> Result<Option<u128>, StoreError> {
        let now_ms = self.clock.now_ms();
        let (today, latest) = (record::dedup_day(now_ms), self.day(now_ms));
        let was_set_back = latest != today;
        let days = [latest, today].map(|day| [day, day.saturating_sub(1)]);
        for day in days.into_iter().take(1 + usize::from(was_set_back)).flatten() {
            let Some(bytes) = self.store.read(Table::Dedup, &record::dedup_key(day, key))? else { continue };
            let first: DedupRecord = record::decode(&bytes)?;
            if u128::from(now_ms.saturating_sub(first.at_ms)) < DEDUP_WINDOW.as_millis() {
                return Ok(Some(first.event_id));
            }
        }
        Ok(None)
    }

    /// The day under which a key that comes now is kept.
    fn day(&self, now_ms: u64) -> u32 {
        let today = record::dedup_day(now_ms);
        self.latest_day.fetch_max(today, Ordering::Relaxed).max(today)
    }
}

/// The event that a publish at this time would make, without accepting it.
///
/// # Errors
/// Why it would be refused.
pub fn check(incoming: &Incoming, now_ms: u64) -> Result<EventRecord, Refusal> {
    Ok(Checked::new(incoming)?.into_record(incoming, now_ms).0)
}

/// The parts of an event that had to be checked.
struct Checked {
    topic: String,
    environment: String,
    fields: PayloadFields,
}

impl Checked {
    fn new(incoming: &Incoming) -> Result<Checked, Refusal> {
        let topic = Topic::parse(&incoming.topic).map_err(|problem| Refusal::Topic {
            topic: shorten(&incoming.topic),
            problem: problem.to_string(),
        })?;
        if incoming.payload.len() > BODY_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        let key = incoming.idempotency_key.as_ref();
        if key.is_some_and(|key| key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES_MAX) {
            return Err(Refusal::Invalid(format!(
                "An idempotency key has 1 to {IDEMPOTENCY_KEY_BYTES_MAX} bytes"
            )));
        }
        let fields = PayloadFields::read(&incoming.payload).map_err(Refusal::NotJson)?;
        let said =
            incoming.environment.as_deref().or(fields.environment.as_deref()).unwrap_or(DEFAULT_ENVIRONMENT);
        let environment = Id::parse(said).map_err(|problem| {
            Refusal::Invalid(format!("The environment {:?} is not valid: {problem}", shorten(said)))
        })?;
        Ok(Checked { topic: topic.to_string(), environment: environment.as_str().to_owned(), fields })
    }

    fn into_record(self, incoming: &Incoming, now_ms: u64) -> (EventRecord, PayloadFields) {
        let event = EventRecord {
            environment: self.environment,
            topic: self.topic,
            occurred_at_ms: incoming.occurred_at_ms.unwrap_or(now_ms),
            user: self.fields.user().unwrap_or(&incoming.publisher).to_owned(),
            entity_id: self.fields.id.clone(),
            context: incoming.context.clone(),
            payload: incoming.payload.to_vec(),
        };
        (event, self.fields)
    }
}

/// What is owed, as it is stored.
fn rows(owed: &[Owed]) -> Batch {
    let mut batch = Batch::new();
    owed.iter().for_each(|owed| batch.put(Table::Owed, owed.key.to_bytes(), record::encode(&owed.record)));
    batch
}

/// What is made durable together.
#[derive(Default)]
struct Together {
    /// The events and their idempotency keys.
    batch: Batch,
    owed: Vec<Owed>,
    /// The events that are sent at once.
    events: Vec<Needed>,
    keys: HashMap<Vec<u8>, u128>,
}

/// The right to publish with one idempotency key; given back when dropped.
struct Turn<'a> {
    ingest: &'a Ingest,
    key: Vec<u8>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut under_way = self.ingest.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(done) = under_way.remove(&self.key) {
            done.notify_waiters();
        }
    }
}

/// The key under which a publish is remembered, if it has one: the space, and a hash since callers choose the text.
fn dedup_key(space: &Space, incoming: &Incoming) -> Option<Vec<u8>> {
    let key = incoming.idempotency_key.as_ref()?;
    Some([&space.uid.to_be_bytes()[..], &Sha256::digest(key)].concat())
}

fn shorten(text: &str) -> String {
    text.chars().take(100).collect()
}
