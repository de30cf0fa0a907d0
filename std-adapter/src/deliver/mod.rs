//! What is due becomes attempts: a lane for each webhook, bounded attempts in all, every outcome recorded.
//!
//! The decisions are made elsewhere: `schedule` says what is next, [`bellwire_core::delivery`] what an outcome leads
//! to. Here they are carried out, against ports: the store, the clock, the dice, and the transport.

mod at_hand;
mod attempt;
mod backlog;
mod claims;
mod lane;
mod made;
pub mod owed;
mod recall;
pub mod rehearse;
pub mod request;
mod schedule;
mod turns;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwire_core::delivery::{Breaker, BreakerPolicy, RetryPolicy};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tracing::info;

use self::at_hand::AtHand;
pub use self::at_hand::Needed;
use self::schedule::{Action, Rules, Schedule};
use crate::calls::CallLog;
use crate::causes;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::net::{AddressPolicy, Transport};
use crate::planted::{Bug, is_planted};
use crate::quiet::Seldom;
use crate::random::Dice;
use crate::store::record::{Owed, OwedKey};
use crate::store::{Committer, Reader, StoreError};
use crate::webhooks::{Registry, Webhook};

/// Waited before the store is asked again after it failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// How long the engine sleeps at the most: the clock may be set meanwhile.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Deliveries that are taken in between two looks at what can be begun.
const PUSHED_AT_ONCE: usize = 64;

/// What the engine is told once.
#[derive(Clone, Copy, Debug)]
pub struct DeliverySettings {
    /// The first delay of the retry policy.
    pub first_delay: Duration,
    /// Whether connection and name-resolution errors are retried.
    pub retry_connection_errors: bool,
    /// Attempts under way at once to one endpoint.
    pub lane_in_flight_max: u16,
    /// Attempts under way at once in all.
    pub in_flight_max: usize,
    /// When an endpoint that fails is left alone.
    pub breaker: BreakerPolicy,
    /// Deliveries that may be owed in all before events are refused.
    pub backlog_max: u64,
    /// How long deliveries are kept whose requests cannot leave, or whose endpoint is left alone.
    pub keep: Duration,
    /// Which addresses may be called.
    pub policy: AddressPolicy,
    /// The number of this run of the server: later runs have greater ones.
    pub run: u64,
}

impl DeliverySettings {
    fn keep_ms(&self) -> u64 {
        let keep_ms = u64::try_from(self.keep.as_millis()).unwrap_or(u64::MAX);
        if is_planted(Bug::GiveUpEarly) { keep_ms / 2 } else { keep_ms }
    }

    /// The retry policy of a space that wishes so many retries, or none in particular.
    fn retry_policy(&self, retries_max: Option<u8>) -> RetryPolicy {
        let default = RetryPolicy::default();
        RetryPolicy {
            retries_max: retries_max.unwrap_or(default.retries_max)
                + u8::from(is_planted(Bug::RetryOnceMore)),
            first_delay_ms: self.first_delay.as_millis() as u64,
            retry_connection_errors: self.retry_connection_errors,
            ..default
        }
    }
}

/// The engine. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Deliveries(Arc<Engine>);

struct Engine {
    settings: DeliverySettings,
    parts: Parts,
    schedule: Mutex<Schedule>,
    at_hand: Mutex<AtHand>,
    /// The alarm's moment may have come nearer.
    sooner: Notify,
    /// Something that was under way has ended.
    ended: Notify,
    stopping: AtomicBool,
    /// What runs as long as the engine does.
    tasks: Mutex<Vec<JoinHandle<()>>>,
    /// What is said of the disk while it is full.
    unwritten: Seldom,
    /// What is said of the store while it cannot be read.
    unread: Seldom,
    /// What is said while this machine has no room for another request.
    unsent: Seldom,
    /// What is said while deliveries are given up unsent.
    expired: Seldom,
}

/// The parts the engine works with.
pub struct Parts {
    /// Where deliveries are owed and outcomes recorded.
    pub store: Reader,
    /// The way into the store.
    pub committer: Committer,
    /// The definitions.
    pub registry: Arc<Registry>,
    /// The activity log.
    pub calls: Arc<CallLog>,
    /// What makes the requests.
    pub transport: Arc<dyn Transport>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What spreads waits.
    pub dice: Arc<Dice>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// What the engine knows of an endpoint, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// When the endpoint is probed; `None` while a probe is under way.
    pub until_ms: Option<u64>,
    /// Pauses since it last answered.
    pub pauses: u32,
}

impl Deliveries {
    /// An engine at rest; [`Deliveries::resume`] sets it going.
    pub fn new(settings: DeliverySettings, parts: Parts) -> Deliveries {
        let rules = Rules {
            run: settings.run,
            places: settings.in_flight_max,
            lane_places: settings.lane_in_flight_max,
            breaker: settings.breaker,
            wait_ms_max: settings.retry_policy(None).longest_wait_ms(),
            keep_ms: settings.keep_ms(),
            backlog_max: settings.backlog_max,
        };
        Deliveries(Arc::new(Engine {
            settings,
            parts,
            schedule: Mutex::new(Schedule::new(rules)),
            at_hand: Mutex::default(),
            sooner: Notify::new(),
            ended: Notify::new(),
            stopping: AtomicBool::new(false),
            tasks: Mutex::default(),
            unwritten: Seldom::default(),
            unread: Seldom::default(),
            unsent: Seldom::default(),
            expired: Seldom::default(),
        }))
    }

    /// Begins to make deliveries: those that are owed in the store, looked for aside, and what is pushed from now on.
    pub fn resume(&self) {
        let engine = &self.0;
        let tasks = [
            tokio::spawn(engine.clone().run_alarm()),
            tokio::spawn(engine.clone().find_lanes()),
            tokio::spawn(engine.clone().count_backlog()),
        ];
        engine.tasks.lock().unwrap_or_else(PoisonError::into_inner).extend(tasks);
    }

    /// Deliveries that are owed in all, as far as they were counted since the start.
    pub fn backlog(&self) -> u64 {
        self.0.schedule().backlog().count()
    }

    /// Whether more may be owed.
    pub fn has_room(&self) -> bool {
        self.backlog() < self.0.settings.backlog_max
    }

    /// Deliveries of a deleted webhook were taken out of the store.
    pub fn swept(&self, keys: &[OwedKey]) {
        let mut schedule = self.0.schedule();
        keys.iter().for_each(|key| schedule.backlog().removed(*key));
    }

    /// Announces deliveries that are about to become durable. The claim that it answers with goes into the record; each
    /// key is then to be pushed, or withdrawn.
    pub fn expect(&self, key: OwedKey) -> u64 {
        self.0.schedule().expect(key, self.0.now_ms())
    }

    /// Takes in deliveries that have just become durable, and the events of those that are to be made soon, where the
    /// caller has them.
    pub fn push(&self, owed: &[Owed], events: Vec<Needed>) {
        let mut at_hand = self.0.at_hand();
        events.into_iter().for_each(|needed| at_hand.keep(needed));
        drop(at_hand);
        // Others come in between where an event is owed to very many.
        for some in owed.chunks(PUSHED_AT_ONCE) {
            let mut schedule = self.0.schedule();
            some.iter().for_each(|owed| schedule.push(*owed));
            drop(schedule);
            self.0.pump();
        }
    }

    /// Takes back the announcement of deliveries that did not become durable.
    pub fn withdraw(&self, owed: &[Owed]) {
        let mut schedule = self.0.schedule();
        owed.iter().for_each(|owed| schedule.withdraw(owed.key));
    }

    /// Returns when nothing is under way any more that was when a webhook was switched off or deleted: attempts are broken off.
    pub async fn quiesce(&self, webhook_uid: u64) {
        // What begins from now on sees that the webhook is off.
        let begun = self.0.schedule().keys_under_way(webhook_uid);
        let have_ended = |schedule: &Schedule| begun.iter().all(|key| !schedule.is_under_way(*key));
        self.0.until(|schedule| have_ended(schedule) || is_planted(Bug::LeaveUnderWay)).await;
        self.0.schedule().forget(webhook_uid);
    }

    /// A definition was put in another's place. Returns when nothing is under way that it does not allow.
    pub async fn changed(&self, was: &Webhook, now: &Webhook) {
        let uid = now.record.uid;
        if !now.record.active {
            return self.quiesce(uid).await;
        }
        // Whoever changes a URL or switches a webhook on again has mended something: it is tried at once.
        if was.record.url != now.record.url || !was.record.active {
            self.0.schedule().forget(uid);
            self.0.pump();
        }
    }

    /// Whether a webhook's endpoint is left alone because it kept failing.
    pub fn pause(&self, webhook_uid: u64) -> Option<Pause> {
        match self.0.schedule().endpoint(webhook_uid).breaker {
            Breaker::Closed { .. } => None,
            Breaker::Open { until_ms, pauses } => Some(Pause { until_ms: Some(until_ms), pauses }),
            Breaker::Probing { pauses } => Some(Pause { until_ms: None, pauses }),
        }
    }

    /// Starts no more attempts and waits until those under way have ended, at most this long. What was claimed and not
    /// begun is no longer claimed then.
    pub async fn drain(&self, at_most: Duration) -> bool {
        self.0.stopping.store(true, Ordering::SeqCst);
        let idle = self.0.until(|schedule| schedule.in_flight() == 0);
        let drained = tokio::time::timeout(at_most, idle).await.is_ok();
        self.0.give_back_claims().await;
        self.0.sooner.notify_one();
        let tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            // Whoever holds the store is gone when this returns, so that it can be opened again.
            let _ended = task.await;
        }
        drained
    }

    /// Attempts under way.
    pub fn in_flight(&self) -> usize {
        self.0.schedule().in_flight()
    }
}

impl Engine {
    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at_hand(&self) -> MutexGuard<'_, AtHand> {
        self.at_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no further attempt begins: at the end of a run, and when the store has failed, so that nothing could be
    /// recorded of it.
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst) || self.parts.committer.has_failed()
    }

    fn now_ms(&self) -> u64 {
        self.parts.clock.now_ms()
    }

    /// Waits until something holds of the schedule.
    async fn until(&self, holds: impl Fn(&Schedule) -> bool) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if holds(&self.schedule()) {
                return;
            }
            ended.await;
        }
    }

    /// Does whatever the schedule says is next, until it says nothing.
    fn pump(self: &Arc<Self>) {
        while !self.is_stopping() {
            let mut schedule = self.schedule();
            let action = schedule.next(self.now_ms());
            let is_sooner = action.is_none() && schedule.is_sooner();
            drop(schedule);
            let Some(action) = action else {
                if is_sooner {
                    self.sooner.notify_one();
                }
                return;
            };
            self.clone().carry_out(action);
        }
    }

    fn carry_out(self: Arc<Self>, action: Action) {
        match action {
            Action::Attempt(owed, standing) => drop(tokio::spawn(self.run_attempt(owed, standing))),
            Action::Unknown(owed) => drop(tokio::spawn(self.run_unknown(owed))),
            Action::Expire(owed) => drop(tokio::spawn(self.run_expired(owed))),
            Action::Claim(owed) => drop(tokio::spawn(self.run_claim(owed))),
            Action::Refill(from, most) => drop(tokio::spawn(self.run_refill(from, most))),
            Action::Recall(uid) => drop(tokio::spawn(self.run_recall(uid))),
        }
    }

    /// Wakes the engine when the time of something has come.
    async fn run_alarm(self: Arc<Self>) {
        while !self.is_stopping() {
            self.pump();
            let alarm = self.schedule().watch();
            let wait = alarm.map_or(LOOK_AGAIN, |moment| {
                let wait = Duration::from_millis(moment.saturating_sub(self.now_ms()));
                if is_planted(Bug::SleepThroughJump) { wait } else { wait.min(LOOK_AGAIN) }
            });
            // Either way there is something to look at.
            let _ = tokio::time::timeout(wait, self.sooner.notified()).await;
        }
    }

    /// Looks through the store for webhooks to which something is owed, and has a lane for each.
    async fn find_lanes(self: Arc<Self>) {
        let (mut found, mut from) = (0_usize, 0_u64);
        while !self.is_stopping() {
            let memory = self.memory();
            match self.parts.store.run(move |store| memory.owners(store, from)).await {
                Ok(owners) => {
                    let Some((last, _)) = owners.last() else { break };
                    from = last + 1;
                    found += owners.len();
                    let mut schedule = self.schedule();
                    owners.iter().for_each(|(uid, recalled)| schedule.resume(*uid, *recalled));
                    drop(schedule);
                    self.pump();
                }
                Err(cause) => self.store_failed(&cause, "the deliveries owed cannot be read").await,
            }
        }
        self.schedule().resumed();
        if found > 0 {
            info!(webhooks = found, "resumed deliveries that were owed");
        }
    }

    /// Counts what was owed at the start.
    async fn count_backlog(self: Arc<Self>) {
        let mut from = None;
        while !self.is_stopping() {
            match self.parts.store.run(move |store| claims::keys_after(store, from)).await {
                Ok(keys) => {
                    from = keys.last().copied();
                    let mut schedule = self.schedule();
                    if keys.is_empty() {
                        return schedule.counted_all();
                    }
                    schedule.backlog().counted(&keys);
                }
                Err(cause) => self.store_failed(&cause, "the deliveries owed cannot be counted").await,
            }
        }
    }

    async fn store_failed(&self, cause: &StoreError, what: &str) {
        tracing::error!(cause = causes::in_one_line(cause), "{what}");
        tokio::time::sleep(STORE_PAUSE).await;
    }
}
