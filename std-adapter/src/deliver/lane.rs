//! The lane of one endpoint: which of its deliveries is next, when, and what waits in the store only.
//!
//! No clock and no task here: the state takes moments and answers with the next [`Step`].

use std::collections::BTreeSet;

use crate::limits::LANE_WINDOW;
use crate::store::record::OwedKey;

/// What a lane should do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Attempt this delivery; it counts as in flight from now on.
    Attempt(OwedKey),
    /// Nothing is due before this moment.
    WaitUntil(u64),
    /// Read deliveries from the store, from this key on, and hand them to [`LaneState::refill`].
    Refill(OwedKey),
    /// As many attempts as allowed are in flight.
    Busy,
    /// Nothing is owed and nothing in flight.
    Idle,
}

/// A lane's deliveries. Each one that is owed and not in flight is in the window or lies, in the store, at or after
/// `stored_from`; so memory is bounded however long the lane.
#[derive(Debug, Default)]
pub(crate) struct LaneState {
    window: BTreeSet<OwedKey>,
    in_flight: BTreeSet<OwedKey>,
    stored_from: Option<OwedKey>,
    /// The least delivery that became durable at or after `stored_from` since the store was last asked.
    unread: Option<OwedKey>,
}

impl LaneState {
    /// A lane all of whose deliveries are in the store.
    pub(crate) fn stored(webhook_uid: u64) -> LaneState {
        let first = OwedKey { webhook_uid, due_ms: 0, event_id: 0 };
        LaneState { stored_from: Some(first), ..LaneState::default() }
    }

    /// Takes in a delivery that has just become durable.
    pub(crate) fn push(&mut self, key: OwedKey) {
        if self.in_flight.contains(&key) {
            return;
        }
        if self.stored_from.is_some_and(|from| key >= from) {
            self.unread = Some(self.unread.map_or(key, |least| least.min(key)));
            return;
        }
        self.window.insert(key);
        self.bound();
    }

    /// Leaves to the store what is more than the window holds.
    fn bound(&mut self) {
        while self.window.len() > LANE_WINDOW {
            self.stored_from = self.window.pop_last().into_iter().chain(self.stored_from).min();
        }
    }

    /// What to do at this moment.
    pub(crate) fn next(&mut self, now_ms: u64, in_flight_max: usize) -> Step {
        if self.in_flight.len() >= in_flight_max {
            return Step::Busy;
        }
        match (self.window.first().copied(), self.stored_from) {
            (first, Some(from)) if first.is_none_or(|first| from <= first) => {
                self.unread = None;
                Step::Refill(from)
            }
            (Some(key), _) if key.due_ms <= now_ms => {
                self.window.remove(&key);
                self.in_flight.insert(key);
                Step::Attempt(key)
            }
            (Some(key), _) => Step::WaitUntil(key.due_ms),
            (None, _) if self.in_flight.is_empty() => Step::Idle,
            (None, _) => Step::Busy,
        }
    }

    /// Takes in what the store holds from `stored_from` on: at most `asked` keys in order. What became durable since
    /// the store began to be read may not be among them, so it is read for again.
    pub(crate) fn refill(&mut self, keys: &[OwedKey], asked: usize) {
        let rest = if keys.len() < asked { None } else { keys.last().copied() };
        let taken = &keys[..keys.len() - usize::from(rest.is_some())];
        self.stored_from = rest.into_iter().chain(self.unread.take()).min();
        self.window.extend(taken.iter().filter(|key| !self.in_flight.contains(key)));
        self.bound();
    }

    /// An attempt has ended and its outcome is recorded.
    pub(crate) fn ended(&mut self, key: OwedKey) {
        self.in_flight.remove(&key);
    }

    /// Takes in all that another state of the same lane holds.
    pub(crate) fn absorb(&mut self, other: LaneState) {
        if let Some(from) = other.stored_from {
            self.read_from(from);
        }
        other.window.into_iter().for_each(|key| self.push(key));
    }

    /// Has the store read from this key on, earlier than before if need be.
    fn read_from(&mut self, from: OwedKey) {
        self.window.retain(|key| *key < from);
        self.stored_from = Some(self.stored_from.map_or(from, |before| before.min(from)));
    }

    /// Whether nothing is owed and nothing in flight.
    pub(crate) fn is_empty(&self) -> bool {
        self.window.is_empty() && self.in_flight.is_empty() && self.stored_from.is_none()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(due_ms: u64, event_id: u128) -> OwedKey {
        OwedKey { webhook_uid: 1, due_ms, event_id }
    }

    #[test]
    fn the_earliest_due_goes_first_and_bounds_hold() {
        let mut lane = LaneState::default();
        assert_eq!(lane.next(0, 1), Step::Idle);
        lane.push(key(20, 2));
        lane.push(key(10, 1));
        assert_eq!(lane.next(5, 1), Step::WaitUntil(10));
        assert_eq!(lane.next(10, 1), Step::Attempt(key(10, 1)));
        assert_eq!(lane.next(30, 1), Step::Busy);
        lane.push(key(10, 1));
        lane.ended(key(10, 1));
        assert_eq!(lane.next(30, 1), Step::Attempt(key(20, 2)));
        lane.ended(key(20, 2));
        assert_eq!(lane.next(30, 1), Step::Idle);
    }

    /// Plays a lane against a set that stands for the store.
    fn play(pushes: &[u64], in_flight_max: usize) -> (Vec<OwedKey>, usize) {
        let mut store = BTreeSet::new();
        let mut lane = LaneState::stored(1);
        let (mut attempted, mut largest, mut now_ms) = (Vec::new(), 0, 0);
        let mut arriving = pushes.iter().enumerate();
        loop {
            if let Some((number, due)) = arriving.next() {
                let key = key(*due, number as u128);
                store.insert(key);
                lane.push(key);
            }
            largest = largest.max(lane.window.len());
            match lane.next(now_ms, in_flight_max) {
                Step::Attempt(key) => attempted.push(key),
                Step::WaitUntil(due) => now_ms = due,
                Step::Refill(from) => {
                    let keys: Vec<OwedKey> = store.range(from..).take(LANE_WINDOW).copied().collect();
                    // What becomes durable between the reading and the taking in must not be forgotten.
                    if let Some((number, due)) = arriving.next() {
                        let key = key(*due, number as u128);
                        store.insert(key);
                        lane.push(key);
                    }
                    lane.refill(&keys, LANE_WINDOW);
                }
                Step::Busy => {
                    let key = *lane.in_flight.first().expect("a busy lane has something in flight");
                    store.remove(&key);
                    lane.ended(key);
                }
                Step::Idle if arriving.len() == 0 => return (attempted, largest),
                Step::Idle => {}
            }
        }
    }

    proptest! {
        #[test]
        fn every_delivery_is_attempted_once_within_bounded_memory(
            pushes in prop::collection::vec(0u64..50, 0..1_500), in_flight_max in 1usize..20,
        ) {
            let (mut attempted, largest) = play(&pushes, in_flight_max);
            attempted.sort_by_key(|key| key.event_id);
            let expected: Vec<OwedKey> = pushes.iter().enumerate().map(|(number, due)| key(*due, number as u128)).collect();
            prop_assert_eq!(attempted, expected);
            prop_assert!(largest <= LANE_WINDOW);
        }
    }
}
