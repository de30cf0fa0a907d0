//! Which delivery of which lane is next: all lanes, the places that they share, and the moments they wait for.
//!
//! Pure as a lane is: whoever owns a [`Schedule`] tells it what happened and asks for one [`Action`] after the other.

use std::collections::{BTreeSet, HashMap, VecDeque};

use bellwire_core::delivery::{Admission, Bound, Breaker, BreakerPolicy, Sign, Standing, Turn};

use super::backlog::Backlog;
use super::lane::{LaneState, Moment, Step};
use super::recall::Recalled;
use super::turns::Turns;
use crate::limits::{LANE_WINDOW, LANE_WINDOW_MIN, WINDOWS_MAX};
use crate::planted::{Bug, is_planted};
use crate::store::record::{Owed, OwedKey};

/// What the owner of a schedule is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Make this attempt, then tell [`Schedule::ended`], with the standing it was given a place for.
    Attempt(Owed, Standing),
    /// Record that nobody knows what came of this attempt, then tell [`Schedule::ended`].
    Unknown(Owed),
    /// Record that this delivery is given up, then tell [`Schedule::ended`].
    Expire(Owed),
    /// Write down these claims of one lane, then tell [`Schedule::claimed`].
    Claim(Vec<Owed>),
    /// Read at most so many deliveries from this key on, then tell [`Schedule::refill`].
    Refill(OwedKey, usize),
    /// Look up how the last call to this webhook ended, then tell [`Schedule::recall`].
    Recall(u64),
}

/// What is set once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// The number of this run of the server.
    pub(crate) run: u64,
    /// Attempts under way at once in all.
    pub(crate) places: usize,
    /// Attempts under way at once to one endpoint.
    pub(crate) lane_places: u16,
    /// When an endpoint is left alone.
    pub(crate) breaker: BreakerPolicy,
    /// The longest that a delivery waits for its moment.
    pub(crate) wait_ms_max: u64,
    /// How long deliveries are kept for an endpoint that is left alone.
    pub(crate) keep_ms: u64,
    /// Deliveries that may be owed in all.
    pub(crate) backlog_max: u64,
}

/// What is known of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) bound: Bound,
    pub(crate) breaker: Breaker,
    pub(crate) standing: Standing,
}

/// How often whoever waits is asked whether it has something to give up, when very much is owed, in milliseconds.
const CROWD_LOOK_MS: u64 = 5_000;

/// How something that was under way ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// The delivery.
    pub(crate) key: OwedKey,
    /// The standing its place was given for; `None` when it had none.
    pub(crate) place: Option<Standing>,
    /// What it says of the endpoint.
    pub(crate) sign: Sign,
    /// Whether the answer was very long.
    pub(crate) heavy: bool,
    /// What it became, if it is still owed.
    pub(crate) again: Option<Owed>,
}

#[derive(Debug, Default)]
struct Lane {
    state: LaneState,
    endpoint: Endpoint,
    places: u32,
    queued: bool,
    /// What is still to be found out of its endpoint.
    memory: Memory,
    alarm: Option<u64>,
}

/// Whether it is known what the calls of earlier runs said of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Memory {
    #[default]
    Clear,
    /// It is to be looked up.
    Lost,
    /// It is being looked up; no call begins before that.
    Returning,
}

/// All lanes.
#[derive(Debug)]
pub(crate) struct Schedule {
    rules: Rules,
    lanes: HashMap<u64, Lane>,
    /// What is known of endpoints to which nothing is owed just now.
    resting: HashMap<u64, Endpoint>,
    /// Lanes to be asked, each once, or once more when its standing changed.
    ready: VecDeque<u64>,
    /// Lanes that wait for a place, or for their moment.
    turns: Turns,
    alarms: BTreeSet<(u64, u64)>,
    /// The alarm that its owner waits for.
    watched_ms: Option<u64>,
    /// The moment of the last question.
    asked_ms: u64,
    /// Deliveries in all windows.
    waiting: usize,
    /// Whether the store may hold deliveries of lanes that are not here.
    resuming: bool,
    backlog: Backlog,
    /// Lanes that may have something to give up, once others have.
    crowding: BTreeSet<u64>,
    /// Whether half of what may be owed is.
    is_half_full: bool,
}

impl Schedule {
    /// No lanes, and a store that may hold deliveries of any.
    pub(crate) fn new(rules: Rules) -> Schedule {
        Schedule {
            rules,
            lanes: HashMap::new(),
            resting: HashMap::new(),
            ready: VecDeque::new(),
            turns: Turns::new(rules.places),
            alarms: BTreeSet::new(),
            watched_ms: None,
            asked_ms: 0,
            waiting: 0,
            resuming: true,
            backlog: Backlog::default(),
            crowding: BTreeSet::new(),
            is_half_full: false,
        }
    }

    /// Attempts under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.turns.held()
    }

    /// What is under way for one webhook.
    pub(crate) fn keys_under_way(&self, webhook_uid: u64) -> Vec<OwedKey> {
        self.lanes.get(&webhook_uid).map_or(Vec::new(), |lane| lane.state.keys_under_way().collect())
    }

    /// Whether a delivery is under way.
    pub(crate) fn is_under_way(&self, key: OwedKey) -> bool {
        self.lanes.get(&key.webhook_uid).is_some_and(|lane| lane.state.is_under_way(key))
    }

    /// What is known of a webhook's endpoint.
    pub(crate) fn endpoint(&self, webhook_uid: u64) -> Endpoint {
        let lane = self.lanes.get(&webhook_uid).map(|lane| lane.endpoint);
        lane.or_else(|| self.resting.get(&webhook_uid).copied()).unwrap_or_default()
    }

    /// Forgets what is known of a webhook's endpoint, because it is another one now or none.
    pub(crate) fn forget(&mut self, webhook_uid: u64) {
        self.resting.remove(&webhook_uid);
        if let Some(lane) = self.lanes.get_mut(&webhook_uid) {
            lane.endpoint = Endpoint::default();
            lane.memory = Memory::Clear;
            self.wake(webhook_uid);
        }
    }

    /// The store holds deliveries of this lane, and the log says this of its endpoint.
    pub(crate) fn resume(&mut self, webhook_uid: u64, recalled: Recalled) {
        self.lane(webhook_uid);
        self.recall(webhook_uid, recalled);
    }

    /// What a webhook's last calls, of an earlier run, said of its endpoint.
    pub(crate) fn recall(&mut self, webhook_uid: u64, recalled: Recalled) {
        let Some(lane) = self.lanes.get_mut(&webhook_uid) else { return };
        // It may be another endpoint by now.
        if std::mem::take(&mut lane.memory) != Memory::Clear {
            lane.endpoint.standing = standing_after(Standing::New, recalled.sign, false);
            lane.endpoint.breaker = recalled.breaker;
        }
        self.wake(webhook_uid);
    }

    /// Every lane of which the store holds deliveries is here.
    pub(crate) fn resumed(&mut self) {
        self.resuming = false;
        self.look_at_backlog();
    }

    /// The store was counted to its end.
    pub(crate) fn counted_all(&mut self) {
        self.backlog.counted_all();
        self.look_at_backlog();
        self.look_at_crowd();
    }

    /// Announces a delivery that is about to become durable, see [`LaneState::expect`]. Answers with the claim that
    /// goes into its record.
    pub(crate) fn expect(&mut self, key: OwedKey, now_ms: u64) -> u64 {
        let Rules { run, lane_places, breaker, .. } = self.rules;
        let lane = self.lane(key.webhook_uid);
        let limit = usize::from(lane.endpoint.bound.limit(lane_places));
        let admission = lane.endpoint.breaker.admit(now_ms, &breaker);
        if lane.state.expect(key, limit, admission) { run } else { 0 }
    }

    /// Takes back an announcement.
    pub(crate) fn withdraw(&mut self, key: OwedKey) {
        self.change(key.webhook_uid, |state, _| state.withdraw(key));
    }

    /// Takes in a delivery that has just become durable.
    pub(crate) fn push(&mut self, owed: Owed) {
        self.backlog.added(owed.key);
        self.look_at_crowd();
        self.lane(owed.key.webhook_uid);
        self.change(owed.key.webhook_uid, |state, window_max| state.push(owed, window_max));
    }

    /// How many deliveries are owed.
    pub(crate) fn backlog(&mut self) -> &mut Backlog {
        &mut self.backlog
    }

    /// The claims of one lane are durable.
    pub(crate) fn claimed(&mut self, claimed: &[Owed]) {
        let run = self.rules.run;
        let Some(first) = claimed.first() else { return };
        self.change(first.key.webhook_uid, |state, _| {
            state.claimed(claimed.iter().map(|owed| owed.key), run);
        });
    }

    /// What the store holds of a lane.
    pub(crate) fn refill(&mut self, webhook_uid: u64, rows: &[Owed], asked: usize) {
        self.change(webhook_uid, |state, window_max| state.refill(rows, asked, window_max));
    }

    /// The store failed a lane.
    pub(crate) fn store_failed(&mut self, webhook_uid: u64) {
        self.change(webhook_uid, |state, _| state.store_failed());
    }

    /// Keeps a delivery from being attempted until [`Schedule::ended`] says what it became. Answers with false, and
    /// changes nothing, when it is under way.
    pub(crate) fn hold(&mut self, key: OwedKey) -> bool {
        self.lane(key.webhook_uid);
        let mut held = false;
        self.change(key.webhook_uid, |state, _| held = state.hold(key));
        held
    }

    /// Something that was under way has ended. Answers with what changed for its endpoint.
    pub(crate) fn ended(&mut self, ended: &Ended, now_ms: u64, random: u64) -> Option<Turn> {
        if let Some(standing) = ended.place {
            self.turns.ended(standing);
        }
        self.backlog.removed(ended.key);
        if !self.backlog.gives_up_enough() {
            self.crowding.pop_first().into_iter().for_each(|webhook_uid| self.wake(webhook_uid));
        }
        ended.again.iter().for_each(|owed| self.backlog.added(owed.key));
        let Rules { lane_places, breaker, .. } = self.rules;
        let lane = self.lanes.get_mut(&ended.key.webhook_uid)?;
        lane.places -= u32::from(ended.place.is_some());
        // It may have waited for its turn among those of another standing.
        let standing = standing_after(lane.endpoint.standing, ended.sign, ended.heavy);
        lane.queued &= standing == lane.endpoint.standing;
        let endpoint = &mut lane.endpoint;
        endpoint.bound = endpoint.bound.ended(ended.sign, lane_places);
        endpoint.standing = standing;
        let turn;
        (endpoint.breaker, turn) = endpoint.breaker.ended(ended.sign, now_ms, &breaker, random);
        if turn.is_some() {
            endpoint.bound = Bound::default();
        }
        self.change(ended.key.webhook_uid, |state, window_max| {
            state.ended(ended.key, ended.again, window_max);
        });
        turn
    }

    /// The next thing to do, if there is one before the next alarm.
    pub(crate) fn next(&mut self, now_ms: u64) -> Option<Action> {
        self.look_at_clock(now_ms);
        while let Some((uid, is_its_turn)) = self.next_lane(now_ms) {
            if let Some(action) = self.ask(uid, is_its_turn, now_ms) {
                return Some(action);
            }
        }
        None
    }

    /// When something may be to be done that waits for nothing but time.
    pub(crate) fn next_alarm(&self) -> Option<u64> {
        let paced = self.turns.next_moment(self.asked_ms);
        self.alarms.first().map(|(moment, _)| *moment).into_iter().chain(paced).min()
    }

    /// As [`Schedule::next_alarm`], for whoever now waits for that moment.
    pub(crate) fn watch(&mut self) -> Option<u64> {
        self.watched_ms = self.next_alarm();
        self.watched_ms
    }

    /// Whether the alarm is before the moment that is waited for. That may have passed without anyone waking: the clock
    /// was set forward, and whoever sleeps counts the time that was asked for.
    pub(crate) fn is_sooner(&self) -> bool {
        let is_sooner =
            |alarm| self.watched_ms.is_none_or(|watched| alarm < watched || watched <= self.asked_ms);
        self.next_alarm().is_some_and(is_sooner)
    }

    /// Those that this run claimed and that are not under way, of all lanes.
    pub(crate) fn idle_claims(&self) -> Vec<Owed> {
        self.lanes.values().flat_map(|lane| lane.state.idle_claims(self.rules.run)).collect()
    }

    fn lane(&mut self, webhook_uid: u64) -> &mut Lane {
        let (resuming, resting) = (self.resuming, &mut self.resting);
        self.lanes.entry(webhook_uid).or_insert_with(|| {
            let known = resting.remove(&webhook_uid);
            Lane {
                state: if resuming { LaneState::stored(webhook_uid) } else { LaneState::default() },
                endpoint: known.unwrap_or_default(),
                memory: if known.is_none() { Memory::Lost } else { Memory::Clear },
                ..Lane::default()
            }
        })
    }

    /// Changes a lane's state, keeps count of what waits, and has the lane asked again.
    fn change(&mut self, webhook_uid: u64, change: impl FnOnce(&mut LaneState, usize)) {
        let window_max = self.window_max();
        let Some(lane) = self.lanes.get_mut(&webhook_uid) else { return };
        let before = lane.state.waiting();
        change(&mut lane.state, window_max);
        self.waiting = self.waiting + lane.state.waiting() - before;
        self.wake(webhook_uid);
    }

    /// Deliveries that one lane may hold in memory: few when there are very many lanes.
    fn window_max(&self) -> usize {
        if self.waiting < WINDOWS_MAX { LANE_WINDOW } else { LANE_WINDOW_MIN }
    }

    fn wake(&mut self, webhook_uid: u64) {
        let Some(lane) = self.lanes.get_mut(&webhook_uid) else { return };
        if let Some(alarm) = lane.alarm.take() {
            self.alarms.remove(&(alarm, webhook_uid));
        }
        if !lane.queued {
            lane.queued = true;
            self.ready.push_back(webhook_uid);
        }
    }

    /// When the clock was set back, whoever waits for a moment is asked again: that may be further away now than anything
    /// is to wait.
    fn look_at_clock(&mut self, now_ms: u64) {
        let before_ms = std::mem::replace(&mut self.asked_ms, now_ms);
        if now_ms < before_ms && !is_planted(Bug::TrustTheClock) {
            self.wake_all();
        }
    }

    /// Has all asked again that wait for a moment.
    fn wake_all(&mut self) {
        let waiting: Vec<u64> = self.alarms.iter().map(|(_, webhook_uid)| *webhook_uid).collect();
        waiting.into_iter().for_each(|webhook_uid| self.wake(webhook_uid));
    }

    /// From half of what may be owed on, whoever waits is asked now and then whether it has something to give up.
    fn look_at_crowd(&mut self) {
        let is_half_full = self.backlog.count() > self.rules.backlog_max / 2;
        if is_half_full && !std::mem::replace(&mut self.is_half_full, is_half_full) {
            self.wake_all();
        }
        self.is_half_full = is_half_full;
    }

    /// A lane that may have something to do: one whose moment has come, one that changed, one for which there is a
    /// place again. And whether it waited for that place.
    fn next_lane(&mut self, now_ms: u64) -> Option<(u64, bool)> {
        while let Some((moment, uid)) = self.alarms.first().copied().filter(|(moment, _)| *moment <= now_ms) {
            debug_assert!(self.lanes[&uid].alarm == Some(moment));
            self.wake(uid);
        }
        let changed = self.ready.pop_front().map(|uid| (uid, false));
        changed.or_else(|| self.turns.next(now_ms).map(|uid| (uid, true)))
    }

    fn ask(&mut self, webhook_uid: u64, is_its_turn: bool, now_ms: u64) -> Option<Action> {
        let (rules, window_max) = (self.rules, self.window_max());
        let lane = self.lanes.get_mut(&webhook_uid)?;
        lane.queued = false;
        match lane.memory {
            Memory::Clear => {}
            Memory::Lost => {
                lane.memory = Memory::Returning;
                return Some(Action::Recall(webhook_uid));
            }
            Memory::Returning => return None,
        }
        let Endpoint { standing, breaker, bound } = lane.endpoint;
        let paced = self.turns.is_paced(standing, now_ms);
        let admission = match breaker.admit(now_ms, &rules.breaker) {
            _ if is_planted(Bug::IgnoreBreaker) => Admission::Free,
            admission => admission,
        };
        let most =
            if admission == Admission::Probe { 1 } else { usize::from(bound.limit(rules.lane_places)) };
        // Whoever waits already comes first: otherwise one that always has more to do would have its place again and again.
        let yields = !is_its_turn && self.turns.has_waiting(standing, now_ms);
        let admitted = self.turns.admits(standing, lane.places) && !yields;
        let admitted = admitted || is_planted(Bug::SharePlaces) && self.turns.held() < rules.places;
        let most = if is_planted(Bug::UnboundedEndpoint) { rules.places } else { most };
        let limit = if admitted && !paced { most } else { 0 };
        let Rules { run, wait_ms_max, .. } = rules;
        let kept_since_ms = if self.backlog.gives_up_enough() {
            0
        } else if self.backlog.is_crowded_by(webhook_uid, rules.backlog_max) {
            u64::MAX
        } else {
            now_ms.saturating_sub(rules.keep_ms)
        };
        let moment = Moment { now_ms, run, limit, admission, kept_since_ms, window_max, wait_ms_max };
        let before = lane.state.waiting();
        let step = lane.state.next(&moment);
        self.waiting = self.waiting + lane.state.waiting() - before;
        // One that holds a place is asked again when it gives that back, unless it waits for its turn only.
        let waits =
            if paced || yields { lane.state.under_way() < most } else { !admitted && lane.places == 0 };
        if waits && step == Step::Busy && lane.state.waiting() > 0 {
            lane.queued = true;
            self.turns.wait(webhook_uid, standing);
            return None;
        }
        self.carry_out(webhook_uid, step, window_max)
    }

    fn carry_out(&mut self, webhook_uid: u64, step: Step, window_max: usize) -> Option<Action> {
        let action = match step {
            Step::Attempt(owed) => {
                let lane = self.lane(webhook_uid);
                lane.places += 1;
                lane.endpoint.breaker = lane.endpoint.breaker.started();
                let standing = lane.endpoint.standing;
                self.turns.begun(standing, self.asked_ms);
                Action::Attempt(owed, standing)
            }
            Step::Unknown(owed) => Action::Unknown(owed),
            Step::Expire(owed) => {
                self.backlog.giving_up(owed.key);
                Action::Expire(owed)
            }
            Step::Claim(owed) => Action::Claim(owed),
            Step::Refill(from) => Action::Refill(from, window_max),
            Step::WaitUntil(moment) => {
                let looks_again_ms = self.asked_ms.saturating_add(CROWD_LOOK_MS);
                let moment = if self.is_half_full { moment.min(looks_again_ms) } else { moment };
                if self.backlog.gives_up_enough() {
                    self.crowding.insert(webhook_uid);
                }
                self.lane(webhook_uid).alarm = Some(moment);
                self.alarms.insert((moment, webhook_uid));
                return None;
            }
            Step::Busy => return None,
            Step::Idle => {
                self.retire(webhook_uid);
                return None;
            }
        };
        self.wake(webhook_uid);
        Some(action)
    }

    /// Lets go of a lane to which nothing is owed; what is known of its endpoint is kept.
    fn retire(&mut self, webhook_uid: u64) {
        let Some(lane) = self.lanes.remove(&webhook_uid) else { return };
        if lane.endpoint != Endpoint::default() {
            self.resting.insert(webhook_uid, lane.endpoint);
        }
        self.look_at_backlog();
    }

    /// Where there is no lane, nothing is owed. The count may think otherwise: what became durable, or was removed, at the
    /// moment when it came by.
    fn look_at_backlog(&mut self) {
        if self.lanes.is_empty() && !self.resuming {
            self.backlog.nothing_owed();
        }
    }
}

fn standing_after(standing: Standing, sign: Sign, heavy: bool) -> Standing {
    match sign {
        Sign::Silent => Standing::Suspect,
        _ if heavy => Standing::Heavy,
        Sign::Well | Sign::Refusing | Sign::Throttling | Sign::Failing => Standing::Proven,
        Sign::None => standing,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id;
    use crate::store::record::OwedRecord;

    fn rules(places: usize) -> Rules {
        let breaker = BreakerPolicy { failures: 3, pause_ms: 1_000, pause_ms_max: 8_000 };
        let (wait_ms_max, keep_ms, backlog_max) = (3_600_000, u64::MAX, 1_000_000);
        Rules { run: 1, places, lane_places: 16, breaker, wait_ms_max, keep_ms, backlog_max }
    }

    fn schedule(places: usize) -> Schedule {
        let mut schedule = Schedule::new(rules(places));
        schedule.resumed();
        schedule
    }

    fn accept(schedule: &mut Schedule, webhook_uid: u64, event_id: u128, now_ms: u64) {
        let key = OwedKey { webhook_uid, due_ms: now_ms, event_id };
        let claim = schedule.expect(key, now_ms);
        let record = OwedRecord { attempt: 1, claim, ..OwedRecord::default() };
        schedule.push(Owed { key, record });
    }

    /// Whatever can be begun now; claims are written at once.
    fn begin_all(schedule: &mut Schedule, now_ms: u64) -> Vec<(Owed, Standing)> {
        let mut begun = Vec::new();
        while let Some(action) = schedule.next(now_ms) {
            match action {
                Action::Attempt(owed, standing) => begun.push((owed, standing)),
                Action::Claim(owed) => schedule.claimed(&owed),
                Action::Refill(from, most) => schedule.refill(from.webhook_uid, &[], most),
                Action::Unknown(owed) | Action::Expire(owed) => panic!("{owed:?}"),
                Action::Recall(webhook) => schedule.recall(webhook, Recalled::NOTHING),
            }
        }
        begun
    }

    fn end(
        schedule: &mut Schedule,
        (owed, place): (Owed, Standing),
        sign: Sign,
        now_ms: u64,
    ) -> Option<Turn> {
        schedule.ended(
            &Ended { key: owed.key, place: Some(place), sign, heavy: false, again: None },
            now_ms,
            0,
        )
    }

    #[test]
    fn an_endpoint_that_answers_is_served_at_once_beside_a_thousand_that_hang() {
        let mut schedule = schedule(1_024);
        accept(&mut schedule, 0, 0, 0);
        let first = begin_all(&mut schedule, 0).remove(0);
        end(&mut schedule, first, Sign::Well, 0);
        for webhook in 1..=1_000 {
            for event in 0..64 {
                accept(&mut schedule, webhook, event, 100);
            }
        }
        let mut hanging = begin_all(&mut schedule, 100);
        assert_eq!(hanging.len(), 8);
        for now_ms in 101..1_000 {
            accept(&mut schedule, 0, now_ms.into(), now_ms);
            let begun = begin_all(&mut schedule, now_ms);
            let (mine, others): (Vec<_>, Vec<_>) =
                begun.iter().partition(|(owed, _)| owed.key.webhook_uid == 0);
            assert_eq!((mine.len(), others.len()), (1, usize::from(hanging.len() < 512)), "at {now_ms}");
            end(&mut schedule, mine[0], Sign::Well, now_ms);
            hanging.extend(others);
        }
        // All time out: one after the other the rest have their turn, and each in the end is left alone.
        let (mut under_way, mut now_ms, mut paused) = (hanging, 1_000, 0);
        for _ in 0..20 {
            now_ms += 30_000;
            for attempt in std::mem::take(&mut under_way) {
                paused += usize::from(end(&mut schedule, attempt, Sign::Silent, now_ms).is_some());
            }
            for _ in 0..1_000 {
                now_ms += 1;
                under_way.extend(begin_all(&mut schedule, now_ms));
            }
            assert!(under_way.len() <= 512, "{}", under_way.len());
        }
        assert!(paused > 1_000, "{paused}");
    }

    #[test]
    fn calls_that_are_answered_at_length_are_spread_and_do_not_delay_others() {
        let mut schedule = schedule(64);
        for webhook in 0..4 {
            accept(&mut schedule, webhook, 0, 0);
        }
        for (owed, place) in begin_all(&mut schedule, 0) {
            let heavy = owed.key.webhook_uid != 3;
            let ended = Ended { key: owed.key, place: Some(place), sign: Sign::Well, heavy, again: None };
            schedule.ended(&ended, 0, 0);
        }
        let began_ms = 1_000;
        for event in 1..3 {
            (0..4).for_each(|webhook| accept(&mut schedule, webhook, event, began_ms));
        }
        let (mut now_ms, mut begun) = (began_ms, Vec::new());
        loop {
            for (owed, place) in begin_all(&mut schedule, now_ms) {
                begun.push((now_ms - began_ms, owed.key.webhook_uid == 3));
                let heavy = owed.key.webhook_uid != 3;
                let ended = Ended { key: owed.key, place: Some(place), sign: Sign::Well, heavy, again: None };
                schedule.ended(&ended, now_ms, 0);
            }
            let Some(alarm) = schedule.next_alarm() else { break };
            now_ms = alarm;
        }
        begun.sort_unstable();
        let expected =
            [(0, false), (0, true), (0, true), (1, false), (9, false), (17, false), (25, false), (33, false)];
        assert_eq!(begun, expected);
    }

    #[test]
    fn whoever_waits_is_told_of_a_sooner_turn_though_all_places_are_taken() {
        let mut schedule = schedule(1);
        for webhook in 0..3 {
            accept(&mut schedule, webhook, 0, 0);
            let (owed, place) = begin_all(&mut schedule, 100 * webhook)[0];
            let ended =
                Ended { key: owed.key, place: Some(place), sign: Sign::Well, heavy: true, again: None };
            schedule.ended(&ended, 100 * webhook, 0);
        }
        assert_eq!((begin_all(&mut schedule, 300), schedule.watch()), (vec![], None));
        (0..3).for_each(|webhook| accept(&mut schedule, webhook, 1, 1_000));
        let first = begin_all(&mut schedule, 1_000);
        assert_eq!((first.len(), schedule.is_sooner(), schedule.watch()), (1, true, Some(1_001)));
        let second = begin_all(&mut schedule, 1_001);
        // Nothing to be done at that moment, and no other to wait for until the place is given back.
        assert_eq!((second.len(), schedule.watch()), (0, None));
        end(&mut schedule, first[0], Sign::Well, 1_002);
        let second = begin_all(&mut schedule, 1_002);
        assert_eq!(second.len(), 1);
        assert_eq!((schedule.is_sooner(), schedule.watch()), (true, Some(1_009)));
        end(&mut schedule, second[0], Sign::Well, 1_002);
        assert_eq!(begin_all(&mut schedule, 1_002), []);
        assert_eq!(begin_all(&mut schedule, 1_009).len(), 1);
    }

    #[test]
    fn one_that_always_has_more_to_do_does_not_keep_others_from_their_place() {
        let mut schedule = schedule(2);
        for webhook in [1, 2, 3] {
            accept(&mut schedule, webhook, 0, 0);
            let begun = begin_all(&mut schedule, 0)[0];
            end(&mut schedule, begun, Sign::Well, 0);
        }
        for event in 1..100 {
            [1, 2].into_iter().for_each(|webhook| accept(&mut schedule, webhook, event, 0));
        }
        let mut under_way = VecDeque::from(begin_all(&mut schedule, 0));
        accept(&mut schedule, 3, 1, 0);
        let mut begun = Vec::new();
        for _ in 0..3 {
            let first = under_way.pop_front().unwrap();
            end(&mut schedule, first, Sign::Well, 0);
            under_way.extend(begin_all(&mut schedule, 0));
            begun.extend(under_way.iter().map(|(owed, _)| owed.key.webhook_uid));
        }
        assert!(begun.contains(&3), "{begun:?}");
    }

    #[test]
    fn whoever_lets_another_go_first_has_its_turn_though_another_of_its_calls_hangs() {
        let mut schedule = schedule(2);
        for webhook in [1, 2, 3] {
            accept(&mut schedule, webhook, 0, 0);
            let begun = begin_all(&mut schedule, 0)[0];
            end(&mut schedule, begun, Sign::Well, 0);
        }
        let begun = |schedule: &mut Schedule, events: &[(u64, u128)]| {
            events.iter().for_each(|(webhook, event)| accept(schedule, *webhook, *event, 0));
            begin_all(schedule, 0)
        };
        let first = begun(&mut schedule, &[(1, 1), (2, 1)]);
        assert_eq!((first.len(), begun(&mut schedule, &[(3, 1)]).len()), (2, 0));
        end(&mut schedule, first[1], Sign::Well, 0);
        let second = begun(&mut schedule, &[(1, 2)]);
        assert_eq!((second.len(), second[0].0.key.webhook_uid), (1, 3));
        end(&mut schedule, second[0], Sign::Well, 0);
        let third = begun(&mut schedule, &[]);
        assert_eq!((third.len(), third[0].0.key.webhook_uid, third[0].0.key.event_id), (1, 1, 2));
    }

    #[test]
    fn what_is_too_old_is_given_up_while_its_endpoint_is_left_alone() {
        let moment = |now_ms: u64| id::first_of(now_ms);
        let mut schedule = Schedule::new(Rules { keep_ms: 10_000, ..rules(64) });
        schedule.resumed();
        schedule.counted_all();
        // Ids say when they were made.
        (0..100).for_each(|event| accept(&mut schedule, 1, moment(1_000) + event, 1_000));
        accept(&mut schedule, 1, moment(2_000), 2_000);
        assert_eq!(schedule.next(2_000), Some(Action::Recall(1)));
        let breaker = Breaker::Open { until_ms: 20_000, pauses: 4 };
        schedule.recall(1, Recalled { sign: Sign::Silent, breaker });
        assert_eq!(schedule.next(11_000), None);
        accept(&mut schedule, 1, moment(11_001), 11_001);
        let mut expired = Vec::new();
        for _ in 0..2 {
            let at_once: Vec<Owed> = std::iter::from_fn(|| match schedule.next(11_001)? {
                Action::Expire(owed) => Some(owed),
                other => panic!("{other:?}"),
            })
            .collect();
            for owed in &at_once {
                let ended = Ended { key: owed.key, place: None, sign: Sign::None, heavy: false, again: None };
                assert_eq!(schedule.ended(&ended, 11_001, 0), None);
            }
            expired.push(at_once.len());
        }
        assert_eq!((expired, schedule.next(11_001)), (vec![64, 36], None));
        assert_eq!((schedule.backlog().count(), schedule.in_flight()), (2, 0));
        // The oldest that is left is the probe, however old it is by now.
        let probe = begin_all(&mut schedule, 20_000)[0];
        assert_eq!(probe.0.key.event_id, moment(2_000));
    }

    #[test]
    fn whoever_is_left_alone_and_owed_too_much_does_not_fill_the_backlog() {
        let mut schedule = Schedule::new(Rules { backlog_max: 100, ..rules(64) });
        schedule.resumed();
        schedule.counted_all();
        for webhook in [1, 2] {
            accept(&mut schedule, webhook, 0, 0);
            assert_eq!(schedule.next(0), Some(Action::Recall(webhook)));
            let breaker = Breaker::Open { until_ms: 5_000, pauses: 4 };
            schedule.recall(webhook, Recalled { sign: Sign::Silent, breaker });
            assert_eq!(schedule.next(0), None);
        }
        let expired = |schedule: &mut Schedule| match schedule.next(1) {
            Some(Action::Expire(owed)) => Some(owed),
            None => None,
            other => panic!("{other:?}"),
        };
        let mut expiring = VecDeque::new();
        for event in 1..1_000 {
            accept(&mut schedule, 1, event, 1);
            expiring.extend(std::iter::from_fn(|| expired(&mut schedule)));
            assert!(schedule.backlog().count() <= 75, "no more and no fewer than need be");
            if expiring.len() == 10 {
                let owed: Owed = expiring.pop_front().unwrap();
                assert_eq!(owed.key.webhook_uid, 1);
                let ended = Ended { key: owed.key, place: None, sign: Sign::None, heavy: false, again: None };
                schedule.ended(&ended, 1, 0);
            }
        }
        assert_eq!((schedule.backlog().count(), expiring.len()), (75, 9));
    }

    #[test]
    fn whoever_sleeps_and_is_owed_too_much_is_asked_when_others_fill_the_backlog() {
        let mut schedule = Schedule::new(Rules { backlog_max: 100, ..rules(64) });
        schedule.resumed();
        schedule.counted_all();
        (0..50).for_each(|event| accept(&mut schedule, 1, event, 0));
        assert_eq!(schedule.next(0), Some(Action::Recall(1)));
        let breaker = Breaker::Open { until_ms: 9_000, pauses: 4 };
        schedule.recall(1, Recalled { sign: Sign::Silent, breaker });
        assert_eq!((schedule.next(0), schedule.next_alarm()), (None, Some(9_000)));
        // The second is not left alone and hangs.
        (0..10).for_each(|event| accept(&mut schedule, 2, event, 0));
        let begun = begin_all(&mut schedule, 0);
        assert_eq!((begun.len(), schedule.next_alarm()), (1, Some(CROWD_LOOK_MS)));
        (10..40).for_each(|event| accept(&mut schedule, 2, event, 0));
        assert_eq!(begin_all(&mut schedule, 0), []);
        let expired = std::iter::from_fn(|| schedule.next(CROWD_LOOK_MS)).count();
        assert_eq!((expired, schedule.backlog().count()), (13, 77));
    }

    #[test]
    fn whoever_slept_over_a_moment_because_the_clock_was_set_forward_is_told_of_the_next() {
        let mut schedule = schedule(64);
        accept(&mut schedule, 1, 0, 0);
        assert_eq!(schedule.next(0), Some(Action::Recall(1)));
        let breaker = Breaker::Open { until_ms: 1_000, pauses: 1 };
        schedule.recall(1, Recalled { sign: Sign::Silent, breaker });
        assert_eq!((begin_all(&mut schedule, 0), schedule.watch()), (vec![], Some(1_000)));
        let probe = begin_all(&mut schedule, 90_000)[0];
        accept(&mut schedule, 1, 1, 90_000);
        end(&mut schedule, probe, Sign::Silent, 90_000);
        assert_eq!((begin_all(&mut schedule, 90_000), schedule.next_alarm()), (vec![], Some(92_000)));
        assert!(schedule.is_sooner());
        assert_eq!((schedule.watch(), schedule.is_sooner()), (Some(92_000), false));
    }

    #[test]
    fn those_that_wait_for_their_turn_take_turns() {
        let mut schedule = schedule(1_000);
        accept(&mut schedule, 0, 0, 0);
        let (owed, place) = begin_all(&mut schedule, 0)[0];
        let ended = Ended { key: owed.key, place: Some(place), sign: Sign::Well, heavy: true, again: None };
        schedule.ended(&ended, 0, 0);
        (1..500).for_each(|webhook| accept(&mut schedule, webhook, 0, 100));
        accept(&mut schedule, 0, 1, 100);
        let began = |schedule: &mut Schedule, now_ms| {
            begin_all(schedule, now_ms).iter().any(|(owed, _)| owed.key.webhook_uid == 0)
        };
        assert!((100..105).any(|now_ms| began(&mut schedule, now_ms)));
    }

    #[test]
    fn a_delivery_that_waits_for_its_turn_is_made_though_another_of_its_webhook_hangs() {
        let mut schedule = schedule(64);
        accept(&mut schedule, 1, 0, 0);
        let first = begin_all(&mut schedule, 0)[0];
        end(&mut schedule, first, Sign::Well, 0);
        // Four successes make the bound five; silence halves it, and makes the endpoint suspect.
        for sign in [Sign::Well, Sign::Well, Sign::Well, Sign::Silent] {
            accept(&mut schedule, 1, 1, 100);
            let begun = begin_all(&mut schedule, 100)[0];
            end(&mut schedule, begun, sign, 100);
        }
        assert_eq!(
            (schedule.endpoint(1).bound.limit(16), schedule.endpoint(1).standing),
            (2, Standing::Suspect)
        );
        (2..4).for_each(|event| accept(&mut schedule, 1, event, 200));
        (10..18).for_each(|webhook| accept(&mut schedule, webhook, 1, 200));
        let begun = begin_all(&mut schedule, 200);
        assert_eq!(begun.len(), 8);
        let alarm = schedule.next_alarm().expect("some wait for their turn");
        let later = begin_all(&mut schedule, alarm).len() + begin_all(&mut schedule, alarm + 1).len();
        assert_eq!((alarm, later), (201, 2));
        assert_eq!(schedule.keys_under_way(1).len(), 2);
    }

    #[test]
    fn a_paused_endpoint_gets_one_probe_and_then_recovers_step_by_step() {
        let mut schedule = schedule(64);
        for event in 0..40 {
            accept(&mut schedule, 1, event, 0);
        }
        let mut turn = None;
        for _ in 0..3 {
            let begun = begin_all(&mut schedule, 0);
            assert_eq!((begun.len(), turn), (1, None));
            turn = end(&mut schedule, begun[0], Sign::Failing, 0);
        }
        assert_eq!(turn, Some(Turn::Paused { until_ms: 1_000 }));
        assert_eq!(begin_all(&mut schedule, 999), []);
        assert_eq!(schedule.next_alarm(), Some(1_000));
        for expected in [1, 1, 2, 4, 8] {
            let begun = begin_all(&mut schedule, 1_000);
            assert_eq!(begun.len(), expected);
            let turns: Vec<_> = begun
                .into_iter()
                .filter_map(|attempt| end(&mut schedule, attempt, Sign::Well, 1_000))
                .collect();
            assert_eq!(turns.contains(&Turn::Recovered), schedule.endpoint(1).bound.limit(16) == 1);
        }
    }

    #[test]
    fn a_pause_ends_when_the_clock_is_set_back_by_more_than_any_pause() {
        let (mut schedule, began_ms) = (schedule(64), 1_000_000);
        (0..4).for_each(|event| accept(&mut schedule, 1, event, began_ms));
        for _ in 0..3 {
            let begun = begin_all(&mut schedule, began_ms);
            end(&mut schedule, begun[0], Sign::Failing, began_ms);
        }
        assert_eq!(begin_all(&mut schedule, began_ms), []);
        assert_eq!(begin_all(&mut schedule, began_ms - 100), []);
        assert_eq!(begin_all(&mut schedule, 0).len(), 1);
    }

    #[test]
    fn what_is_known_of_an_endpoint_outlives_its_lane() {
        let mut schedule = schedule(64);
        for event in 0..3 {
            accept(&mut schedule, 1, event, 0);
            let begun = begin_all(&mut schedule, 0);
            end(&mut schedule, begun[0], Sign::Silent, 0);
        }
        assert_eq!(begin_all(&mut schedule, 0), []);
        assert!(schedule.lanes.is_empty());
        accept(&mut schedule, 1, 9, 10);
        assert_eq!(begin_all(&mut schedule, 10), []);
        schedule.forget(1);
        assert_eq!(begin_all(&mut schedule, 10).len(), 1);
    }

    #[test]
    fn an_endpoint_that_answered_in_an_earlier_run_need_not_wait_with_the_unknown() {
        let mut schedule = schedule(8);
        for webhook in 0..20 {
            accept(&mut schedule, webhook, 1, 0);
        }
        assert_eq!(begin_all(&mut schedule, 0).len(), 4);
        let key = OwedKey { webhook_uid: 99, due_ms: 0, event_id: 1 };
        let claim = schedule.expect(key, 0);
        schedule.push(Owed { key, record: OwedRecord { attempt: 1, claim, ..OwedRecord::default() } });
        assert_eq!(schedule.next(0), Some(Action::Recall(99)));
        assert_eq!(schedule.next(0), None);
        schedule.recall(99, Recalled { sign: Sign::Well, ..Recalled::NOTHING });
        assert!(matches!(schedule.next(0), Some(Action::Attempt(owed, Standing::Proven)) if owed.key == key));
    }

    #[test]
    fn an_endpoint_that_was_left_alone_before_a_restart_still_is() {
        let mut schedule = schedule(64);
        for event in 0..3 {
            accept(&mut schedule, 1, event, 0);
        }
        assert_eq!(schedule.next(0), Some(Action::Recall(1)));
        let breaker = Breaker::Open { until_ms: 500, pauses: 1 };
        schedule.recall(1, Recalled { sign: Sign::Failing, breaker });
        assert_eq!(begin_all(&mut schedule, 499), []);
        assert_eq!(schedule.next_alarm(), Some(500));
        let probe = begin_all(&mut schedule, 500);
        assert_eq!(probe.len(), 1);
        assert_eq!(end(&mut schedule, probe[0], Sign::Well, 500), Some(Turn::Recovered));
    }

    proptest! {
        /// Any mixture of endpoints ends: everything accepted is attempted once, and never more than there are places.
        #[test]
        fn everything_is_attempted_once_within_the_places(
            places in 1usize..40, accepts in prop::collection::vec(0u64..30, 0..400),
            signs in prop::collection::vec(0u8..4, 30), order in any::<u64>(),
        ) {
            let mut schedule = schedule(places);
            let (mut under_way, mut attempted, mut now_ms, mut random) = (Vec::new(), Vec::new(), 0, order);
            let mut accepts = accepts.iter().enumerate();
            let total = accepts.len();
            for _ in 0..100_000 {
                for (event, webhook) in accepts.by_ref().take(5) {
                    accept(&mut schedule, *webhook, event as u128, now_ms);
                }
                under_way.extend(begin_all(&mut schedule, now_ms));
                prop_assert!(under_way.len() <= places && schedule.in_flight() == under_way.len());
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if under_way.is_empty() {
                    let Some(alarm) = schedule.next_alarm() else { break };
                    now_ms = now_ms.max(alarm);
                } else {
                    let attempt = under_way.swap_remove((random >> 33) as usize % under_way.len());
                    let uid = attempt.0.key.webhook_uid;
                    let kinds = [Sign::Well, Sign::Silent, Sign::Failing, Sign::Throttling];
                    let sign = kinds[usize::from(signs[uid as usize])];
                    attempted.push(attempt.0.key.event_id);
                    end(&mut schedule, attempt, sign, now_ms);
                }
            }
            attempted.sort_unstable();
            prop_assert_eq!(attempted, (0..total as u128).collect::<Vec<_>>());
            prop_assert!(schedule.lanes.is_empty() && schedule.waiting == 0);
        }
    }
}
