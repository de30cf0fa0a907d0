//! What is due becomes attempts: a lane for each webhook, bounded attempts in all, every outcome recorded.

mod attempt;
mod lane;
mod made;
pub mod owed;
pub mod request;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tracing::{error, info};

use self::lane::{LaneState, Step};
use crate::calls::CallLog;
use crate::clock;
use crate::id::{self, IdMaker};
use crate::limits::LANE_WINDOW;
use crate::metrics::Metrics;
use crate::net::AddressPolicy;
use crate::net::HttpClient;
use crate::store::record::OwedKey;
use crate::store::{Committer, Range, Store, StoreError, Table};
use crate::webhooks::Registry;

/// Waited before the store is asked again after it failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// How long a lane sleeps at the most: the clock may be set meanwhile.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

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

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
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
        while !self.is_stopping() {
            let step = lane.state().next(clock::now_ms(), self.settings.lane_in_flight_max);
            match step {
                Step::Attempt(key) => self.start_attempt(&lane, key).await,
                Step::WaitUntil(due_ms) => {
                    let wait = Duration::from_millis(due_ms.saturating_sub(clock::now_ms()));
                    let _ = tokio::time::timeout(wait.min(LOOK_AGAIN), lane.changed.notified()).await;
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
        if self.is_stopping() {
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
}
