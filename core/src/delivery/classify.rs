//! What an outcome says: about the delivery, whatever the policy, and about the endpoint.

use crate::call::Outcome;

/// What an outcome says about the delivery, whatever the policy.
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
        Outcome::Unknown | Outcome::NoResources => Class::Transient,
        Outcome::Response { .. } | Outcome::Tls | Outcome::BlockedAddress => Class::Permanent,
        Outcome::Invalid | Outcome::Expired => Class::Permanent,
    }
}

/// What an outcome says about the endpoint, whatever becomes of the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// It took the call.
    Well,
    /// It is there and refuses this call.
    Refusing,
    /// It is there and asks for less.
    Throttling,
    /// It answers that it is in trouble.
    Failing,
    /// No answer came: no name, no connection, no secure one, no end in time.
    Silent,
    /// Nothing: the request did not leave, or nobody knows what came of it.
    None,
}

impl Sign {
    /// Whether the endpoint is in trouble, so that it had better be left alone for a while.
    pub const fn is_bad(self) -> bool {
        matches!(self, Sign::Failing | Sign::Silent)
    }
}

/// What an outcome says about the endpoint.
pub const fn sign_of(outcome: Outcome) -> Sign {
    match outcome {
        Outcome::Response { status: 200..=299 } => Sign::Well,
        Outcome::Response { status: 429 } => Sign::Throttling,
        Outcome::Response { status: 500..=599 } => Sign::Failing,
        Outcome::Response { .. } => Sign::Refusing,
        Outcome::Timeout | Outcome::Connection | Outcome::NameResolution | Outcome::Tls => Sign::Silent,
        Outcome::BlockedAddress | Outcome::Invalid => Sign::None,
        Outcome::Unknown | Outcome::NoResources | Outcome::Expired => Sign::None,
    }
}
