//! Time in the simulation: what really passes, across lives of the node, and what the node's clock shows.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bellwire::clock::Clock;
use tokio::time::Instant;

/// The clock on the wall of a simulated machine. It goes with the runtime's time while a life lasts, and can be set.
pub(crate) struct SimClock(Mutex<Face>);

struct Face {
    /// When this life began, by the runtime.
    begun: Option<Instant>,
    /// Milliseconds that had passed when this life began.
    passed_ms: u64,
    /// What the clock shows beyond what has passed.
    ahead_ms: u64,
    /// When it was set last, as time that had passed.
    set_at_ms: Option<u64>,
}

impl Face {
    fn passed_ms(&self) -> u64 {
        self.passed_ms + self.begun.map_or(0, |begun| begun.elapsed().as_millis() as u64)
    }
}

impl SimClock {
    /// A clock that shows this moment when nothing has passed.
    pub(crate) fn new(shows_ms: u64) -> SimClock {
        SimClock(Mutex::new(Face { begun: None, passed_ms: 0, ahead_ms: shows_ms, set_at_ms: None }))
    }

    fn face(&self) -> MutexGuard<'_, Face> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes with the runtime that this is called in, from now on.
    pub(crate) fn start(&self) {
        self.face().begun = Some(Instant::now());
    }

    /// Stands still.
    pub(crate) fn stop(&self) {
        let mut face = self.face();
        face.passed_ms = face.passed_ms();
        face.begun = None;
    }

    /// Milliseconds that have really passed since the beginning of the history.
    pub(crate) fn passed_ms(&self) -> u64 {
        self.face().passed_ms()
    }

    /// Somebody sets the clock.
    pub(crate) fn jump(&self, by_ms: i64) {
        let mut face = self.face();
        face.set_at_ms = Some(face.passed_ms());
        face.ahead_ms = face.ahead_ms.saturating_add_signed(by_ms);
    }

    /// Whether nobody has set the clock since this much had passed.
    pub(crate) fn is_even_since(&self, passed_ms: u64) -> bool {
        self.face().set_at_ms.is_none_or(|set| set < passed_ms)
    }
}

impl Clock for SimClock {
    fn now_ms(&self) -> u64 {
        let face = self.face();
        face.ahead_ms + face.passed_ms()
    }
}
