//! Requests as the network sees them, held against what may be sent.

use bellwire::clock::Clock;
use bellwire::limits::{ATTEMPT_TIMEOUT, IDS_AHEAD_MAX};
use bellwire::net::OutgoingRequest;
use bellwire::store::record::Owed;
use bellwire::store::{Range, Table};
use bellwire_core::call::Outcome;

use super::hooks::{make_of, number_of};
use super::{Answer, Ended, Exchange, Ledger, Pair};
use crate::disk::Disk;
use crate::network::WELL_MS;
use crate::world::World;

/// A request that leaves.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) pair: Pair,
    pub(crate) endpoint: u64,
    attempt: u32,
    idempotency_key: String,
}

impl Outgoing {
    /// What the request says of itself.
    pub(crate) fn read(request: &OutgoingRequest) -> Outgoing {
        let header = |wanted: &str| {
            let found = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let (endpoint, make) = make_of(request.url.as_str()).expect("a URL of the simulation");
        let number = request.body.as_deref().and_then(number_of).expect("a payload of the simulation");
        Outgoing {
            pair: (make, number),
            endpoint,
            attempt: header("X-Contentful-Webhook-Request-Attempt").parse().unwrap_or(0),
            idempotency_key: header("X-Contentful-Idempotency-Key"),
        }
    }
}

impl Ledger {
    /// A request leaves. Answers with its place.
    pub(crate) fn sent(&mut self, outgoing: &Outgoing, disk: &Disk) -> usize {
        let Outgoing { pair: pair @ (make, number), attempt, .. } = *outgoing;
        self.tell("request", &format!("{make}/{number} attempt {attempt}"));
        self.check_allowed(outgoing);
        self.check_places(make);
        self.check_breaker(make);
        self.check_order(pair, disk);
        self.check_gap(pair, attempt);
        self.check_queueing(pair, attempt);
        let place = self.exchanges.len();
        self.exchanges.push(Exchange {
            pair,
            attempt,
            life: self.life(),
            sent_ms: self.now_ms(),
            ended: None,
            is_trusted: self.hooks.get(&make).is_some_and(|hook| hook.is_trusted),
        });
        self.attempts.entry(pair).or_default().push(place);
        self.open.insert(place);
        place
    }

    /// The node is told what came of a request.
    pub(crate) fn ended(&mut self, place: usize, outcome: Outcome, retry_after: Option<u64>) {
        let ended = Ended { outcome, retry_after, passed_ms: self.now_ms(), clock_ms: self.clock.now_ms() };
        let exchange = &mut self.exchanges[place];
        exchange.ended = Some(ended);
        self.open.remove(&place);
        let (pair, attempt) = (exchange.pair, exchange.attempt);
        self.tell("outcome", &format!("{}/{} attempt {attempt} {outcome:?}", pair.0, pair.1));
        if outcome == Outcome::NoResources
            && let Some(hook) = self.hooks.get_mut(&pair.0)
        {
            hook.mirror.logged(outcome, ended.passed_ms);
        }
    }

    /// Whether an endpoint that had always answered kept a place for long since then: it may have any of them.
    fn was_slow_since(&self, since_ms: u64) -> bool {
        let now_ms = self.now_ms();
        let trusted = self.exchanges.iter().rev().take(4_096).filter(|exchange| exchange.is_trusted);
        let until_ms = |exchange: &Exchange| exchange.ended.map_or(now_ms, |ended| ended.passed_ms);
        let mut kept = trusted.map(|exchange| (exchange.sent_ms, until_ms(exchange)));
        kept.any(|(sent_ms, until_ms)| until_ms >= since_ms && until_ms - sent_ms > SLOW_MS)
    }

    /// Nobody waits for a request any more.
    pub(crate) fn broken_off(&mut self, place: usize) {
        self.open.remove(&place);
    }

    fn check_allowed(&mut self, outgoing: &Outgoing) {
        let Outgoing { pair: pair @ (make, number), attempt, .. } = *outgoing;
        let label = format!("{make}/{number} attempt {attempt}");
        match self.publishes.get(&number).map(|publish| publish.answer) {
            Some(Answer::Refused | Answer::Duplicate) => {
                self.broken("what was not accepted is not delivered", &label);
            }
            None => self.broken("nothing is delivered that nobody published", &label),
            Some(_) => {}
        }
        let hook = self.hooks.get(&make);
        if hook.is_none_or(|hook| hook.off_since_ms.is_some()) {
            self.broken("no call after off or delete was answered", &label);
        }
        let known = self.idempotency.entry(outgoing.idempotency_key.clone()).or_insert(pair);
        let used = self.idempotency_of.entry(pair).or_insert_with(|| outgoing.idempotency_key.clone());
        if *known != pair || *used != outgoing.idempotency_key {
            self.broken("one idempotency key for all attempts of a delivery", &label);
        }
        let same = |place: &usize| {
            let exchange = &self.exchanges[*place];
            let left = exchange.ended.is_none_or(|ended| ended.outcome != Outcome::NoResources);
            exchange.attempt == attempt && left
        };
        if self.attempts.get(&pair).is_some_and(|places| places.iter().any(same)) {
            self.broken("no attempt is made twice under one number", &label);
        }
    }

    /// Attempts under way are bounded, for each endpoint and in all.
    fn check_places(&mut self, make: u64) {
        let open = self.open.len();
        let of_hook = self.open_of(make);
        if of_hook >= usize::from(self.rules.lane_places) || open >= self.rules.places {
            self.broken(
                "attempts under way are bounded",
                &format!("webhook {make}: {of_hook} of {open} before this one"),
            );
        }
    }

    fn check_breaker(&mut self, make: u64) {
        let (now_ms, clock) = (self.now_ms(), self.clock.clone());
        let pause_ms = self.rules.retry_delay_ms;
        let Some(hook) = self.hooks.get_mut(&make).filter(|hook| !hook.is_busy) else { return };
        let wrong = hook.mirror.started(now_ms, pause_ms, |since| clock.is_even_since(since));
        if let Some(wrong) = wrong {
            self.broken("an endpoint that keeps failing is left alone", &format!("webhook {make}: {wrong}"));
        }
    }

    /// Where order matters, nothing of the same entity that was accepted before is still owed.
    fn check_order(&mut self, (make, number): Pair, disk: &Disk) {
        let publish = &self.publishes[&number];
        let Some(uid) = self.hooks.get(&make).and_then(|hook| hook.uid) else { return };
        if !publish.ordered.contains(&make) || self.resends.contains_key(&(make, number)) {
            return;
        }
        let is_before = |other: &super::Publish| {
            // A clock that was wrong by more than this had its own order, and for a while after it.
            let set_back_ms = self.clock.set_back_ms_since(other.begun_ms.saturating_sub(2 * IDS_AHEAD_MS));
            let order_is_kept = set_back_ms <= IDS_AHEAD_MS;
            let is_same = other.ordered.contains(&make) && other.entity == publish.entity;
            order_is_kept && is_same && other.answered_ms < publish.begun_ms
        };
        let kind = publish.topic.split('.').next();
        let rows = disk.rows(Table::Owed, &Range::prefix(&uid.to_be_bytes()));
        let owed = rows
            .iter()
            .filter_map(|row| Owed::from_row(row).ok())
            .filter(|owed| owed.record.entity.is_some());
        let before = owed.filter_map(|owed| self.by_event.get(&owed.key.event_id)).find(|other| {
            let other = &self.publishes[other];
            is_before(other) && other.topic.split('.').next() == kind
        });
        if let Some(before) = before {
            let how = format!("{make}/{number} goes before {before}");
            self.broken("events of one entity go one at a time, in order", &how);
        }
    }

    /// No attempt comes sooner after a failed one than the policy and the endpoint allow.
    fn check_gap(&mut self, pair: Pair, attempt: u32) {
        let life = self.life();
        let places = self.attempts.get(&pair).map_or(&[][..], Vec::as_slice);
        let Some(last) = places.last().map(|place| &self.exchanges[*place]) else { return };
        let Some(ended) = last.ended.filter(|_| last.life == life && last.attempt + 1 == attempt) else {
            return;
        };
        if self.resends.contains_key(&pair) || !self.clock.is_even_since(ended.passed_ms) {
            return;
        }
        let (least, _) = self.wait_ms(last.attempt, ended.retry_after);
        let gap = self.now_ms() - ended.passed_ms;
        if gap < least {
            self.broken(
                "a retry waits its time",
                &format!("{pair:?} attempt {attempt}: {gap} ms, not {least}"),
            );
        }
    }

    /// How long the retry after this attempt waits, at the least and at the most.
    pub(super) fn wait_ms(&self, attempt: u32, retry_after: Option<u64>) -> (u64, u64) {
        let first = self.rules.retry_delay_ms;
        let steps = u64::from(attempt.clamp(1, 16) - 1);
        let planned = if attempt <= 2 { first } else { first * 2 * steps };
        let asked = retry_after.map_or(0, |seconds| seconds.saturating_mul(1_000).min(3_600_000));
        (asked.max(planned * 8 / 10), asked.max(planned * 12 / 10) + planned * 2 / 10 + 1)
    }

    /// Whoever answers is not kept waiting by those that do not.
    fn check_queueing(&mut self, (make, number): Pair, attempt: u32) {
        let publish = &self.publishes[&number];
        let Answer::Accepted(_) = publish.answer else { return };
        let waited = self.now_ms() - publish.answered_ms;
        let proven = self.hooks.get(&make).and_then(|hook| hook.proven_ms);
        let counts = make == 0 && attempt == 1 && proven.is_some_and(|proven| proven <= publish.begun_ms);
        let most = QUEUEING_MS + (publish.ahead as u64 + 1) * (WELL_MS + 3 * World::COMMIT_MS);
        let is_late = counts && waited > most && self.is_calm_for(waited + QUEUEING_MS);
        if is_late && !self.was_slow_since(publish.answered_ms) {
            let how = format!("{number} waited {waited} ms behind {} others", publish.ahead);
            self.broken("an endpoint that answers is not kept waiting by others", &how);
        }
    }
}

/// An exchange that takes longer is slow.
const SLOW_MS: u64 = 500;
/// How far ids may be ahead of the clock.
pub(super) const IDS_AHEAD_MS: u64 = IDS_AHEAD_MAX.as_millis() as u64;
/// Waiting that needs no reason: less than one attempt that hangs.
const QUEUEING_MS: u64 = 2_000;
const _: () = assert!(QUEUEING_MS < ATTEMPT_TIMEOUT.as_millis() as u64);
