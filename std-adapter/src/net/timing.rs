//! How long each part of an exchange took, as seen from here.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use hyper::http::Extensions;
use hyper_util::client::legacy::connect::{CaptureConnection, Connection};

/// How long each part took, in microseconds. A part that did not happen is absent: a connection that was there
/// already needs no lookup, connect and TLS, a host that is an address needs no lookup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Looking the name up.
    pub lookup_us: Option<u64>,
    /// Making the TCP connection.
    pub connect_us: Option<u64>,
    /// The TLS handshake.
    pub tls_us: Option<u64>,
    /// From the connection being there to the response's head: the request on its way, and the endpoint's thinking.
    pub first_byte_us: Option<u64>,
    /// From the head to the end of the body, as far as it was read.
    pub body_us: Option<u64>,
}

/// The moments of one connection's making. Travels with the connection.
#[derive(Debug)]
pub(super) struct Marks {
    secure: bool,
    began: Instant,
    looked_up: OnceLock<Instant>,
    connected: OnceLock<Instant>,
    ready: OnceLock<Instant>,
}

impl Marks {
    /// Making a connection begins, with TLS or without.
    pub(super) fn begin(secure: bool) -> Arc<Marks> {
        let began = Instant::now();
        let [looked_up, connected, ready] = [const { OnceLock::new() }; 3];
        Arc::new(Marks { secure, began, looked_up, connected, ready })
    }

    pub(super) fn looked_up(&self) {
        self.looked_up.get_or_init(Instant::now);
    }

    pub(super) fn connected(&self) {
        self.connected.get_or_init(Instant::now);
    }

    /// The connection can be spoken on: TLS, if any, is done.
    pub(super) fn ready(connection: &impl Connection) {
        let mut extras = Extensions::new();
        connection.connected().get_extras(&mut extras);
        if let Some(marks) = extras.get::<Arc<Marks>>() {
            marks.ready.get_or_init(Instant::now);
        }
    }
}

/// The moments of one exchange.
pub(super) struct Stopwatch {
    began: Instant,
    head: Option<Instant>,
}

impl Stopwatch {
    pub(super) fn start() -> Stopwatch {
        Stopwatch { began: Instant::now(), head: None }
    }

    /// The response's head has come.
    pub(super) fn head(&mut self) {
        self.head = Some(Instant::now());
    }

    /// The exchange is over.
    pub(super) fn stop(self, connection: &CaptureConnection) -> Timing {
        let marks = marks_of(connection).filter(|marks| marks.began >= self.began);
        let mut timing = marks.as_deref().map(connecting).unwrap_or_default();
        let spoken_from = marks.and_then(|marks| marks.ready.get().copied()).unwrap_or(self.began);
        timing.first_byte_us = self.head.map(|head| between(spoken_from, head));
        timing.body_us = self.head.map(|head| between(head, Instant::now()));
        timing
    }
}

fn marks_of(connection: &CaptureConnection) -> Option<Arc<Marks>> {
    let mut extras = Extensions::new();
    connection.connection_metadata().as_ref()?.get_extras(&mut extras);
    extras.get::<Arc<Marks>>().cloned()
}

/// The parts of making a connection.
fn connecting(marks: &Marks) -> Timing {
    let looked_up = marks.looked_up.get().copied();
    let connected = marks.connected.get().copied();
    let ready = marks.ready.get().copied().filter(|_| marks.secure);
    Timing {
        lookup_us: looked_up.map(|moment| between(marks.began, moment)),
        connect_us: connected.map(|moment| between(looked_up.unwrap_or(marks.began), moment)),
        tls_us: connected.zip(ready).map(|(connected, ready)| between(connected, ready)),
        ..Timing::default()
    }
}

fn between(from: Instant, to: Instant) -> u64 {
    to.saturating_duration_since(from).as_micros() as u64
}
