//! Events that attempts are about to need, so that they are not read back from the store one by one.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::limits::{EVENTS_AT_HAND_BYTES, EVENTS_AT_HAND_MAX};
use crate::store::record::EventRecord;

/// Bytes that an event takes beside its payload, roughly.
const EVENT_OVERHEAD_BYTES: usize = 512;

/// An event that attempts are about to need.
#[derive(Clone, Debug)]
pub struct Needed {
    /// Its id.
    pub id: u128,
    /// What it says.
    pub event: Arc<EventRecord>,
    /// How many attempts.
    pub attempts: usize,
}

/// Events kept until each attempt that was expected has taken its own. When there is no room the oldest go: whoever
/// needs them reads the store.
#[derive(Debug, Default)]
pub(super) struct AtHand {
    events: HashMap<u128, Kept>,
    /// The ids in the order of their coming, and of some that are gone.
    order: VecDeque<u128>,
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    event: Arc<EventRecord>,
    attempts: usize,
}

impl AtHand {
    /// Keeps an event.
    pub(super) fn keep(&mut self, needed: Needed) {
        let Needed { id, event, attempts } = needed;
        if attempts == 0 || self.expect(id, attempts) {
            return;
        }
        self.bytes += bytes_of(&event);
        self.events.insert(id, Kept { event, attempts });
        self.order.push_back(id);
        self.make_room();
    }

    /// If the event is here, it is kept for so many attempts more.
    pub(super) fn expect(&mut self, id: u128, attempts: usize) -> bool {
        let kept = self.events.get_mut(&id);
        kept.map(|kept| kept.attempts += attempts).is_some()
    }

    /// The event, for one attempt.
    pub(super) fn take(&mut self, id: u128) -> Option<Arc<EventRecord>> {
        let kept = self.events.get_mut(&id)?;
        if kept.attempts > 1 {
            kept.attempts -= 1;
            return Some(kept.event.clone());
        }
        self.remove(id)
    }

    fn make_room(&mut self) {
        while let Some(oldest) = self.order.front().copied() {
            let is_full = self.bytes > EVENTS_AT_HAND_BYTES || self.order.len() > EVENTS_AT_HAND_MAX;
            if !is_full && self.events.contains_key(&oldest) {
                return;
            }
            self.order.pop_front();
            self.remove(oldest);
        }
    }

    fn remove(&mut self, id: u128) -> Option<Arc<EventRecord>> {
        let kept = self.events.remove(&id)?;
        self.bytes -= bytes_of(&kept.event);
        Some(kept.event)
    }
}

fn bytes_of(event: &EventRecord) -> usize {
    let context = event.context.iter().map(|(name, value)| name.len() + value.len());
    EVENT_OVERHEAD_BYTES + event.payload.len() + context.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(id: u128, attempts: usize, payload_bytes: usize) -> Needed {
        let event = EventRecord {
            environment: "master".into(),
            topic: "Entry.publish".into(),
            occurred_at_ms: 1,
            user: String::new(),
            entity_id: None,
            context: Vec::new(),
            payload: vec![0; payload_bytes],
        };
        Needed { id, event: Arc::new(event), attempts }
    }

    #[test]
    fn an_event_is_there_for_each_attempt_that_was_expected() {
        let mut at_hand = AtHand::default();
        at_hand.keep(needed(1, 2, 10));
        assert!(at_hand.expect(1, 1));
        assert!(!at_hand.expect(2, 1));
        assert!((0..3).all(|_| at_hand.take(1).is_some()));
        assert!(at_hand.take(1).is_none());
        at_hand.keep(needed(3, 0, 10));
        assert!(at_hand.take(3).is_none());
        assert_eq!(at_hand.bytes, 0);
    }

    #[test]
    fn the_oldest_go_when_there_is_no_room() {
        let mut at_hand = AtHand::default();
        let large = EVENTS_AT_HAND_BYTES / 4;
        (0..9).for_each(|id| at_hand.keep(needed(id, 1, large)));
        assert!(at_hand.bytes <= EVENTS_AT_HAND_BYTES);
        assert!(at_hand.take(0).is_none());
        assert!(at_hand.take(8).is_some());
    }

    #[test]
    fn what_is_taken_leaves_nothing_behind() {
        let mut at_hand = AtHand::default();
        at_hand.keep(needed(0, 1, 10));
        for id in 1..=3 * EVENTS_AT_HAND_MAX as u128 {
            at_hand.keep(needed(id, 1, 10));
            assert!(at_hand.take(id).is_some());
        }
        assert!(at_hand.order.len() <= EVENTS_AT_HAND_MAX);
        assert_eq!((at_hand.events.len(), at_hand.bytes), (0, 0));
    }
}
