//! The lying network: endpoints with manners of their own, and a transport that tells the ledger what really happened.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwire::net::{Exchange, OutgoingRequest, ReceivedResponse, Sending, Timing, Transport};
use bellwire_core::call::Outcome;

use crate::chance::Chance;
use crate::ledger::Outgoing;
use crate::world::World;

/// Endpoints of a history. The first is always well.
pub(crate) const ENDPOINTS: u64 = 7;
/// The longest that an endpoint takes which is well, in milliseconds.
pub(crate) const WELL_MS: u64 = 40;

/// How an endpoint answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// 2xx, soon.
    Well,
    /// 2xx, after seconds.
    Slow,
    /// Never.
    Hang,
    /// 2xx, when nobody waits for it any more.
    TooLate,
    /// Always this status.
    Status(u16),
    /// 429 or 503, and not before so many seconds.
    RetryAfter(u16, u64),
    /// Nobody listens.
    Refuse,
    /// The connection ends without an answer, with or without the request having been read.
    Reset,
    /// Its name is not known.
    NoName,
    /// No secure connection.
    Insecure,
    /// A head, and a body without an end.
    EndlessBody,
    /// This machine has no socket left for it, most of the time.
    NoRoom,
    /// Something else every time.
    Moody,
}

const MOODS: [Manner; 7] = [
    Manner::Well,
    Manner::Well,
    Manner::Status(503),
    Manner::Reset,
    Manner::Hang,
    Manner::RetryAfter(429, 5),
    Manner::Slow,
];

/// All endpoints, and whether they can be reached.
pub(crate) struct Network {
    chance: Chance,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    manners: BTreeMap<u64, Manner>,
    is_cut: bool,
}

/// What will come of one request.
struct Fate {
    after_ms: u64,
    outcome: Outcome,
    retry_after: Option<u64>,
    has_head: bool,
}

impl Network {
    pub(crate) fn new(chance: Chance) -> Network {
        Network { chance, state: Mutex::default() }
    }

    /// From now on an endpoint has these manners.
    pub(crate) fn set(&self, endpoint: u64, manner: Manner) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).manners.insert(endpoint, manner);
    }

    /// No endpoint but the first can be reached, or all can again.
    pub(crate) fn cut(&self, is_cut: bool) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_cut = is_cut;
    }

    /// All can be reached, and all are well.
    pub(crate) fn heal(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    fn manner(&self, endpoint: u64) -> Manner {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let manner = state.manners.get(&endpoint).copied().unwrap_or(Manner::Well);
        if endpoint > 0 && state.is_cut { self.chance.pick(&[Manner::Hang, Manner::Refuse]) } else { manner }
    }

    fn fate(&self, endpoint: u64, timeout_ms: u64) -> Fate {
        let chance = &self.chance;
        let soon = chance.between(1, WELL_MS);
        let fate = |after_ms, outcome| Fate { after_ms, outcome, retry_after: None, has_head: false };
        let answer = |after_ms, status| fate(after_ms, Outcome::Response { status });
        match self.manner(endpoint) {
            Manner::Well => answer(soon, chance.pick(&[200, 201, 204])),
            Manner::Slow => answer(chance.between(1_000, timeout_ms), 200),
            Manner::Hang | Manner::TooLate => fate(timeout_ms, Outcome::Timeout),
            Manner::Status(status) => answer(soon, status),
            Manner::RetryAfter(status, seconds) => {
                Fate { retry_after: Some(seconds), ..answer(soon, status) }
            }
            Manner::Refuse => fate(soon, Outcome::Connection),
            Manner::Reset => fate(chance.between(0, 5_000), Outcome::Connection),
            Manner::NoName => fate(soon, Outcome::NameResolution),
            Manner::Insecure => fate(soon, Outcome::Tls),
            Manner::EndlessBody => Fate { has_head: true, ..fate(timeout_ms, Outcome::Timeout) },
            Manner::NoRoom if chance.percent(70) => fate(0, Outcome::NoResources),
            Manner::NoRoom => answer(soon, 200),
            Manner::Moody => {
                self.set(endpoint, chance.pick(&MOODS));
                let fate = self.fate(endpoint, timeout_ms);
                self.set(endpoint, Manner::Moody);
                fate
            }
        }
    }
}

/// The way out of the simulated machine.
pub(crate) struct SimTransport(pub(crate) Arc<World>);

impl Transport for SimTransport {
    fn send(&self, request: OutgoingRequest) -> Sending<'_> {
        Box::pin(self.exchange(request))
    }
}

impl SimTransport {
    async fn exchange(&self, request: OutgoingRequest) -> Exchange {
        let world = &self.0;
        if world.disk.is_crashed() {
            std::future::pending::<()>().await;
        }
        let outgoing = Outgoing::read(&request);
        let place = world.sent(&outgoing);
        let mut under_way = UnderWay { world, place: Some(place) };
        let timeout_ms = request.timeout.as_millis() as u64;
        let fate = world.network.fate(outgoing.endpoint, timeout_ms);
        tokio::time::sleep(Duration::from_millis(fate.after_ms)).await;
        if let Some(place) = under_way.place.take() {
            world.exchange_ended(place, fate.outcome, fate.retry_after);
        }
        fate.into_exchange()
    }
}

/// An exchange that is broken off unless it ends.
struct UnderWay<'a> {
    world: &'a World,
    place: Option<usize>,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.world.ledger().broken_off(place);
        }
    }
}

impl Fate {
    fn into_exchange(self) -> Exchange {
        let status = match self.outcome {
            Outcome::Response { status } => Some(status),
            _ => self.has_head.then_some(200),
        };
        let seconds = self.retry_after.map(|seconds| ("retry-after".to_owned(), seconds.to_string()));
        let response = status.map(|status| ReceivedResponse {
            status,
            headers: seconds.into_iter().collect(),
            body: b"said the endpoint".to_vec(),
            truncated: self.has_head,
        });
        let error = match self.outcome {
            Outcome::Response { .. } => None,
            outcome => Some(format!("The network of the simulation says {outcome:?}")),
        };
        Exchange { outcome: self.outcome, response, error, timing: Timing::default() }
    }
}
