//! Whether an endpoint is called at all just now: a circuit breaker.
//!
//! ```text
//!            failures in a row                 the pause is over
//!  closed ───────────────────────▶ open ───────────────────────▶ probing
//!    ▲                               ▲                              │
//!    │                               └──────── it fails: longer ────┤
//!    └───────────────────────── it answers ─────────────────────────┘
//! ```

use super::Sign;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BreakerPolicy {
    /// Failures in a row that open it.
    pub failures: u32,
    /// The first pause, in milliseconds; each further one is twice as long.
    pub pause_ms: u64,
    /// The longest pause, in milliseconds.
    pub pause_ms_max: u64,
}

/// The state of one endpoint's breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Breaker {
    /// Calls are made.
    Closed {
        /// Failures since the last answer.
        failures: u32,
    },
    /// No calls are made.
    Open {
        /// When one call may probe the endpoint.
        until_ms: u64,
        /// Pauses since the last answer.
        pauses: u32,
    },
    /// One call is under way to see whether the endpoint answers again.
    Probing {
        /// Pauses since the last answer.
        pauses: u32,
    },
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Admission {
    /// As many as the endpoint's bound allows.
    Free,
    /// One, to probe.
    Probe,
    /// None before this moment.
    Wait {
        /// The moment.
        until_ms: u64,
    },
    /// None until the probe has ended.
    Probing,
}

/// What changed for whoever looks on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Turn {
    /// Calls stop until this moment.
    Paused {
        /// The moment.
        until_ms: u64,
    },
    /// Calls are made again.
    Recovered,
}

/// A call of which a log tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PastCall {
    /// What it said of the endpoint.
    pub sign: Sign,
    /// When it began.
    pub begun_ms: u64,
    /// When it ended.
    pub ended_ms: u64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// Whether a call may be made now. A pause that would last longer than the longest is a clock that was set back,
    /// and counts as over.
    pub const fn admit(&self, now_ms: u64, policy: &BreakerPolicy) -> Admission {
        match *self {
            Self::Closed { .. } => Admission::Free,
            Self::Probing { .. } => Admission::Probing,
            Self::Open { until_ms, .. } => {
                let over = until_ms <= now_ms || until_ms - now_ms > policy.longest_ms();
                if over { Admission::Probe } else { Admission::Wait { until_ms } }
            }
        }
    }

    /// The state when a call begins.
    #[must_use]
    pub const fn started(self) -> Self {
        match self {
            Self::Open { pauses, .. } => Self::Probing { pauses },
            other => other,
        }
    }

    /// The state after a call, and what that changed. `random` spreads the ends of pauses.
    #[must_use]
    pub const fn ended(
        self,
        sign: Sign,
        now_ms: u64,
        policy: &BreakerPolicy,
        random: u64,
    ) -> (Self, Option<Turn>) {
        match (self, sign) {
            (Self::Probing { pauses }, Sign::None) => (Self::Open { until_ms: now_ms, pauses }, None),
            (state, Sign::None) => (state, None),
            (Self::Closed { failures }, sign) if sign.is_bad() => {
                if failures + 1 < policy.failures {
                    (Self::Closed { failures: failures + 1 }, None)
                } else {
                    Self::open(now_ms, 1, policy, random)
                }
            }
            (Self::Probing { pauses }, sign) if sign.is_bad() => {
                Self::open(now_ms, pauses.saturating_add(1), policy, random)
            }
            // Calls that were under way when it opened tell nothing new.
            (open @ Self::Open { .. }, sign) if sign.is_bad() => (open, None),
            (Self::Closed { .. }, _) => (Self::Closed { failures: 0 }, None),
            (_, _) => (Self::Closed { failures: 0 }, Some(Turn::Recovered)),
        }
    }

    /// The state after these calls, in the order in which they ended: what a log of calls says of a breaker whose state
    /// was not kept. Its pauses are taken for the shortest that they may have been.
    #[must_use]
    pub fn after(calls: impl IntoIterator<Item = PastCall>, policy: &BreakerPolicy) -> Self {
        calls.into_iter().fold(Self::default(), |breaker, call| {
            let begun = match breaker.admit(call.begun_ms, policy) {
                Admission::Probe => breaker.started(),
                _ => breaker,
            };
            begun.ended(call.sign, call.ended_ms, policy, 0).0
        })
    }

    const fn open(now_ms: u64, pauses: u32, policy: &BreakerPolicy, random: u64) -> (Self, Option<Turn>) {
        let until_ms = now_ms.saturating_add(policy.pause_ms(pauses, random));
        (Self::Open { until_ms, pauses }, Some(Turn::Paused { until_ms }))
    }
}

impl BreakerPolicy {
    /// How many of the last calls in a row that failed say everything of a breaker: those that open it, and one for each
    /// pause until they grow no longer.
    pub const fn calls_that_count(&self) -> u32 {
        let (mut probes, mut pause) = (0, self.pause_ms);
        while pause < self.pause_ms_max && probes < DOUBLINGS_MAX {
            pause = pause.saturating_mul(2);
            probes += 1;
        }
        self.failures.saturating_add(probes)
    }

    /// Pause number `pauses`, counted from 1, up to a quarter longer by chance.
    const fn pause_ms(&self, pauses: u32, random: u64) -> u64 {
        let doublings = if pauses > DOUBLINGS_MAX { DOUBLINGS_MAX } else { pauses.saturating_sub(1) };
        let pause = self.pause_ms.saturating_mul(1 << doublings);
        let pause = if pause < self.pause_ms_max { pause } else { self.pause_ms_max };
        pause.saturating_add(random % (pause / 4 + 1))
    }

    const fn longest_ms(&self) -> u64 {
        let longest = if self.pause_ms < self.pause_ms_max { self.pause_ms_max } else { self.pause_ms };
        longest.saturating_add(longest / 4)
    }
}

/// More doublings than any pause is long.
const DOUBLINGS_MAX: u32 = 32;
