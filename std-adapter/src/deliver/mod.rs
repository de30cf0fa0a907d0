//! What is due becomes attempts: a lane for each webhook, bounded attempts in all, every outcome recorded.

mod lane;
pub mod request;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwire_core::call::Outcome;
use bellwire_core::delivery::{Decision, RetryPolicy, decide};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tracing::{debug, error, info, warn};

use self::lane::{LaneState, Step};
use self::request::{Attempt, Prepared};
use crate::calls::CallLog;
use crate::clock;
use crate::id::{self, IdMaker};
use crate::limits::{ATTEMPT_TIMEOUT, LANE_WINDOW, LOGGED_REQUEST_BYTES_MAX, LOGGED_RESPONSE_BYTES_MAX};
use crate::metrics::Metrics;
use crate::net::AddressPolicy;
use crate::net::{Exchange, HttpClient, OutgoingRequest};
use crate::store::record::{
    self, CallDetailsRecord, CallRecord, EventRecord, OwedKey, OwedRecord, ResponseRecord,
};
use crate::store::{Batch, CommitError, Committer, Durability, Range, Store, StoreError, Table};
use crate::webhooks::{Registry, Space, Webhook};

/// What the engine is told once.
#[derive(Clone, Copy, Debug)]
pub struct DeliverySettings {
    /// The first delay of the retry policy.
    pub first_delay: Duration,
    /// Whether connection and name-resolution errors are retried.
    pub retry_connection_errors: bool,
    /// Attempts under way at once to one endpoint.
    pub lane_in_flight_max: usize,
    /// Attempts under way at once in all.
    pub in_flight_max: usize,
    /// Which addresses may be called.
    pub policy: AddressPolicy,
}

/// The engine. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Deliveries(Arc<Engine>);

struct Engine {
    settings: DeliverySettings,
    store: Arc<dyn Store>,
    committer: Committer,
    registry: Arc<Registry>,
    calls: Arc<CallLog>,
    client: HttpClient,
    ids: Arc<IdMaker>,
    metrics: Arc<Metrics>,
    lanes: Mutex<HashMap<u64, Arc<Lane>>>,
    permits: Arc<Semaphore>,
    stopping: AtomicBool,
}

#[derive(Default)]
struct Lane {
    state: Mutex<LaneState>,
    changed: Notify,
}

impl Lane {
    fn state(&self) -> std::sync::MutexGuard<'_, LaneState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The parts the engine works with.
pub struct Parts {
    /// Where deliveries are owed and outcomes recorded.
    pub store: Arc<dyn Store>,
    /// The way into the store.
    pub committer: Committer,
    /// The definitions.
    pub registry: Arc<Registry>,
    /// The activity log.
    pub calls: Arc<CallLog>,
    /// What makes the requests.
    pub client: HttpClient,
    /// Ids for calls.
    pub ids: Arc<IdMaker>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

impl Deliveries {
    /// An engine at rest; [`Deliveries::resume`] sets it going on what is owed already.
    pub fn new(settings: DeliverySettings, parts: Parts) -> Deliveries {
        let Parts { store, committer, registry, calls, client, ids, metrics } = parts;
        Deliveries(Arc::new(Engine {
            settings,
            store,
            committer,
            registry,
            calls,
            client,
            ids,
            metrics,
            lanes: Mutex::default(),
            permits: Arc::new(Semaphore::new(settings.in_flight_max)),
            stopping: AtomicBool::new(false),
        }))
    }

    /// Starts a lane for each webhook to which something is owed in the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn resume(&self) -> Result<(), StoreError> {
        let mut resumed = 0;
        for uid in self.0.registry.webhook_uids() {
            if !self.0.store.scan(Table::Owed, Range::prefix(&uid.to_be_bytes()), 1)?.is_empty() {
                self.0.start_lane(uid, LaneState::stored(uid));
                resumed += 1;
            }
        }
        if resumed > 0 {
            info!(webhooks = resumed, "resuming deliveries that were owed");
        }
        Ok(())
    }

    /// Takes in deliveries that have just become durable.
    pub fn push(&self, owed: &[OwedKey]) {
        for key in owed {
            self.0.push(*key);
        }
    }

    /// Starts no more attempts and waits until those under way have ended, at most this long.
    pub async fn drain(&self, at_most: Duration) -> bool {
        self.0.stopping.store(true, Ordering::SeqCst);
        for lane in self.0.lanes().values() {
            lane.changed.notify_one();
        }
        let all = u32::try_from(self.0.settings.in_flight_max).unwrap_or(u32::MAX);
        tokio::time::timeout(at_most, self.0.permits.acquire_many(all)).await.is_ok()
    }

    /// Attempts under way.
    pub fn in_flight(&self) -> usize {
        self.0.settings.in_flight_max - self.0.permits.available_permits()
    }
}

impl Engine {
    fn lanes(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Lane>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(self: &Arc<Engine>, key: OwedKey) {
        let lanes = self.lanes();
        if let Some(lane) = lanes.get(&key.webhook_uid) {
            lane.state().push(key);
            lane.changed.notify_one();
            return;
        }
        drop(lanes);
        let mut state = LaneState::default();
        state.push(key);
        self.start_lane(key.webhook_uid, state);
    }

    /// Starts a lane, or hands what is new to the one that started meanwhile.
    fn start_lane(self: &Arc<Engine>, uid: u64, state: LaneState) {
        let mut lanes = self.lanes();
        if let Some(lane) = lanes.get(&uid) {
            lane.state().absorb(state);
            lane.changed.notify_one();
            return;
        }
        let lane = Arc::new(Lane { state: Mutex::new(state), changed: Notify::new() });
        lanes.insert(uid, lane.clone());
        drop(lanes);
        tokio::spawn(self.clone().run_lane(uid, lane));
    }

    async fn run_lane(self: Arc<Engine>, uid: u64, lane: Arc<Lane>) {
        while !self.stopping.load(Ordering::SeqCst) {
            let step = lane.state().next(clock::now_ms(), self.settings.lane_in_flight_max);
            match step {
                Step::Attempt(key) => self.start_attempt(&lane, key).await,
                Step::WaitUntil(due_ms) => {
                    let wait = Duration::from_millis(due_ms.saturating_sub(clock::now_ms()));
                    let _ = tokio::time::timeout(wait, lane.changed.notified()).await;
                }
                Step::Refill(from) => self.refill(&lane, from).await,
                Step::Busy => lane.changed.notified().await,
                Step::Idle if self.retire(uid, &lane) => return,
                Step::Idle => {}
            }
        }
    }

    /// Takes an idle lane off the map, unless something was pushed meanwhile.
    fn retire(&self, uid: u64, lane: &Lane) -> bool {
        let mut lanes = self.lanes();
        let idle = lane.state().is_empty();
        if idle {
            lanes.remove(&uid);
        }
        idle
    }

    async fn refill(&self, lane: &Lane, from: OwedKey) {
        let end = (from.webhook_uid + 1).to_be_bytes();
        match self.store.scan(Table::Owed, Range::between(&from.to_bytes(), &end), LANE_WINDOW) {
            Ok(rows) => {
                let keys: Result<Vec<OwedKey>, StoreError> =
                    rows.iter().map(|(key, _)| OwedKey::from_bytes(key)).collect();
                match keys {
                    Ok(keys) => return lane.state().refill(&keys, LANE_WINDOW),
                    Err(cause) => error!(%cause, "a key of the deliveries owed cannot be read"),
                }
            }
            Err(cause) => error!(%cause, "the deliveries owed cannot be read"),
        }
        tokio::time::sleep(STORE_PAUSE).await;
    }

    async fn start_attempt(self: &Arc<Engine>, lane: &Arc<Lane>, key: OwedKey) {
        let Ok(permit) = self.permits.clone().acquire_owned().await else { return };
        if self.stopping.load(Ordering::SeqCst) {
            return;
        }
        tokio::spawn(self.clone().run_attempt(lane.clone(), key, permit));
    }

    async fn run_attempt(self: Arc<Engine>, lane: Arc<Lane>, key: OwedKey, permit: OwnedSemaphorePermit) {
        let retry = self.attempt(key).await.unwrap_or_else(|cause| {
            error!(%cause, event = %id::to_text(key.event_id), "a delivery stays owed until the next start");
            None
        });
        {
            let mut state = lane.state();
            state.ended(key);
            if let Some(retry) = retry {
                state.push(retry);
            }
        }
        lane.changed.notify_one();
        drop(permit);
    }

    /// Carries one delivery out and records how it went. Answers with the next attempt's key if there is to be one.
    async fn attempt(&self, key: OwedKey) -> Result<Option<OwedKey>, AttemptFault> {
        let Some(owed) = self.store.read(Table::Owed, &key.to_bytes())? else { return Ok(None) };
        let owed: OwedRecord = record::decode(&owed)?;
        let webhook = self.registry.webhook(key.webhook_uid).filter(|(_, webhook)| webhook.record.active);
        let event = self.store.read(Table::Events, &record::timed_key(owed.space_uid, key.event_id))?;
        let (Some((space, webhook)), Some(event)) = (webhook, event) else {
            return self.drop_owed(key).await;
        };
        let event: EventRecord = record::decode(&event)?;
        let made = self.make_call(&space, &webhook, &event, key, owed.attempt).await;
        self.settle(&space, key, owed, made).await
    }

    /// The webhook was deleted or disabled since: no call is made, nothing is owed.
    async fn drop_owed(&self, key: OwedKey) -> Result<Option<OwedKey>, AttemptFault> {
        debug!(event = %id::to_text(key.event_id), "a delivery is dropped: its webhook is deleted or inactive");
        let mut batch = Batch::default();
        batch.remove(Table::Owed, key.to_bytes());
        self.committer.commit(batch, Durability::Buffered).await?;
        Ok(None)
    }

    async fn make_call(
        &self,
        space: &Space,
        webhook: &Webhook,
        event: &EventRecord,
        key: OwedKey,
        number: u32,
    ) -> Made {
        let settings = space.settings();
        let signing_secret = settings.signing_secret.as_ref().map(|record| &record.value);
        let policy = self.settings.policy;
        let attempt = Attempt { space_id: &space.id, webhook, event, key, number, signing_secret, policy };
        let request_at_ms = clock::now_ms();
        match attempt.prepare(request_at_ms) {
            Ok(prepared) => {
                let request = OutgoingRequest {
                    method: prepared.method.clone(),
                    url: prepared.url.clone(),
                    headers: prepared.wire_headers(),
                    body: prepared.body.clone(),
                    timeout: ATTEMPT_TIMEOUT,
                    response_bytes_max: LOGGED_RESPONSE_BYTES_MAX,
                };
                let exchange = self.client.send(request).await;
                Made::sent(&attempt, request_at_ms, &prepared, exchange)
            }
            Err(problem) => Made::unsent(&attempt, request_at_ms, problem),
        }
    }

    async fn settle(
        &self,
        space: &Space,
        key: OwedKey,
        owed: OwedRecord,
        made: Made,
    ) -> Result<Option<OwedKey>, AttemptFault> {
        let outcome = made.call.outcome;
        let decision = decide(outcome, owed.attempt, &self.retry_policy(space));
        let mut batch = self.calls.add(key.webhook_uid, self.ids.next(), &made.call, &made.details)?;
        batch.remove(Table::Owed, key.to_bytes());
        let retry = match decision {
            Decision::Retry { delay_ms } => {
                let next = OwedKey { due_ms: clock::now_ms().saturating_add(delay_ms), ..key };
                batch.put(
                    Table::Owed,
                    next.to_bytes(),
                    record::encode(&OwedRecord { attempt: owed.attempt + 1, ..owed }),
                );
                Some(next)
            }
            Decision::Succeeded | Decision::Dead => None,
        };
        self.committer.commit(batch, Durability::Buffered).await?;
        self.metrics.attempt_ended(outcome, decision);
        report(space, key, owed.attempt, outcome, decision, made.details.error.as_deref());
        Ok(retry)
    }

    fn retry_policy(&self, space: &Space) -> RetryPolicy {
        let own = space.settings().retry_policy.as_ref().map(|policy| policy.retries_max);
        RetryPolicy {
            retries_max: own.unwrap_or(RetryPolicy::default().retries_max),
            first_delay_ms: self.settings.first_delay.as_millis() as u64,
            retry_connection_errors: self.settings.retry_connection_errors,
        }
    }
}

/// Waited before the store is asked again after it failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

fn report(
    space: &Space,
    key: OwedKey,
    attempt: u32,
    outcome: Outcome,
    decision: Decision,
    problem: Option<&str>,
) {
    let event = id::to_text(key.event_id);
    let space = &space.id;
    match decision {
        Decision::Succeeded => debug!(%space, %event, attempt, ?outcome, "delivered"),
        Decision::Retry { delay_ms } => {
            info!(%space, %event, attempt, ?outcome, problem, delay_ms, "an attempt failed and is tried again")
        }
        Decision::Dead => warn!(%space, %event, attempt, ?outcome, problem, "a delivery is given up"),
    }
}

/// Why an attempt could not be recorded.
#[derive(Debug, thiserror::Error)]
enum AttemptFault {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// An attempt that was made, as the log will show it.
struct Made {
    call: CallRecord,
    details: CallDetailsRecord,
}

impl Made {
    fn sent(attempt: &Attempt<'_>, request_at_ms: u64, prepared: &Prepared, exchange: Exchange) -> Made {
        let response_at_ms = exchange.response.is_some().then(clock::now_ms);
        let (request_body, request_cut) =
            cut_text(prepared.body.as_deref().unwrap_or_default(), LOGGED_REQUEST_BYTES_MAX);
        let response = exchange.response.map(|response| {
            let (body, cut) = cut_text(&response.body, LOGGED_RESPONSE_BYTES_MAX);
            ResponseRecord {
                status: response.status,
                headers: response.headers,
                body,
                cut: cut || response.truncated,
            }
        });
        Made {
            call: call(attempt, exchange.outcome, prepared.url.as_str(), request_at_ms, response_at_ms),
            details: CallDetailsRecord {
                method: prepared.method.to_string(),
                request_headers: prepared.logged_headers(),
                request_body,
                request_cut,
                timeout_ms: ATTEMPT_TIMEOUT.as_millis() as u64,
                response,
                error: exchange.error,
            },
        }
    }

    fn unsent(attempt: &Attempt<'_>, request_at_ms: u64, problem: String) -> Made {
        let webhook = attempt.webhook;
        Made {
            call: call(attempt, Outcome::Invalid, &webhook.record.url, request_at_ms, None),
            details: CallDetailsRecord {
                method: webhook.transformation.method().to_string(),
                request_headers: Vec::new(),
                request_body: String::new(),
                request_cut: false,
                timeout_ms: ATTEMPT_TIMEOUT.as_millis() as u64,
                response: None,
                error: Some(problem),
            },
        }
    }
}

fn call(
    attempt: &Attempt<'_>,
    outcome: Outcome,
    url: &str,
    request_at_ms: u64,
    response_at_ms: Option<u64>,
) -> CallRecord {
    CallRecord {
        event_id: attempt.key.event_id,
        topic: attempt.event.topic.clone(),
        attempt: attempt.number,
        outcome,
        url: url.to_owned(),
        request_at_ms,
        response_at_ms,
    }
}

/// The bytes as text, cut to `bytes_max` between two characters, and whether it was cut. What is not UTF-8 shows
/// as U+FFFD.
fn cut_text(bytes: &[u8], bytes_max: usize) -> (String, bool) {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    let end = text.floor_char_boundary(bytes_max);
    let cut = end < text.len();
    text.truncate(end);
    (text, cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut_text(b"abc", 3), ("abc".into(), false));
        assert_eq!(cut_text(b"abcd", 3), ("abc".into(), true));
        assert_eq!(cut_text("aé€".as_bytes(), 4), ("aé".into(), true));
        assert_eq!(cut_text("aé€".as_bytes(), 3), ("aé".into(), true));
        assert_eq!(cut_text("aé€".as_bytes(), 2), ("a".into(), true));
        assert_eq!(cut_text(b"\xff\xfe", 10), ("\u{fffd}\u{fffd}".into(), false));
    }
}
