//! What to do after an attempt: pure functions of the outcome, the attempt's number and the policy.
//!
//! The default is what Contentful documents: a 429 or a 5xx is tried again at most twice, 30 seconds apart.
//!
//! ```
//! use bellwire_core::call::Outcome;
//! use bellwire_core::delivery::{Decision, RetryPolicy, decide};
//!
//! let policy = RetryPolicy::default();
//! let busy = Outcome::Response { status: 503 };
//! assert_eq!(decide(busy, 1, &policy), Decision::Retry { delay_ms: 30_000 });
//! assert_eq!(decide(busy, 3, &policy), Decision::Dead);
//! assert_eq!(decide(Outcome::Response { status: 204 }, 1, &policy), Decision::Succeeded);
//! ```

use crate::call::Outcome;
use crate::time::SECOND_MS;

/// How often and how long apart a failed delivery is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetryPolicy {
    /// Most retries after the first attempt.
    pub retries_max: u8,
    /// Wait before the first retry, in milliseconds; all later waits are multiples of it.
    pub first_delay_ms: u64,
    /// Whether a failed connection or name resolution is tried again. Contentful's documents do not say.
    pub retry_connection_errors: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { retries_max: 2, first_delay_ms: 30 * SECOND_MS, retry_connection_errors: false }
    }
}

impl RetryPolicy {
    /// Wait before retry number `retry`, counted from 1, in milliseconds.
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
}

const STEPS_MAX: u32 = 15;

/// What an outcome says about the endpoint, whatever the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Delivered.
    Success,
    /// The same request may succeed later: 429, 5xx, a timeout, no connection, no name.
    Transient,
    /// The same request fails again until somebody changes something.
    Permanent,
}

/// The class of an outcome.
pub const fn classify(outcome: Outcome) -> Class {
    match outcome {
        Outcome::Response { status: 200..=299 } => Class::Success,
        Outcome::Response { status: 429 | 500..=599 } => Class::Transient,
        Outcome::Timeout | Outcome::Connection | Outcome::NameResolution => Class::Transient,
        Outcome::Response { .. } | Outcome::Tls | Outcome::BlockedAddress | Outcome::Invalid => {
            Class::Permanent
        }
    }
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It is done.
    Succeeded,
    /// It is due again.
    Retry {
        /// Milliseconds from the end of the attempt to the next one.
        delay_ms: u64,
    },
    /// It is given up.
    Dead,
}

/// Decides after attempt number `attempt`, counted from 1.
///
/// Statuses 429 and 5xx are tried again while the policy has retries left; failed connections and names only when
/// the policy says so; timeouts and everything else never.
pub const fn decide(outcome: Outcome, attempt: u32, policy: &RetryPolicy) -> Decision {
    if outcome.is_success() {
        Decision::Succeeded
    } else if may_retry(outcome, policy) && attempt <= policy.retries_max as u32 {
        Decision::Retry { delay_ms: policy.delay_ms(attempt) }
    } else {
        Decision::Dead
    }
}

const fn may_retry(outcome: Outcome, policy: &RetryPolicy) -> bool {
    match outcome {
        Outcome::Response { status } => status == 429 || (status >= 500 && status <= 599),
        Outcome::Connection | Outcome::NameResolution => policy.retry_connection_errors,
        Outcome::Timeout | Outcome::Tls | Outcome::BlockedAddress | Outcome::Invalid => false,
    }
}
