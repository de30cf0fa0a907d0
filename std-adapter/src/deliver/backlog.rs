//! How many deliveries are owed in all: known from the start on, once the store was counted through.
//!
//! The store is counted in the order of its keys while the server is at work already. What lies behind the place that
//! the count has come to is followed change by change, what lies before it will be counted. A change at the
//! very moment when the count comes by may be taken twice or not at all: that is mended when nothing is owed.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use crate::store::record::OwedKey;

/// Deliveries that are being given up at once.
const GIVING_UP_MAX: usize = 1_024;

/// A count of deliveries.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    count: u64,
    /// How many are owed to each webhook to which any are.
    of_webhook: HashMap<u64, u64>,
    /// Those that are being given up: they are no longer counted, so that no more are given up than need be.
    giving_up: HashSet<OwedKey>,
    /// Up to where the store was counted; `None` before the first.
    counted_to: Option<OwedKey>,
    is_whole: bool,
}

impl Backlog {
    /// How many are owed, as far as that is known.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The store was counted on, up to and including the last of these.
    pub(crate) fn counted(&mut self, keys: &[OwedKey]) {
        keys.iter().for_each(|key| self.add(*key));
        self.counted_to = keys.last().copied().or(self.counted_to);
    }

    /// The store was counted to its end.
    pub(crate) fn counted_all(&mut self) {
        self.is_whole = true;
    }

    /// No delivery is owed at all.
    pub(crate) fn nothing_owed(&mut self) {
        if self.is_whole {
            self.count = 0;
            self.of_webhook.clear();
        }
    }

    /// A delivery is owed.
    pub(crate) fn added(&mut self, key: OwedKey) {
        if self.follows(key) {
            self.add(key);
        }
    }

    /// A delivery is no longer owed.
    pub(crate) fn removed(&mut self, key: OwedKey) {
        let was_counted_out = !self.giving_up.is_empty() && self.giving_up.remove(&key);
        if was_counted_out || !self.follows(key) {
            return;
        }
        self.count = self.count.saturating_sub(1);
        if let Entry::Occupied(mut owed) = self.of_webhook.entry(key.webhook_uid) {
            *owed.get_mut() -= 1;
            if *owed.get() == 0 {
                owed.remove();
            }
        }
    }

    /// A delivery is about to be removed because it is given up.
    pub(crate) fn giving_up(&mut self, key: OwedKey) {
        self.removed(key);
        self.giving_up.insert(key);
    }

    /// Whether as many are being given up as may be at once.
    pub(crate) fn gives_up_enough(&self) -> bool {
        self.giving_up.len() >= GIVING_UP_MAX
    }

    /// Whether of so many deliveries that may be owed more than three quarters are, and more than its even share of them
    /// to this webhook. Whenever so many are owed, that is true of some webhook.
    pub(crate) fn is_crowded_by(&self, webhook_uid: u64, most: u64) -> bool {
        let enough = most / 4 * 3;
        let share = enough / (self.of_webhook.len().max(1) as u64);
        self.count > enough && self.of_webhook.get(&webhook_uid).is_some_and(|owed| *owed > share)
    }

    fn add(&mut self, key: OwedKey) {
        self.count += 1;
        *self.of_webhook.entry(key.webhook_uid).or_default() += 1;
    }

    fn follows(&self, key: OwedKey) -> bool {
        self.is_whole || self.counted_to.is_some_and(|last| key <= last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(event_id: u128) -> OwedKey {
        OwedKey { webhook_uid: 1, due_ms: 1, event_id }
    }

    #[test]
    fn what_was_there_and_what_comes_and_goes_is_counted_once() {
        let mut backlog = Backlog::default();
        backlog.added(key(9));
        assert_eq!(backlog.count(), 0);
        backlog.counted(&[1, 2, 3].map(key));
        backlog.removed(key(2));
        backlog.removed(key(5));
        backlog.added(key(3));
        assert_eq!(backlog.count(), 3);
        backlog.counted(&[4, 9].map(key));
        backlog.counted_all();
        backlog.added(key(20));
        assert_eq!(backlog.count(), 6);
        (1..=20).for_each(|event| backlog.removed(key(event)));
        assert_eq!(backlog.count(), 0);
    }

    #[test]
    fn whoever_is_owed_more_than_an_even_share_crowds_out_the_others() {
        let mut backlog = Backlog::default();
        backlog.counted_all();
        let owed = |webhook_uid, event_id| OwedKey { webhook_uid, due_ms: 1, event_id };
        let crowding = |backlog: &Backlog| [1, 2, 3].map(|uid| backlog.is_crowded_by(uid, 100));
        (0..70).for_each(|event| backlog.added(owed(1, event)));
        (0..5).for_each(|event| backlog.added(owed(2, event)));
        assert_eq!(crowding(&backlog), [false; 3], "three quarters");
        backlog.added(owed(2, 5));
        assert_eq!(crowding(&backlog), [true, false, false]);
        (6..60).for_each(|event| backlog.added(owed(2, event)));
        assert_eq!(crowding(&backlog), [true, true, false]);
        backlog.giving_up(owed(1, 0));
        assert_eq!(backlog.count(), 129, "given up is as good as removed");
        (0..70).for_each(|event| backlog.removed(owed(1, event)));
        assert_eq!((crowding(&backlog), backlog.count()), ([false; 3], 60));
    }

    #[test]
    fn what_was_counted_just_when_it_went_is_forgotten_once_nothing_is_owed() {
        let mut backlog = Backlog::default();
        backlog.removed(key(1));
        backlog.counted(&[key(1)]);
        backlog.nothing_owed();
        assert_eq!(backlog.count(), 1, "what was not looked at yet may be owed");
        backlog.counted_all();
        backlog.nothing_owed();
        assert_eq!(backlog.count(), 0);
    }
}
