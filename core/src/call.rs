//! How one call ended: the value that the sender gives and the delivery decision takes.

use serde::{Deserialize, Serialize};

/// How one attempt to call an endpoint ended.
///
/// The serialised form names the variant by its position, so new variants go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// The endpoint answered with this status.
    Response {
        /// The HTTP status as received.
        status: u16,
    },
    /// No complete answer within the time allowed.
    Timeout,
    /// The connection could not be made, or broke before the answer was complete.
    Connection,
    /// The host's name could not be resolved.
    NameResolution,
    /// No secure connection: handshake or certificate.
    Tls,
    /// The host resolves to an address that must not be called.
    BlockedAddress,
    /// The request could not be formed, for instance because a rendered URL or header is not valid.
    Invalid,
    /// Nobody knows: whoever called ended, or was told to stop, before an outcome was written down.
    Unknown,
    /// The request did not leave, because the caller's own machine had no descriptor, port or buffer for it.
    NoResources,
    /// No request was made in the time for which the delivery was kept.
    Expired,
}

impl Outcome {
    /// Whether the call counts as delivered: any status of 2xx.
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Response { status: 200..=299 })
    }

    /// The name in the activity log's `errors`, or `None` for a success.
    ///
    /// `ClientError` and `NameResolutionError` are Contentful's; the others are named in the same way.
    pub const fn error_name(&self) -> Option<&'static str> {
        match self {
            Self::Response { status: 200..=299 } => None,
            Self::Response { status: 300..=399 } => Some("RedirectError"),
            Self::Response { status: 400..=499 } => Some("ClientError"),
            Self::Response { status: 500..=599 } => Some("ServerError"),
            // A final answer of 1xx, or a number that is no status at all, breaks the protocol.
            Self::Response { .. } => Some("ProtocolError"),
            Self::Timeout => Some("TimeoutError"),
            Self::Connection => Some("ConnectionError"),
            Self::NameResolution => Some("NameResolutionError"),
            Self::Tls => Some("TlsError"),
            Self::BlockedAddress => Some("BlockedAddressError"),
            Self::Invalid => Some("RequestError"),
            Self::Unknown => Some("UnknownOutcomeError"),
            Self::NoResources => Some("ResourceError"),
            Self::Expired => Some("ExpiredError"),
        }
    }
}
