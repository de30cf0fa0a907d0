//! The lane of one webhook: which of its deliveries is next, when, and what waits in the store only.
//!
//! No clock and no task here: the state takes what happened and the moment, and answers with the next [`Step`].

use std::collections::{BTreeMap, BTreeSet};

use bellwire_core::delivery::Admission;

use crate::id;
use crate::limits::CLAIMS_PER_PLACE;
use crate::planted::{Bug, is_planted};
use crate::store::record::{Owed, OwedKey, OwedRecord};

/// Deliveries of one lane that are being given up at once, so that they share commits.
const EXPIRED_AT_ONCE: usize = 64;

/// What a lane should do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Attempt this delivery, which is claimed; it counts as under way from now on.
    Attempt(Owed),
    /// Write down that these are about to be attempted, then tell [`LaneState::claimed`].
    Claim(Vec<Owed>),
    /// An earlier run of the server claimed this one and wrote no outcome. It counts as under way from now on.
    Unknown(Owed),
    /// Read deliveries from the store, from this key on, and hand them to [`LaneState::refill`].
    Refill(OwedKey),
    /// This one was kept long enough while its endpoint is left alone: it is given up. It counts as under way from now on.
    Expire(Owed),
    /// Nothing can be done before this moment.
    WaitUntil(u64),
    /// Nothing can be done until something that is under way ends.
    Busy,
    /// Nothing is owed and nothing under way.
    Idle,
}

/// What holds at the moment at which a lane is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Now.
    pub(crate) now_ms: u64,
    /// The number of this run of the server.
    pub(crate) run: u64,
    /// Attempts that may be under way at once.
    pub(crate) limit: usize,
    /// Whether the endpoint is called at all.
    pub(crate) admission: Admission,
    /// Deliveries of events from before this moment are not kept for an endpoint that is left alone.
    pub(crate) kept_since_ms: u64,
    /// Deliveries that may wait in memory.
    pub(crate) window_max: usize,
    /// The longest that a delivery waits for its moment: one that would wait longer does so because the clock was set
    /// back, and is due.
    pub(crate) wait_ms_max: u64,
}

impl Moment {
    /// When a delivery may be attempted, if not now.
    fn later(&self, record: &OwedRecord) -> Option<u64> {
        let moment = record.not_before_ms;
        let waits = self.now_ms < moment && moment - self.now_ms <= self.wait_ms_max;
        waits.then_some(moment)
    }
}

/// A lane's deliveries. Each one that is owed and not under way is in the window, or is expected, or lies in the store
/// at or after `stored_from`; so memory is bounded however long the lane.
#[derive(Debug, Default)]
pub(crate) struct LaneState {
    window: BTreeMap<OwedKey, OwedRecord>,
    /// With the entities that they are about, where order matters.
    under_way: BTreeMap<OwedKey, Option<u64>>,
    /// Those that are being made durable: whoever does it will push them, so the store's rows are passed over.
    expected: BTreeSet<OwedKey>,
    stored_from: Option<OwedKey>,
    /// The least delivery that became durable at or after `stored_from` since the store was last asked.
    unread: Option<OwedKey>,
    /// Those that ended since the store was last asked: its answer may still hold them.
    ended: BTreeSet<OwedKey>,
    reading: bool,
    claiming: bool,
}

impl LaneState {
    /// A lane all of whose deliveries are in the store.
    pub(crate) fn stored(webhook_uid: u64) -> LaneState {
        let first = OwedKey { webhook_uid, due_ms: 0, event_id: 0 };
        LaneState { stored_from: Some(first), ..LaneState::default() }
    }

    /// Announces a delivery that is about to become durable. Answers whether its first attempt will follow at once, so
    /// that the same commit may say so.
    pub(crate) fn expect(&mut self, key: OwedKey, limit: usize, admission: Admission) -> bool {
        let waiting = self.window.len() + self.expected.len();
        self.expected.insert(key);
        let nothing_before = self.stored_from.is_none() && admission == Admission::Free;
        nothing_before && waiting < claims_max(limit)
    }

    /// Takes back an announcement: the delivery did not become durable.
    pub(crate) fn withdraw(&mut self, key: OwedKey) {
        self.expected.remove(&key);
    }

    /// Takes in a delivery that has just become durable.
    pub(crate) fn push(&mut self, owed: Owed, window_max: usize) {
        self.expected.remove(&owed.key);
        if self.under_way.contains_key(&owed.key) {
            return;
        }
        if self.stored_from.is_some_and(|from| owed.key >= from) {
            if is_planted(Bug::ForgetUnread) {
                return;
            }
            self.unread = Some(self.unread.map_or(owed.key, |least| least.min(owed.key)));
            return;
        }
        self.window.insert(owed.key, owed.record);
        self.bound(window_max);
    }

    /// Leaves to the store what is more than the window may hold.
    fn bound(&mut self, window_max: usize) {
        while self.window.len() > window_max {
            let last = self.window.pop_last().map(|(key, _)| key);
            self.stored_from = last.into_iter().chain(self.stored_from).min();
        }
    }

    /// What to do at this moment.
    pub(crate) fn next(&mut self, at: &Moment) -> Step {
        if let Some(read) = self.refill_below(claims_max(at.limit).min(at.window_max / 4)) {
            return read;
        }
        if self.window.is_empty() {
            return if self.is_empty() { Step::Idle } else { Step::Busy };
        }
        if let Some(expired) = self.expired(at) {
            return expired;
        }
        if self.under_way.len() >= at.limit {
            return Step::Busy;
        }
        match at.admission {
            Admission::Probing => Step::Busy,
            Admission::Wait { until_ms } => Step::WaitUntil(until_ms),
            Admission::Probe | Admission::Free => self.begin(at),
        }
    }

    /// What is given up because its endpoint is left alone.
    fn expired(&mut self, at: &Moment) -> Option<Step> {
        let is_left_alone = matches!(at.admission, Admission::Wait { .. });
        // What is being claimed would be written again after it was removed.
        if !is_left_alone || self.claiming || self.under_way.len() >= EXPIRED_AT_ONCE {
            return None;
        }
        let mut old = self.readable().take_while(|owed| id::made_at_ms(owed.key.event_id) < at.kept_since_ms);
        let expired = old.find(|owed| at.later(&owed.record).is_none())?;
        drop(old);
        if ![0, at.run].contains(&expired.record.claim) {
            // Its request may have left: the log says so first.
            return Some(self.take(expired, at.run));
        }
        self.hold(expired.key);
        Some(Step::Expire(expired))
    }

    /// Asks the store when no more than so many can be read here: early, so that the lane need not wait for the answer, and
    /// not before there is use for it, so that a lane that only grows does not read what it then leaves to the store again.
    fn refill_below(&mut self, few: usize) -> Option<Step> {
        let from = self.stored_from.filter(|_| !self.reading && self.readable().nth(few).is_none())?;
        self.reading = true;
        self.unread = None;
        Some(Step::Refill(from))
    }

    /// What lies before anything that only the store knows.
    fn readable(&self) -> impl Iterator<Item = Owed> {
        let all = self.window.iter().map(|(key, record)| Owed { key: *key, record: *record });
        all.take_while(|owed| self.stored_from.is_none_or(|from| owed.key < from))
    }

    fn begin(&mut self, at: &Moment) -> Step {
        let (mut first, mut claimed) = (None, 0);
        for owed in self.startable(at).filter(|owed| owed.record.claim != 0).take(at.limit) {
            first = first.or(Some(owed));
            claimed += 1;
        }
        if claimed < at.limit && !self.claiming {
            let unclaimed: Vec<Owed> = self.startable(at).filter(|owed| owed.record.claim == 0).collect();
            if !unclaimed.is_empty() {
                self.claiming = true;
                return Step::Claim(unclaimed);
            }
        }
        match first {
            Some(owed) => self.take(owed, at.run),
            // Those behind them may be about other entities: as many as the window holds are looked past.
            None => self.refill_below(at.window_max - 1).unwrap_or_else(|| self.wait(at)),
        }
    }

    fn take(&mut self, owed: Owed, run: u64) -> Step {
        self.window.remove(&owed.key);
        self.under_way.insert(owed.key, owed.record.entity);
        if owed.record.claim == run { Step::Attempt(owed) } else { Step::Unknown(owed) }
    }

    /// The first deliveries that may be attempted now: due, and not behind an earlier one of the same entity.
    fn startable(&self, at: &Moment) -> impl Iterator<Item = Owed> {
        let mut taken: Vec<u64> = self.under_way.values().copied().flatten().collect();
        let free = move |owed: &Owed| match owed.record.entity {
            Some(entity) if taken.contains(&entity) && !is_planted(Bug::ForgetOrder) => false,
            Some(entity) => {
                taken.push(entity);
                true
            }
            None => true,
        };
        let due = |owed: &Owed| at.later(&owed.record).is_none();
        self.readable().filter(free).filter(due).take(claims_max(at.limit))
    }

    /// Nothing may be attempted: until when, as far as that is known.
    fn wait(&self, at: &Moment) -> Step {
        let later = self.readable().filter_map(|owed| at.later(&owed.record));
        match later.min() {
            Some(moment) if !self.claiming => Step::WaitUntil(moment),
            _ => Step::Busy,
        }
    }

    /// These claims are durable.
    pub(crate) fn claimed(&mut self, keys: impl Iterator<Item = OwedKey>, run: u64) {
        self.claiming = false;
        for key in keys {
            if let Some(record) = self.window.get_mut(&key) {
                record.claim = run;
            }
        }
    }

    /// The store could not be asked, or could not write claims: both may be tried again.
    pub(crate) fn store_failed(&mut self) {
        self.reading = false;
        self.claiming = false;
    }

    /// Takes in what the store holds from `stored_from` on: at most `asked` rows in order. What became durable since
    /// the store began to be read may not be among them, so it is read for again.
    pub(crate) fn refill(&mut self, rows: &[Owed], asked: usize, window_max: usize) {
        self.reading = false;
        let ended = std::mem::take(&mut self.ended);
        let rest = if rows.len() < asked { None } else { rows.last().map(|owed| owed.key) };
        let taken = &rows[..rows.len() - usize::from(rest.is_some())];
        self.stored_from = rest.into_iter().chain(self.unread.take()).min();
        for owed in taken {
            let known = self.under_way.contains_key(&owed.key)
                || self.expected.contains(&owed.key)
                || ended.contains(&owed.key);
            if !known {
                self.window.entry(owed.key).or_insert(owed.record);
            }
        }
        self.bound(window_max);
    }

    /// Keeps a delivery from being attempted; false when it is under way.
    pub(crate) fn hold(&mut self, key: OwedKey) -> bool {
        if self.under_way.contains_key(&key) {
            return false;
        }
        let entity = self.window.remove(&key).and_then(|record| record.entity);
        self.under_way.insert(key, entity);
        true
    }

    /// What was under way with a delivery has ended and is recorded. `again` is what it became, if it is still owed.
    pub(crate) fn ended(&mut self, key: OwedKey, again: Option<Owed>, window_max: usize) {
        self.under_way.remove(&key);
        if self.reading {
            self.ended.insert(key);
        }
        if let Some(owed) = again {
            self.push(owed, window_max);
        }
    }

    /// Those that this run claimed and that are not under way. What an earlier run claimed may have been attempted.
    pub(crate) fn idle_claims(&self, run: u64) -> impl Iterator<Item = Owed> {
        let all = self.window.iter().map(|(key, record)| Owed { key: *key, record: *record });
        all.filter(move |owed| {
            owed.record.claim == run || owed.record.claim != 0 && is_planted(Bug::GiveBackAllClaims)
        })
    }

    /// Attempts and other work under way.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// What is under way.
    pub(crate) fn keys_under_way(&self) -> impl Iterator<Item = OwedKey> {
        self.under_way.keys().copied()
    }

    /// Whether this delivery is under way.
    pub(crate) fn is_under_way(&self, key: OwedKey) -> bool {
        self.under_way.contains_key(&key)
    }

    /// Deliveries in memory.
    pub(crate) fn waiting(&self) -> usize {
        self.window.len()
    }

    /// Whether nothing is owed and nothing under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.window.is_empty()
            && self.under_way.is_empty()
            && self.expected.is_empty()
            && self.stored_from.is_none()
            && !self.reading
            && !self.claiming
    }
}

/// Deliveries that may be claimed at once where so many may be under way.
fn claims_max(limit: usize) -> usize {
    limit * CLAIMS_PER_PLACE
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits::LANE_WINDOW;

    const RUN: u64 = 2;

    fn owed(due_ms: u64, event_id: u128) -> Owed {
        let key = OwedKey { webhook_uid: 1, due_ms, event_id };
        Owed { key, record: OwedRecord { attempt: 1, ..OwedRecord::default() } }
    }

    fn with(mut owed: Owed, change: impl FnOnce(&mut OwedRecord)) -> Owed {
        change(&mut owed.record);
        owed
    }

    fn claimed(owed: Owed) -> Owed {
        with(owed, |record| record.claim = RUN)
    }

    fn at(now_ms: u64, limit: usize) -> Moment {
        let window_max = LANE_WINDOW;
        let admission = Admission::Free;
        Moment { now_ms, run: RUN, limit, admission, kept_since_ms: 0, window_max, wait_ms_max: 1_000 }
    }

    fn push(lane: &mut LaneState, owed: Owed) {
        lane.push(owed, LANE_WINDOW);
    }

    #[test]
    fn what_is_given_up_is_old_and_due_and_claimed_by_no_other_run() {
        let old = |event: u128, change: fn(&mut OwedRecord)| with(owed(1, event), change);
        let until_ms = 1_000;
        let alone = Moment { admission: Admission::Wait { until_ms }, kept_since_ms: u64::MAX, ..at(10, 16) };
        let mut lane = LaneState::default();
        let parked = old(1, |record| record.not_before_ms = 20);
        let claimed_before = old(2, |record| record.claim = RUN - 1);
        let plain = old(3, |_| ());
        [parked, claimed_before, plain].into_iter().for_each(|owed| push(&mut lane, owed));
        assert_eq!(lane.next(&Moment { kept_since_ms: 0, ..alone }), Step::WaitUntil(until_ms));
        assert_eq!(lane.next(&alone), Step::Unknown(claimed_before));
        assert_eq!(lane.next(&alone), Step::Expire(plain));
        assert_eq!(lane.next(&alone), Step::WaitUntil(until_ms));
        lane.ended(plain.key, None, LANE_WINDOW);
        lane.ended(claimed_before.key, None, LANE_WINDOW);
        // One that could not be given up waits as long as it was said to.
        assert_eq!(lane.next(&alone), Step::WaitUntil(until_ms));
        assert_eq!(lane.next(&Moment { now_ms: 20, ..alone }), Step::Expire(parked));
    }

    #[test]
    fn the_earliest_goes_first_and_bounds_hold() {
        let mut lane = LaneState::default();
        assert_eq!(lane.next(&at(0, 1)), Step::Idle);
        let (first, second) =
            (claimed(owed(10, 1)), claimed(with(owed(20, 2), |record| record.not_before_ms = 20)));
        push(&mut lane, second);
        push(&mut lane, first);
        assert_eq!(lane.next(&at(5, 1)), Step::Attempt(first));
        assert_eq!(lane.next(&at(30, 1)), Step::Busy);
        push(&mut lane, first);
        lane.ended(first.key, None, LANE_WINDOW);
        assert_eq!(lane.next(&at(5, 1)), Step::WaitUntil(20));
        assert_eq!(lane.next(&at(20, 1)), Step::Attempt(second));
        lane.ended(second.key, None, LANE_WINDOW);
        assert_eq!(lane.next(&at(30, 1)), Step::Idle);
    }

    #[test]
    fn what_would_wait_longer_than_anything_does_is_due() {
        let mut lane = LaneState::default();
        let retry = claimed(with(owed(5_000, 1), |record| record.not_before_ms = 5_000));
        push(&mut lane, retry);
        assert_eq!(lane.next(&at(4_000, 1)), Step::WaitUntil(5_000));
        // The clock is set back.
        assert_eq!(lane.next(&at(3_999, 1)), Step::Attempt(retry));
    }

    #[test]
    fn nothing_is_attempted_before_it_is_claimed() {
        let mut lane = LaneState::default();
        let all: Vec<Owed> = (0..10).map(|id| owed(1, id)).collect();
        all.iter().for_each(|owed| push(&mut lane, *owed));
        let Step::Claim(asked) = lane.next(&at(5, 2)) else { panic!("no claim") };
        assert_eq!(asked, all[..2 * CLAIMS_PER_PLACE]);
        assert_eq!(lane.next(&at(5, 2)), Step::Busy);
        lane.claimed(asked.iter().map(|owed| owed.key), RUN);
        assert_eq!(lane.next(&at(5, 2)), Step::Attempt(claimed(all[0])));
        assert_eq!(lane.next(&at(5, 2)), Step::Attempt(claimed(all[1])));
        assert_eq!(lane.next(&at(5, 2)), Step::Busy);
        let idle: Vec<Owed> = lane.idle_claims(RUN).collect();
        assert_eq!(idle.len(), 2 * CLAIMS_PER_PLACE - 2);
    }

    #[test]
    fn what_an_earlier_run_claimed_is_unknown() {
        let mut lane = LaneState::stored(1);
        assert!(matches!(lane.next(&at(5, 2)), Step::Refill(_)));
        let orphan = with(owed(1, 1), |record| record.claim = RUN - 1);
        lane.refill(&[orphan, owed(2, 2)], LANE_WINDOW, LANE_WINDOW);
        assert_eq!(lane.idle_claims(RUN).count(), 0, "a run that stops at once gives back what is its own");
        let Step::Claim(asked) = lane.next(&at(5, 2)) else { panic!("no claim") };
        assert_eq!(asked, [owed(2, 2)]);
        assert_eq!(lane.next(&at(5, 2)), Step::Unknown(orphan));
        let again = with(owed(1, 1), |record| record.attempt = 2);
        lane.ended(orphan.key, Some(again), LANE_WINDOW);
        lane.claimed([owed(2, 2).key].into_iter(), RUN);
        assert_eq!(lane.next(&at(5, 2)), Step::Claim(vec![again]));
        assert_eq!(lane.next(&at(5, 2)), Step::Attempt(claimed(owed(2, 2))));
    }

    #[test]
    fn an_endpoint_that_is_left_alone_gets_nothing() {
        let mut lane = LaneState::default();
        push(&mut lane, claimed(owed(1, 1)));
        let paused = Moment { admission: Admission::Wait { until_ms: 99 }, ..at(5, 2) };
        assert_eq!(lane.next(&paused), Step::WaitUntil(99));
        assert_eq!(lane.next(&Moment { admission: Admission::Probing, ..at(5, 2) }), Step::Busy);
        assert!(!lane.expect(owed(2, 2).key, 2, Admission::Wait { until_ms: 99 }));
        assert!(matches!(lane.next(&Moment { admission: Admission::Probe, ..at(99, 1) }), Step::Attempt(_)));
    }

    #[test]
    fn what_is_expected_is_not_taken_from_the_store() {
        let mut lane = LaneState::stored(1);
        let coming = claimed(owed(3, 3));
        assert!(!lane.expect(coming.key, 4, Admission::Free), "something may come before it");
        assert!(matches!(lane.next(&at(5, 2)), Step::Refill(_)));
        lane.refill(&[coming], LANE_WINDOW, LANE_WINDOW);
        assert_eq!(lane.next(&at(5, 2)), Step::Busy);
        push(&mut lane, coming);
        assert_eq!(lane.next(&at(5, 2)), Step::Attempt(coming));
        assert!(lane.expect(owed(4, 4).key, 4, Admission::Free));
        lane.withdraw(owed(4, 4).key);
        lane.ended(coming.key, None, LANE_WINDOW);
        assert_eq!(lane.next(&at(5, 2)), Step::Idle);
    }

    #[test]
    fn what_is_held_waits_for_what_it_becomes() {
        let mut lane = LaneState::default();
        let waiting = claimed(with(owed(1, 1), |record| record.not_before_ms = 99));
        push(&mut lane, waiting);
        assert!(lane.hold(waiting.key) && !lane.hold(waiting.key));
        assert_eq!(lane.next(&at(200, 2)), Step::Busy);
        let now = claimed(owed(2, 1));
        lane.ended(waiting.key, Some(now), LANE_WINDOW);
        assert_eq!(lane.next(&at(5, 2)), Step::Attempt(now));
        assert!(!lane.hold(now.key));
    }

    #[test]
    fn one_delivery_of_an_entity_at_a_time_in_order() {
        let about = |id, entity| claimed(with(owed(1, id), |record| record.entity = Some(entity)));
        let mut lane = LaneState::default();
        let rows = [about(1, 7), about(2, 7), about(3, 8), about(4, 7)];
        rows.iter().for_each(|owed| push(&mut lane, *owed));
        assert_eq!(lane.next(&at(5, 9)), Step::Attempt(rows[0]));
        assert_eq!(lane.next(&at(5, 9)), Step::Attempt(rows[2]));
        assert_eq!(lane.next(&at(5, 9)), Step::Busy);
        // The first is to be tried again: the others of its entity wait for it, whatever they are due.
        let again = with(rows[0], |record| record.not_before_ms = 50);
        lane.ended(rows[0].key, Some(again), LANE_WINDOW);
        assert_eq!(lane.next(&at(5, 9)), Step::WaitUntil(50));
        assert_eq!(lane.next(&at(50, 9)), Step::Attempt(again));
        lane.ended(rows[0].key, None, LANE_WINDOW);
        assert_eq!(lane.next(&at(50, 9)), Step::Attempt(rows[1]));
    }

    #[test]
    fn the_store_is_asked_for_other_entities_when_those_at_hand_have_to_wait() {
        let about = |id, entity| claimed(with(owed(1, id), |record| record.entity = Some(entity)));
        let mut rows: Vec<Owed> = (1..=100).map(|id| about(id, 7)).chain([about(101, 8)]).collect();
        rows[0].record.not_before_ms = 50;
        let mut lane = LaneState::stored(1);
        assert!(matches!(lane.next(&at(5, 1)), Step::Refill(_)));
        lane.refill(&rows[..100], 100, LANE_WINDOW);
        assert_eq!(lane.next(&at(5, 1)), Step::Refill(rows[99].key));
        lane.refill(&rows[99..], 100, LANE_WINDOW);
        assert_eq!(lane.next(&at(5, 1)), Step::Attempt(rows[100]));
        lane.ended(rows[100].key, None, LANE_WINDOW);
        assert_eq!(lane.next(&at(5, 1)), Step::WaitUntil(50));
    }

    /// A lane, the set that stands for its store, and what came of it.
    #[derive(Default)]
    struct Play {
        store: BTreeMap<OwedKey, OwedRecord>,
        lane: LaneState,
        attempted: Vec<OwedKey>,
        largest: usize,
    }

    impl Play {
        fn accept(&mut self, owed: Owed, limit: usize) -> Owed {
            let claim = if self.lane.expect(owed.key, limit, Admission::Free) { RUN } else { 0 };
            let owed = with(owed, |record| record.claim = claim);
            self.store.insert(owed.key, owed.record);
            owed
        }

        fn claim(&mut self, asked: &[Owed]) {
            for owed in asked {
                self.store.insert(owed.key, claimed(*owed).record);
            }
            self.lane.claimed(asked.iter().map(|owed| owed.key), RUN);
        }

        /// Ends the first attempt under way; its delivery is tried again when the number of its event says so.
        fn end_one(&mut self) {
            let key = *self.lane.under_way.keys().next().expect("a busy lane has something under way");
            let record = self.store.remove(&key);
            let record = record.unwrap_or_else(|| panic!("{key:?} was attempted again after its end"));
            let again = (key.event_id.is_multiple_of(5) && record.attempt == 1).then(|| Owed {
                key: if record.entity.is_some() { key } else { OwedKey { due_ms: key.due_ms + 7, ..key } },
                record: OwedRecord { attempt: 2, claim: 0, not_before_ms: key.due_ms + 7, ..record },
            });
            self.store.extend(again.map(|owed| (owed.key, owed.record)));
            self.lane.ended(key, again, LANE_WINDOW);
        }
    }

    /// Plays a lane to its end. Between what is read from the store and its taking in, things happen.
    fn play(pushes: &[(u64, Option<u64>)], limit: usize, window_max: usize) -> Play {
        let mut play = Play { lane: LaneState::stored(1), ..Play::default() };
        let mut now_ms = 0;
        let mut arriving = pushes.iter().enumerate().map(|(number, (due_ms, entity))| {
            with(owed(*due_ms, number as u128), |record| record.entity = *entity)
        });
        loop {
            if let Some(owed) = arriving.next() {
                let owed = play.accept(owed, limit);
                play.lane.push(owed, window_max);
            }
            play.largest = play.largest.max(play.lane.waiting());
            match play.lane.next(&Moment { window_max, ..at(now_ms, limit) }) {
                Step::Attempt(owed) => play.attempted.push(owed.key),
                Step::Claim(asked) => play.claim(&asked),
                Step::Unknown(owed) | Step::Expire(owed) => panic!("{owed:?} is as good as any"),
                Step::WaitUntil(moment) => now_ms = moment,
                Step::Refill(from) => {
                    let rows: Vec<Owed> = (play.store.range(from..).take(window_max))
                        .map(|(key, record)| Owed { key: *key, record: *record })
                        .collect();
                    let late = arriving.next().map(|owed| play.accept(owed, limit));
                    if play.lane.under_way() > 0 {
                        play.end_one();
                    }
                    play.lane.refill(&rows, window_max, window_max);
                    late.into_iter().for_each(|owed| play.lane.push(owed, window_max));
                }
                Step::Busy => play.end_one(),
                Step::Idle if arriving.len() == 0 => return play,
                Step::Idle => {}
            }
        }
    }

    proptest! {
        #[test]
        fn every_delivery_is_attempted_as_often_as_it_should_within_bounded_memory(
            pushes in prop::collection::vec((0u64..50, prop::option::weighted(0.3, 0u64..4)), 0..1_000),
            limit in 1usize..20, window_max in prop::sample::select(vec![8, 32, LANE_WINDOW]),
        ) {
            let play = play(&pushes, limit, window_max);
            let mut times = BTreeMap::<u128, u32>::new();
            play.attempted.iter().for_each(|key| *times.entry(key.event_id).or_default() += 1);
            for number in 0..pushes.len() as u128 {
                prop_assert_eq!(times.get(&number).copied(), Some(if number.is_multiple_of(5) { 2 } else { 1 }), "{}", number);
            }
            prop_assert!(play.store.is_empty());
            prop_assert!(play.largest <= LANE_WINDOW);
        }
    }
}
