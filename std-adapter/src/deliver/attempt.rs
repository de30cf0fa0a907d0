//! One attempt from the record of what is owed to the record of how it went.

use std::sync::Arc;
use std::time::Duration;

use bellwire_core::call::Outcome;
use bellwire_core::delivery::{Attempted, Decision, RetryPolicy, Sign, Standing, Turn, decide, sign_of};
use tracing::{debug, error, info, warn};

use super::made::{Made, retry_after_ms};
use super::request::Attempt;
use super::schedule::Ended;
use super::{Engine, STORE_PAUSE};
use crate::limits::{ATTEMPT_TIMEOUT, FRESH, HEAVY_RESPONSE_BYTES, LOGGED_RESPONSE_BYTES_MAX};
use crate::net::{Exchange, OutgoingRequest, Timing};
use crate::planted::{Bug, is_planted};
use crate::store::record::{self, EventRecord, Owed, OwedKey, OwedRecord, Stamp, SwitchedOff};
use crate::store::{Batch, CommitError, Durability, StoreError, Table};
use crate::webhooks::settings::SpaceSettings;
use crate::webhooks::{Space, Webhook};
use crate::{causes, id};

/// Who switches a webhook off whose endpoint is gone.
const ENGINE: &str = "bellwire";

/// What became of a delivery, as the schedule needs it.
struct Settled {
    sign: Sign,
    heavy: bool,
    again: Option<Owed>,
}

impl Settled {
    const DROPPED: Settled = Settled::unmade(None);

    /// No attempt was made that would say something of the endpoint.
    const fn unmade(again: Option<Owed>) -> Settled {
        Settled { sign: Sign::None, heavy: false, again }
    }
}

/// A delivery with everything that an attempt of it needs.
struct Job {
    space: Arc<Space>,
    webhook: Arc<Webhook>,
    event: Arc<EventRecord>,
    owed: Owed,
}

/// What was found of what an attempt needs.
enum Lookup {
    Job(Box<Job>),
    /// The webhook or the event is there and cannot be read or understood: the delivery waits.
    Later,
    /// The webhook or the event is not there any more.
    Nothing,
}

impl Engine {
    /// Makes one attempt and tells the schedule.
    pub(super) async fn run_attempt(self: Arc<Self>, owed: Owed, standing: Standing) {
        let settled = self.attempt(owed).await;
        self.finish(owed, Some(standing), settled);
    }

    /// Records an attempt of an earlier run of which nobody knows what came of it, and tells the schedule.
    pub(super) async fn run_unknown(self: Arc<Self>, owed: Owed) {
        let settled = if is_planted(Bug::ForgetInFlight) {
            self.drop_owed(owed.key).await
        } else {
            self.record_unsent(owed, owed.due_ms(), Outcome::Unknown, CRASHED).await
        };
        self.finish(owed, None, settled);
    }

    /// Records that a delivery is given up without a request, and tells the schedule.
    pub(super) async fn run_expired(self: Arc<Self>, owed: Owed) {
        let problem = if self.is_late(owed) { EXPIRED } else { CROWDED };
        self.expired.warn(self.now_ms(), &problem, "deliveries are given up");
        // Nothing of it left, as if this run had claimed it: where the webhook is off it is dropped without a word.
        let unsent = Owed { record: OwedRecord { claim: self.settings.run, ..owed.record }, ..owed };
        let settled = self.record_unsent(unsent, self.now_ms(), Outcome::Expired, problem).await;
        let claim = owed.record.claim;
        let as_it_was = |again: Owed| Owed { record: OwedRecord { claim, ..again.record }, ..again };
        let settled = settled.map(|settled| Settled { again: settled.again.map(as_it_was), ..settled });
        self.finish(owed, None, settled);
    }

    /// Gives back to the schedule a delivery that was held, as what it became.
    pub(super) fn release(self: &Arc<Self>, held: OwedKey, now: Owed) {
        self.finish(Owed { key: held, ..now }, None, Ok(Settled::unmade(Some(now))));
    }

    fn finish(self: &Arc<Self>, owed: Owed, place: Option<Standing>, settled: Result<Settled, AttemptFault>) {
        let Settled { sign, heavy, again } = settled.unwrap_or_else(|cause| {
            error!(%cause, event = %id::to_text(owed.key.event_id), "a delivery stays owed until the next start");
            Settled::DROPPED
        });
        let ended = Ended { key: owed.key, place, sign, heavy, again };
        let turn = self.schedule().ended(&ended, self.now_ms(), self.parts.dice.roll());
        if let Some(turn) = turn {
            self.report_turn(owed.key, turn);
        }
        self.ended.notify_waiters();
        self.pump();
    }

    /// Carries one delivery out and records how it went.
    async fn attempt(&self, owed: Owed) -> Result<Settled, AttemptFault> {
        match self.look_up(owed).await {
            Lookup::Job(job) => {
                let made = self.make_call(&job).await;
                self.settle(&job, made).await
            }
            Lookup::Later => Ok(self.wait_for_mending(owed)),
            Lookup::Nothing => self.drop_owed(owed.key).await,
        }
    }

    /// As [`Engine::job`]; while the store cannot be read the delivery waits.
    async fn look_up(&self, owed: Owed) -> Lookup {
        self.job(owed).await.unwrap_or_else(|cause| {
            if matches!(cause, StoreError::Corrupt(_)) {
                self.parts.metrics.damage_found();
            }
            let cause = format!("event {}: {}", id::to_text(owed.key.event_id), causes::in_one_line(&cause));
            self.unread.warn(self.now_ms(), &cause, "a delivery waits: what it needs cannot be read");
            Lookup::Later
        })
    }

    /// What an attempt needs, if there is one to be made.
    async fn job(&self, owed: Owed) -> Result<Lookup, StoreError> {
        let event_id = owed.key.event_id;
        let at_hand = self.at_hand().take(event_id);
        let Some((space, webhook)) = self.parts.registry.webhook(owed.key.webhook_uid) else {
            debug!(event = %id::to_text(event_id), "a delivery is dropped: its webhook is deleted");
            // Unless the webhook is one that could not be read.
            return Ok(if self.parts.registry.is_whole() { Lookup::Nothing } else { Lookup::Later });
        };
        if webhook.fault.is_some() {
            return Ok(Lookup::Later);
        }
        let is_known = owed.record.claim == self.settings.run;
        if !webhook.record.active && is_known && !is_planted(Bug::CallInactive) {
            debug!(event = %id::to_text(event_id), "a delivery is dropped: its webhook is inactive");
            return Ok(Lookup::Nothing);
        }
        let event = if at_hand.is_some() { at_hand } else { self.read_event(owed).await?.map(Arc::new) };
        let Some(event) = event else {
            warn!(event = %id::to_text(event_id), webhook = webhook.record.id, "a delivery is dropped: a crash came before its event was accepted, or its event is lost");
            return Ok(Lookup::Nothing);
        };
        Ok(Lookup::Job(Box::new(Job { space, webhook, event, owed })))
    }

    fn wait_for_mending(&self, owed: Owed) -> Settled {
        if is_planted(Bug::GiveUpOnReadError) {
            return Settled::DROPPED;
        }
        Settled::unmade(Some(later(owed, self.now_ms() + FAULTY_PAUSE_MS)))
    }

    async fn read_event(&self, owed: Owed) -> Result<Option<EventRecord>, StoreError> {
        let key = record::timed_key(owed.record.space_uid, owed.key.event_id);
        let age_ms = self.now_ms().saturating_sub(id::made_at_ms(owed.key.event_id));
        // What was written a moment ago is still in memory, and going aside costs more than the look.
        let event = if u128::from(age_ms) < FRESH.as_millis() {
            self.parts.store.at_once().read(Table::Events, &key)?
        } else {
            self.parts.store.run(move |store| store.read(Table::Events, &key)).await?
        };
        event.map(|bytes| record::decode(&bytes)).transpose()
    }

    /// No call is made, nothing is owed any more.
    async fn drop_owed(&self, key: OwedKey) -> Result<Settled, AttemptFault> {
        let mut batch = Batch::default();
        batch.remove(Table::Owed, key.to_bytes());
        self.record(batch).await?;
        Ok(Settled::DROPPED)
    }

    async fn make_call(&self, job: &Job) -> Made {
        let settings = job.space.settings();
        let attempt = self.described(job, &settings);
        let request_at_ms = self.now_ms();
        let prepared = match attempt.prepare(request_at_ms) {
            Ok(prepared) => prepared,
            Err(problem) => return Made::unsent(&attempt, request_at_ms, Outcome::Invalid, problem),
        };
        let request = OutgoingRequest {
            method: prepared.method.clone(),
            url: prepared.url.clone(),
            headers: prepared.wire_headers(),
            body: prepared.body.clone(),
            timeout: ATTEMPT_TIMEOUT,
            response_bytes_max: LOGGED_RESPONSE_BYTES_MAX,
        };
        let exchange = tokio::select! {
            // What is known is recorded, even if it comes with the end.
            biased;
            exchange = self.parts.transport.send(request) => exchange,
            () = self.switched_off(job) => broken_off(),
        };
        Made::sent(&attempt, request_at_ms, self.now_ms(), &prepared, exchange)
    }

    /// Returns when the webhook is no longer to be called.
    async fn switched_off(&self, job: &Job) {
        loop {
            // Before the definition is looked at: a change after that look is noticed.
            let change = self.parts.registry.switched_off();
            if !self.is_active(job) {
                return;
            }
            change.await;
        }
    }

    fn is_active(&self, job: &Job) -> bool {
        let now = self.parts.registry.webhook(job.owed.key.webhook_uid);
        now.is_some_and(|(_, webhook)| webhook.record.active)
    }

    /// What the attempt is about.
    fn described<'a>(&self, job: &'a Job, settings: &'a SpaceSettings) -> Attempt<'a> {
        Attempt {
            space_id: &job.space.id,
            webhook: &job.webhook,
            event: &job.event,
            key: job.owed.key,
            number: job.owed.record.attempt,
            resent: job.owed.record.resent,
            signing_secret: settings.signing_secret.as_ref().map(|record| &record.value),
            policy: self.settings.policy,
        }
    }

    /// Records an attempt of which no request is known.
    async fn record_unsent(
        &self,
        owed: Owed,
        at_ms: u64,
        outcome: Outcome,
        problem: &str,
    ) -> Result<Settled, AttemptFault> {
        let job = match self.look_up(owed).await {
            Lookup::Job(job) => job,
            Lookup::Later => return Ok(self.wait_for_mending(owed)),
            Lookup::Nothing => return self.drop_owed(owed.key).await,
        };
        let settings = job.space.settings();
        let attempt = self.described(&job, &settings);
        let made = Made::unsent(&attempt, at_ms, outcome, problem.to_owned());
        self.settle(&job, made).await
    }

    /// Whether a delivery is too old to go on waiting for a request to leave.
    fn is_late(&self, owed: Owed) -> bool {
        id::made_at_ms(owed.key.event_id) < self.now_ms().saturating_sub(self.settings.keep_ms())
    }

    async fn settle(&self, job: &Job, made: Made) -> Result<Settled, AttemptFault> {
        let (owed, outcome) = (job.owed, made.call.outcome);
        let attempted = Attempted {
            outcome,
            attempt: owed.record.attempt,
            retry_after_ms: retry_after_ms(&made, self.now_ms())
                .filter(|_| !is_planted(Bug::IgnoreRetryAfter)),
            is_late: self.is_late(owed),
        };
        let decision = decide(attempted, &self.retry_policy(&job.space), self.parts.dice.roll());
        if let Decision::Postpone { delay_ms } = decision {
            let problem = made.details.error.unwrap_or_default();
            self.unsent.warn(self.now_ms(), &problem, "requests cannot leave this machine");
            return Ok(Settled::unmade(Some(later(owed, self.now_ms() + delay_ms))));
        }
        let again = self.again(job, decision);
        self.write(job, &made, again).await?;
        self.parts.metrics.attempt_ended(outcome, decision);
        if !matches!(outcome, Outcome::Unknown | Outcome::Expired) {
            let took_ms = self.now_ms().saturating_sub(made.call.request_at_ms);
            self.parts.metrics.attempt_took(Duration::from_millis(took_ms));
        }
        report(job, outcome, decision, made.details.error.as_deref());
        if decision == Decision::Gone && !is_planted(Bug::IgnoreGone) {
            self.switch_off(job).await;
        }
        Ok(Settled { sign: sign_of(outcome), heavy: made.response_bytes() >= HEAVY_RESPONSE_BYTES, again })
    }

    /// The delivery as it is owed after this decision.
    fn again(&self, job: &Job, decision: Decision) -> Option<Owed> {
        let Decision::Retry { delay_ms } = decision else { return None };
        let Owed { key, record } = job.owed;
        if !self.is_active(job) {
            return None;
        }
        let now_ms = self.now_ms();
        // Never before the attempt that failed, even if the clock went back: what looks through the deliveries in the
        // order of their keys must not miss one that moved behind it.
        let due_ms = now_ms.max(key.due_ms).saturating_add(delay_ms);
        // Where order matters a delivery keeps its place, so that those behind it can see it.
        let key = if record.entity.is_some() { key } else { OwedKey { due_ms, ..key } };
        let not_before_ms = if delay_ms == 0 { 0 } else { now_ms.saturating_add(delay_ms) };
        Some(Owed {
            key,
            record: OwedRecord {
                attempt: record.attempt + u32::from(delay_ms > 0 || !is_planted(Bug::ReuseNumber)),
                claim: 0,
                not_before_ms,
                resent: false,
                ..record
            },
        })
    }

    async fn write(&self, job: &Job, made: &Made, again: Option<Owed>) -> Result<(), AttemptFault> {
        let key = job.owed.key;
        let calls = &self.parts.calls;
        let (id, mut batch) = calls.add(key.webhook_uid, &made.call, &made.details).await;
        let apart = if is_planted(Bug::LogApart) { std::mem::take(&mut batch) } else { Batch::default() };
        batch.remove(Table::Owed, key.to_bytes());
        if let Some(owed) = again.filter(|_| !is_planted(Bug::ForgetRetry)) {
            batch.put(Table::Owed, owed.key.to_bytes(), record::encode(&owed.record));
        }
        self.record(batch).await?;
        if !apart.is_empty() {
            self.record(apart).await?;
        }
        calls.tell(key.webhook_uid, id);
        Ok(())
    }

    /// Writes down what became of an attempt. While the disk is full that waits: the attempt was made, and to forget
    /// it would make it again.
    async fn record(&self, batch: Batch) -> Result<(), AttemptFault> {
        loop {
            match self.parts.committer.commit(batch.clone(), Durability::Buffered).await {
                Err(CommitError::Store(cause @ (StoreError::Full | StoreError::ReadOnly)))
                    if !self.is_stopping() =>
                {
                    if is_planted(Bug::ForgetWhenFull) {
                        return Ok(());
                    }
                    self.unwritten.warn(
                        self.now_ms(),
                        &cause,
                        "the outcome of an attempt cannot be written yet",
                    );
                    tokio::time::sleep(STORE_PAUSE).await;
                }
                result => return Ok(result?),
            }
        }
    }

    /// The endpoint says that it is gone: its webhook is not to be called any more.
    async fn switch_off(&self, job: &Job) {
        let stamp = Stamp { at_ms: self.now_ms(), by: ENGINE.to_owned() };
        let reason = SwitchedOff { at_ms: stamp.at_ms, reason: GONE.to_owned() };
        let (space, webhook) = (&job.space.id, &job.webhook.record.id);
        let change = self.parts.registry.change(&job.space).await;
        match change.switch_off(&job.webhook, reason, stamp).await {
            Ok(()) => warn!(%space, %webhook, "a webhook is switched off: its endpoint answered 410 Gone"),
            Err(cause) => {
                error!(%space, %webhook, %cause, "a webhook whose endpoint is gone could not be switched off");
            }
        }
    }

    pub(super) fn retry_policy(&self, space: &Space) -> RetryPolicy {
        let own = space.settings().retry_policy.as_ref().map(|policy| policy.retries_max);
        self.settings.retry_policy(own)
    }

    fn report_turn(&self, key: OwedKey, turn: Turn) {
        let Some((space, webhook)) = self.parts.registry.webhook(key.webhook_uid) else { return };
        let (space, webhook) = (&space.id, &webhook.record.id);
        match turn {
            Turn::Paused { until_ms } => {
                let until = crate::clock::iso(until_ms);
                warn!(%space, %webhook, until, "an endpoint keeps failing: its deliveries wait until it is probed");
                self.parts.metrics.endpoint_paused();
            }
            Turn::Recovered => info!(%space, %webhook, "an endpoint answers again: its deliveries go on"),
        }
    }
}

/// What the log says of an attempt that a crash interrupted.
const CRASHED: &str = "The server ended while this attempt was under way or about to begin; whether the request \
                       left and what was answered is not known";
/// What the log says of an attempt whose webhook was switched off meanwhile.
const BROKEN_OFF: &str = "The webhook was switched off or deleted while this attempt was under way; what the endpoint \
                          received is not known";
/// What the log says of a delivery that was kept for long enough.
const EXPIRED: &str = "No request was made: the endpoint kept failing and was left alone until the event was older than \
                       events are kept";
/// What the log says of a delivery that was not kept.
const CROWDED: &str = "No request was made: the endpoint kept failing and was left alone, and of all deliveries that may be \
                       owed too many were owed to it";
/// Why a webhook was switched off.
const GONE: &str = "The endpoint answered 410 Gone";
/// How long a delivery waits for what cannot be read or understood, before that is looked at again, in milliseconds.
const FAULTY_PAUSE_MS: u64 = 60_000;

fn broken_off() -> Exchange {
    Exchange {
        outcome: Outcome::Unknown,
        response: None,
        error: Some(BROKEN_OFF.to_owned()),
        timing: Timing::default(),
    }
}

/// The same delivery, unchanged on the disk, but not before this moment.
fn later(owed: Owed, not_before_ms: u64) -> Owed {
    Owed { record: OwedRecord { not_before_ms, ..owed.record }, ..owed }
}

fn report(job: &Job, outcome: Outcome, decision: Decision, problem: Option<&str>) {
    let (space, event) = (&job.space.id, id::to_text(job.owed.key.event_id));
    let attempt = job.owed.record.attempt;
    match decision {
        Decision::Succeeded => debug!(%space, %event, attempt, ?outcome, "delivered"),
        Decision::Retry { delay_ms } => {
            info!(%space, %event, attempt, ?outcome, problem, delay_ms, "an attempt failed and is tried again");
        }
        Decision::Postpone { .. } => {}
        Decision::Dead if outcome == Outcome::Expired => {
            debug!(%space, %event, attempt, "a delivery is given up unsent");
        }
        Decision::Dead | Decision::Gone => {
            warn!(%space, %event, attempt, ?outcome, problem, "a delivery is given up");
        }
    }
}

/// Why an attempt could not be recorded.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptFault {
    #[error(transparent)]
    Commit(#[from] CommitError),
}
