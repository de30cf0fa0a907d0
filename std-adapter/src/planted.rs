//! Bugs that can be planted on purpose, for the simulation to find.
//!
//! A simulation that finds nothing proves nothing, unless it is known to find what is there. So mistakes that are easily
//! made, and those that it found in this server, can be made again: where the code would be wrong it asks whether the
//! mistake is planted. Without the feature `planted-bugs`, which only tests switch on, the answer is a constant, and
//! nothing of it is left in the program.
//!
//! What is planted is known to the thread, not passed along: a parameter through every layer would be there in a release,
//! too. A simulated node runs on one thread, so histories with different bugs can be played beside each other. The real
//! binary, which has many, looks into its environment.

#[cfg(feature = "planted-bugs")]
use std::{cell::Cell, sync::LazyLock};

/// A mistake that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bug {
    /// Publishes are answered before they are synced.
    AcknowledgeUnsynced,
    /// Where very many deliveries are owed, the first part of them is not stored.
    ForgetPart,
    /// Deliveries begin before the event is stored.
    DeliverUnstored,
    /// A retry is remembered in memory only.
    ForgetRetry,
    /// Deliveries owed to a webhook that is switched off are made.
    CallInactive,
    /// Switching a webhook off is answered while calls are under way.
    LeaveUnderWay,
    /// The circuit breaker is not asked.
    IgnoreBreaker,
    /// A restart forgets that an endpoint is left alone.
    ForgetBreaker,
    /// Deliveries to an endpoint that is left alone are given up in half the time.
    GiveUpEarly,
    /// An endpoint may take all places.
    UnboundedEndpoint,
    /// Those that do not answer may take all places together.
    SharePlaces,
    /// The attempt after one of which nothing is known has the same number.
    ReuseNumber,
    /// Claims are not synced before the attempt.
    ClaimUnsynced,
    /// What was in flight at a crash counts as delivered.
    ForgetInFlight,
    /// The order of an entity's events is lost while one is under way.
    ForgetOrder,
    /// `Retry-After` is not looked at.
    IgnoreRetryAfter,
    /// One retry more than the policy says.
    RetryOnceMore,
    /// Idempotency keys are forgotten.
    ForgetKey,
    /// Two publishes with one key do not wait for each other.
    DoNotTakeTurns,
    /// Each attempt has an idempotency key of its own.
    KeyPerAttempt,
    /// The log is trimmed to fewer calls than it is to keep.
    TrimTooMuch,
    /// A delivery is settled in one commit and its call logged in another.
    LogApart,
    /// What becomes durable while the store is read is not read for again.
    ForgetUnread,
    /// A webhook whose endpoint is gone stays on.
    IgnoreGone,
    /// An outcome that cannot be written because the disk is full is forgotten.
    ForgetWhenFull,
    /// The engine sleeps until the next alarm, though the clock may be set meanwhile.
    SleepThroughJump,
    /// What waits for a moment is not asked again when the clock is set back. The simulation found this one.
    TrustTheClock,
    /// A run that stops gives back claims of an earlier one. The simulation found this one.
    GiveBackAllClaims,
    /// Ids begin anew with the clock at each start. The simulation found this one.
    RestartIds,
    /// A delivery is forgotten until the next start when a read fails. The simulation found this one.
    GiveUpOnReadError,
}

impl Bug {
    /// All of them.
    pub const ALL: [Bug; 30] = [
        Bug::AcknowledgeUnsynced,
        Bug::ForgetPart,
        Bug::DeliverUnstored,
        Bug::ForgetRetry,
        Bug::CallInactive,
        Bug::LeaveUnderWay,
        Bug::IgnoreBreaker,
        Bug::ForgetBreaker,
        Bug::GiveUpEarly,
        Bug::UnboundedEndpoint,
        Bug::SharePlaces,
        Bug::ReuseNumber,
        Bug::ClaimUnsynced,
        Bug::ForgetInFlight,
        Bug::ForgetOrder,
        Bug::IgnoreRetryAfter,
        Bug::RetryOnceMore,
        Bug::ForgetKey,
        Bug::DoNotTakeTurns,
        Bug::KeyPerAttempt,
        Bug::TrimTooMuch,
        Bug::LogApart,
        Bug::ForgetUnread,
        Bug::IgnoreGone,
        Bug::ForgetWhenFull,
        Bug::SleepThroughJump,
        Bug::TrustTheClock,
        Bug::GiveBackAllClaims,
        Bug::RestartIds,
        Bug::GiveUpOnReadError,
    ];
}

#[cfg(feature = "planted-bugs")]
thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// From now on, on this thread, this bug is there and no other.
#[cfg(feature = "planted-bugs")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Names the bug that is there on all threads: for tests that start the real binary.
#[cfg(feature = "planted-bugs")]
pub const VARIABLE: &str = "BELLWIRE_PLANTED_BUG";

#[cfg(feature = "planted-bugs")]
static IN_ENVIRONMENT: LazyLock<Option<Bug>> = LazyLock::new(|| {
    let name = std::env::var(VARIABLE).ok()?;
    Bug::ALL.into_iter().find(|bug| format!("{bug:?}") == name)
});

/// Whether this bug is there.
#[cfg(feature = "planted-bugs")]
pub(crate) fn is_planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug) || *IN_ENVIRONMENT == Some(bug)
}

/// Whether this bug is there: it is not.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn is_planted(_bug: Bug) -> bool {
    false
}
