//! What a caller may do: the functions that the HTTP API and the web app share, and the parts they work with.

pub mod access;
pub mod backtest;
pub mod calls;
pub mod definitions;
pub mod events;
pub mod fault;
pub mod rate;
pub mod settings;
pub mod tokens;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use self::access::{Caller, Wish};
pub use self::fault::Fault;
use self::rate::Rates;
use crate::calls::CallLog;
use crate::deliver::Deliveries;
use crate::events::EventLog;
use crate::id::IdMaker;
use crate::ingest::Ingest;
use crate::metrics::Metrics;
use crate::net::AddressPolicy;
use crate::store::Committer;
use crate::tokens::Tokens;
use crate::webhooks::Registry;

/// Everything that endpoints and pages work with.
pub struct App {
    /// Spaces and definitions.
    pub registry: Arc<Registry>,
    /// Access tokens.
    pub tokens: Tokens,
    /// The activity log.
    pub calls: Arc<CallLog>,
    /// The events that were accepted.
    pub events: EventLog,
    /// The way in for events.
    pub ingest: Arc<Ingest>,
    /// The delivery engine.
    pub deliveries: Deliveries,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The way into the store, to see whether it still takes changes.
    pub committer: Committer,
    /// Makes ids.
    pub ids: Arc<IdMaker>,
    /// Requests that each token has left.
    pub rates: Rates,
    /// Webhooks that a space may have.
    pub webhooks_per_space: usize,
    /// Which endpoints a definition may name.
    pub policy: AddressPolicy,
    /// Whether the server is stopping: it answers what is under way and is no longer ready.
    pub stopping: AtomicBool,
}
