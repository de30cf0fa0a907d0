//! Ids that the server makes: 128 bits, ordered by time, written as 22 base-62 characters as Contentful's are.

use std::sync::{Arc, Mutex, PoisonError};

use uuid::{ContextV7, Timestamp, Uuid};

use crate::clock::{Clock, SystemClock};
use crate::limits::IDS_AHEAD_MAX;
use crate::planted::{Bug, is_planted};

/// Random bytes of a request's id.
const REQUEST_ID_BYTES: usize = 16;

/// Characters of an id as text.
pub const TEXT_CHARS: usize = 22;

/// Makes ids that only grow, unless the clock is set back by more than [`IDS_AHEAD_MAX`].
pub struct IdMaker {
    clock: Arc<dyn Clock>,
    last: Mutex<Last>,
}

/// What the last id was made of.
struct Last {
    context: ContextV7,
    moment_ms: u64,
}

impl Default for IdMaker {
    fn default() -> IdMaker {
        IdMaker::new(Arc::new(SystemClock))
    }
}

impl IdMaker {
    /// Makes ids by this clock. When it is set back, ids keep the last moment until it comes again.
    pub fn new(clock: Arc<dyn Clock>) -> IdMaker {
        IdMaker { clock, last: Mutex::new(Last { context: ContextV7::new(), moment_ms: 0 }) }
    }

    /// Ids made from now on are greater than this one, which an earlier run made below the [`horizon`](IdMaker::horizon):
    /// so they keep their order even if the clock was set back meanwhile.
    pub fn follow(&self, earlier: u128) {
        if earlier < self.horizon() && !is_planted(Bug::RestartIds) {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            last.moment_ms = last.moment_ms.max(made_at_ms(earlier) + 1);
        }
    }

    /// The least id that is too far ahead of the clock to be followed: the clock was wrong when it was made.
    pub fn horizon(&self) -> u128 {
        first_of(self.clock.now_ms().saturating_add(IDS_AHEAD_MAX.as_millis() as u64))
    }

    /// The next id: 48 bits of milliseconds since 1970, then a counter and random bits (UUID version 7).
    pub fn next(&self) -> u128 {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let clock_ms = self.clock.now_ms();
        if first_of(last.moment_ms) >= self.horizon() {
            // The context keeps the last moment as well.
            *last = Last { context: ContextV7::new(), moment_ms: 0 };
        }
        last.moment_ms = last.moment_ms.max(clock_ms);
        let now_ms = last.moment_ms;
        let moment = Timestamp::from_unix(&last.context, now_ms / 1_000, (now_ms % 1_000) as u32 * 1_000_000);
        Uuid::new_v7(moment).as_u128()
    }

    /// The next id as text.
    pub fn next_text(&self) -> String {
        to_text(self.next())
    }
}

/// The moment an id was made, milliseconds since 1970.
pub fn made_at_ms(id: u128) -> u64 {
    (id >> 80) as u64
}

/// The smallest id that can be made at a moment, milliseconds since 1970.
pub fn first_of(moment_ms: u64) -> u128 {
    u128::from(moment_ms) << 80
}

/// The id as 22 base-62 characters, zero-padded; text order is id order.
pub fn to_text(id: u128) -> String {
    format!("{:0>TEXT_CHARS$}", base62::encode(id))
}

/// Reads an id written by [`to_text`]; `None` for anything else.
pub fn from_text(text: &str) -> Option<u128> {
    if text.len() != TEXT_CHARS {
        return None;
    }
    base62::decode(text).ok()
}

/// A new id for a request: 32 hex digits.
pub fn for_request() -> String {
    let mut bytes = [0; REQUEST_ID_BYTES];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    hex(&bytes)
}

/// Bytes as lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).expect("half a byte");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::RuntimeClock;

    #[test]
    fn text_round_trips_and_keeps_the_order() {
        let maker = IdMaker::default();
        let ids: Vec<u128> = (0..1_000).map(|_| maker.next()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        let texts: Vec<String> = ids.iter().map(|id| to_text(*id)).collect();
        assert!(texts.windows(2).all(|pair| pair[0] < pair[1]));
        for (id, text) in ids.iter().zip(&texts) {
            assert_eq!((text.len(), from_text(text)), (TEXT_CHARS, Some(*id)));
        }
    }

    #[tokio::test]
    async fn ids_keep_their_order_when_the_clock_is_set_back_unless_it_was_far_ahead() {
        let clock = Arc::new(RuntimeClock::starting_at(1_000_000_000));
        let maker = IdMaker::new(clock.clone());
        let first = maker.next();
        clock.set(990_000_000);
        let second = maker.next();
        assert!(second > first);
        clock.set(1_000_000);
        assert!(made_at_ms(maker.next()) < 2_000_000);
    }

    #[test]
    fn ids_follow_those_of_an_earlier_run_unless_its_clock_was_far_ahead() {
        let maker = IdMaker::default();
        let hour_ahead = maker.next() + first_of(3_600_000);
        maker.follow(hour_ahead);
        assert!(maker.next() > hour_ahead);
        let year_ahead = maker.next() + first_of(365 * 24 * 3_600_000);
        maker.follow(year_ahead);
        assert!(maker.next() < year_ahead);
    }

    #[test]
    fn the_extremes_fit_and_foreign_text_is_refused() {
        for id in [0, 1, u128::MAX] {
            assert_eq!(from_text(&to_text(id)), Some(id));
        }
        for bad in ["", "short", "zzzzzzzzzzzzzzzzzzzzzz", "2xNAz23UZhPpcvfxCBBF9-", "ééééééééééé"]
        {
            assert_eq!(from_text(bad), None, "{bad}");
        }
    }
}
