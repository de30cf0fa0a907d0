//! A log that is not flooded: what would be said a thousand times a second is said now and then, with how often.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

use tracing::warn;

/// Milliseconds between two lines about the same thing.
const EVERY_MS: u64 = 10_000;

/// Warnings about one thing that can happen very often.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    at_ms: Option<u64>,
    left_out: u64,
}

impl Seldom {
    /// Says it, unless it was said a moment ago.
    pub fn warn(&self, now_ms: u64, cause: &dyn Display, what: &'static str) {
        if let Some(left_out) = self.take_turn(now_ms) {
            warn!(%cause, left_out, "{what}");
        }
    }

    /// How often it was not said since it last was; `None` when it is not to be said now.
    fn take_turn(&self, now_ms: u64) -> Option<u64> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back ends the silence.
        if said.at_ms.is_some_and(|at_ms| now_ms >= at_ms && now_ms - at_ms < EVERY_MS) {
            said.left_out += 1;
            return None;
        }
        said.at_ms = Some(now_ms);
        Some(std::mem::take(&mut said.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_speaks_now_and_then_and_counts() {
        let seldom = Seldom::default();
        let turns = [5, 6, 7, 10_004, 10_005, 10_006, 0].map(|now_ms| seldom.take_turn(now_ms));
        assert_eq!(turns, [Some(0), None, None, None, Some(3), None, Some(1)]);
    }
}
