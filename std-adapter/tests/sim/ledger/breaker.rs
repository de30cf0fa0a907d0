//! What the breaker of an endpoint must do, as seen from outside: the obvious version.

use bellwire::limits::FAILURES_MAX;
use bellwire_core::call::Outcome;

use crate::disk::PACE_MS;

/// What is known of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Mirror {
    /// Nothing: something happened that cannot be seen from outside.
    #[default]
    Unknown,
    Closed {
        failures: u32,
    },
    Open {
        since_ms: u64,
    },
    Probing,
}

impl Mirror {
    /// An attempt begins. Answers with what is wrong with that.
    pub(crate) fn started(
        &mut self,
        now_ms: u64,
        pause_ms: u64,
        is_even: impl Fn(u64) -> bool,
    ) -> Option<String> {
        match *self {
            // It was admitted before, and its event had to be read.
            Mirror::Open { since_ms } if now_ms <= since_ms + 2 * PACE_MS => None,
            Mirror::Open { since_ms } => {
                *self = Mirror::Probing;
                let too_soon = now_ms < since_ms + pause_ms && is_even(since_ms);
                too_soon.then(|| {
                    format!("it failed until {since_ms}, and was to be left alone for {pause_ms} ms")
                })
            }
            Mirror::Probing => Some("it is being probed already".to_owned()),
            _ => None,
        }
    }

    /// The outcome of an attempt is in the log.
    pub(crate) fn logged(&mut self, outcome: Outcome, now_ms: u64) {
        let is_bad = match outcome {
            Outcome::Response { status } => status >= 500,
            Outcome::Timeout | Outcome::Connection | Outcome::NameResolution | Outcome::Tls => true,
            Outcome::Expired => return,
            _ => {
                *self = Mirror::Unknown;
                return;
            }
        };
        *self = match *self {
            _ if !is_bad => Mirror::Closed { failures: 0 },
            Mirror::Closed { failures } if failures + 1 < FAILURES_MAX => {
                Mirror::Closed { failures: failures + 1 }
            }
            Mirror::Closed { .. } | Mirror::Probing => Mirror::Open { since_ms: now_ms },
            open @ Mirror::Open { .. } => open,
            Mirror::Unknown => Mirror::Unknown,
        };
    }
}
