//! The network as the engine meets it: which addresses may be called, and one HTTP client that holds to it.
//!
//! [`check_url`] judges the text of a URL when a webhook is saved and again when its template was filled in;
//! [`HttpClient`] judges the address at every connect, whatever was judged before. So a name that changes its
//! address between the two ("DNS rebinding") is refused like one that always led there.
//!
//! This module knows no webhook and no store.

mod classify;
mod client;
mod connector;
mod guard;
mod resolver;
mod timing;
mod tls;
mod url;

pub use self::client::{
    CONNECT_TIMEOUT, ClientSettings, Exchange, HttpClient, IDLE_PER_HOST_MAX, IDLE_TIMEOUT, OutgoingRequest,
    RESPONSE_HEAD_BYTES_MAX, REUSED_CONNECTIONS_MAX, ReceivedResponse, Sending, Transport,
};
pub use self::guard::{AddressPolicy, BlockReason, BlockedAddress, is_public};
pub use self::resolver::{
    LOOKUPS_IN_FLIGHT_MAX, LookupError, Resolve, ResolveError, Resolving, ScriptedResolver, SystemResolver,
    checked_addresses,
};
pub use self::timing::Timing;
pub use self::tls::{RootsError, roots_from_pem};
pub use self::url::{URL_BYTES_MAX, UrlError, check_url};
