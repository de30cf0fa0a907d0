//! What becomes of a delivery after an attempt: done, due again and when, given up, or the end of its webhook.
//!
//! The default is what Contentful documents: a 429 or a 5xx is tried again at most twice, about 30 seconds apart.

use crate::call::Outcome;
use crate::time::{HOUR_MS, SECOND_MS};

/// Longest wait that an endpoint can ask for with `Retry-After`, in milliseconds.
pub const RETRY_AFTER_MS_MAX: u64 = HOUR_MS;
/// Wait before a request that could not leave is formed again, in milliseconds.
const POSTPONE_MS: u64 = SECOND_MS;
/// Multiples of twice the first delay that a wait grows to.
const STEPS_MAX: u32 = 15;

/// How often and how long apart a failed delivery is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetryPolicy {
    /// Most retries after the first attempt.
    pub retries_max: u8,
    /// Wait before the first retry, in milliseconds; all later waits are multiples of it.
    pub first_delay_ms: u64,
    /// Whether a failed connection or name resolution is tried again. Contentful's documents do not say.
    pub retry_connection_errors: bool,
    /// By how many hundredths a wait may be shorter or longer, so that what failed together is not retried together.
    pub jitter_percent: u8,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries_max: 2,
            first_delay_ms: 30 * SECOND_MS,
            retry_connection_errors: false,
            jitter_percent: 20,
        }
    }
}

impl RetryPolicy {
    /// Wait before retry number `retry`, counted from 1, in milliseconds, without jitter.
    ///
    /// The first two waits are the first delay; then each is twice the first delay longer than the one before, until
    /// thirty times the first delay. With 30 seconds that is 30 s, 30 s, 2 min, 3 min … 15 min, and 99 retries take
    /// 22.75 hours. Too large a product stays at `u64::MAX`.
    pub const fn delay_ms(&self, retry: u32) -> u64 {
        if retry <= 2 {
            return self.first_delay_ms;
        }
        let steps = if retry - 1 < STEPS_MAX { retry - 1 } else { STEPS_MAX };
        self.first_delay_ms.saturating_mul(2 * steps as u64)
    }

    /// The longest that any retry waits, jitter and `Retry-After` included: what is due later than that was written
    /// down before the clock was set back.
    pub const fn longest_wait_ms(&self) -> u64 {
        let planned = self.delay_ms(STEPS_MAX + 1);
        let whole = if planned > RETRY_AFTER_MS_MAX { planned } else { RETRY_AFTER_MS_MAX };
        whole
            .saturating_add(planned / 100 * self.jitter_percent as u64)
            .saturating_add(self.jitter_percent as u64)
    }

    /// The wait before retry number `retry`, with jitter, and never shorter than what the endpoint asked for.
    const fn wait_ms(&self, retry: u32, retry_after_ms: Option<u64>, random: u64) -> u64 {
        let planned = self.delay_ms(retry);
        let room =
            planned / 100 * self.jitter_percent as u64 + planned % 100 * self.jitter_percent as u64 / 100;
        let wait = (planned - below(planned, room))
            .saturating_add(random % room.saturating_mul(2).saturating_add(1));
        let asked = match retry_after_ms {
            Some(asked) if asked > RETRY_AFTER_MS_MAX => RETRY_AFTER_MS_MAX,
            Some(asked) => asked,
            None => return wait,
        };
        if wait >= asked { wait } else { asked.saturating_add(random % (room + 1)) }
    }
}

/// The smaller of the two: a share of more than the whole is the whole.
const fn below(whole: u64, share: u64) -> u64 {
    if share < whole { share } else { whole }
}

/// An attempt that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attempted {
    /// How it ended.
    pub outcome: Outcome,
    /// Its number, counted from 1.
    pub attempt: u32,
    /// How long the endpoint asked to be left alone, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// Whether the delivery is as old as any gets that waits for a request to leave.
    pub is_late: bool,
}

impl Attempted {
    /// An attempt in time, whose endpoint asked for nothing.
    pub const fn new(outcome: Outcome, attempt: u32) -> Self {
        Self { outcome, attempt, retry_after_ms: None, is_late: false }
    }
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It is done.
    Succeeded,
    /// It is due again, as the next attempt.
    Retry {
        /// Milliseconds from the end of the attempt to the next one.
        delay_ms: u64,
    },
    /// The request did not leave, so this was no attempt: it is due again, as the same one.
    Postpone {
        /// Milliseconds to wait.
        delay_ms: u64,
    },
    /// It is given up.
    Dead,
    /// It is given up, and the endpoint says that it wants no further calls: its webhook is to be switched off.
    Gone,
}

/// Decides after an attempt; `random` spreads the waits.
///
/// Statuses 429 and 5xx are tried again while the policy has retries left; failed connections and names only when
/// the policy says so; timeouts and everything else never. An attempt of which nobody knows what came of it is made
/// again however many there were: to give it up could mean that the event was never sent.
pub const fn decide(ended: Attempted, policy: &RetryPolicy, random: u64) -> Decision {
    match ended.outcome {
        Outcome::Response { status: 200..=299 } => Decision::Succeeded,
        Outcome::Response { status: 410 } => Decision::Gone,
        Outcome::NoResources if !ended.is_late => Decision::Postpone { delay_ms: POSTPONE_MS },
        Outcome::Unknown => Decision::Retry { delay_ms: 0 },
        outcome if may_retry(outcome, policy) && ended.attempt <= policy.retries_max as u32 => {
            Decision::Retry { delay_ms: policy.wait_ms(ended.attempt, ended.retry_after_ms, random) }
        }
        _ => Decision::Dead,
    }
}

const fn may_retry(outcome: Outcome, policy: &RetryPolicy) -> bool {
    match outcome {
        Outcome::Response { status } => status == 429 || (status >= 500 && status <= 599),
        Outcome::Connection | Outcome::NameResolution => policy.retry_connection_errors,
        _ => false,
    }
}
