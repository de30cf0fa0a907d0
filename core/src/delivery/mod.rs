//! What to do with a delivery and with its endpoint: state machines that are plain values.
//!
//! Each takes what happened, the moment and a random number where chance plays a part, and answers with the next state
//! and what to do. Nothing here reads a clock or throws dice, so the same input gives the same history.
//!
//! | question | machine |
//! | --- | --- |
//! | What becomes of a delivery after an attempt? | [`decide`] with a [`RetryPolicy`] |
//! | What does an outcome say about the endpoint? | [`classify`], [`sign_of`] |
//! | How many attempts may an endpoint have under way? | [`Bound`] |
//! | Is an endpoint called at all just now? | [`Breaker`] |
//! | Who gets the next place among all attempts? | [`Pool`] |
//! | How closely do calls follow one another that hang, or are answered without end? | [`Pace`] |
//!
//! ```
//! use bellwire_core::call::Outcome;
//! use bellwire_core::delivery::{Attempted, Decision, RetryPolicy, decide};
//!
//! let policy = RetryPolicy { jitter_percent: 0, ..RetryPolicy::default() };
//! let after = |status, attempt| decide(Attempted::new(Outcome::Response { status }, attempt), &policy, 0);
//! assert_eq!(after(503, 1), Decision::Retry { delay_ms: 30_000 });
//! assert_eq!(after(503, 3), Decision::Dead);
//! assert_eq!(after(204, 1), Decision::Succeeded);
//! assert_eq!(after(410, 1), Decision::Gone);
//! ```

mod bound;
mod breaker;
mod classify;
mod pace;
mod pool;
mod retry;

pub use self::bound::Bound;
pub use self::breaker::{Admission, Breaker, BreakerPolicy, PastCall, Turn};
pub use self::classify::{Class, Sign, classify, sign_of};
pub use self::pace::Pace;
pub use self::pool::{Pool, Standing};
pub use self::retry::{Attempted, Decision, RETRY_AFTER_MS_MAX, RetryPolicy, decide};
