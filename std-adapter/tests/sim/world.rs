//! The world of one history: what outlives the node.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellwire::app::App;
use bellwire_core::call::Outcome;
use bellwire_core::time::HOUR_MS;

use crate::chance::Chance;
use crate::clock::SimClock;
use crate::disk::{Disk, PACE_MS, Trouble};
use crate::ledger::{Ledger, Outgoing};
use crate::network::Network;

/// What the clock shows when a history begins: some day in 2033.
const BEGIN_MS: u64 = 2_000_000_000_000;

/// What differs from history to history and stays in one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) retry_delay_ms: u64,
    pub(crate) retry_connection_errors: bool,
    pub(crate) lane_places: u16,
    pub(crate) places: usize,
    /// The longest between two acts, in milliseconds.
    pub(crate) gap_ms_max: u64,
    /// How long events are kept that nothing is owed of, and deliveries to an endpoint that is left alone.
    pub(crate) retention_ms: u64,
    /// Whether there are publishes of more events than a lane keeps in memory.
    pub(crate) has_floods: bool,
}

/// The world of one history.
pub(crate) struct World {
    pub(crate) rules: Rules,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) disk: Arc<Disk>,
    pub(crate) network: Network,
    pub(crate) chance: Chance,
    ledger: Mutex<Ledger>,
}

impl World {
    pub(crate) fn new(seed: u64, problems_max: usize) -> World {
        let chance = Chance::new(seed, 1);
        let rules = Rules {
            retry_delay_ms: chance.pick(&[1_000, 30_000, 30_000]),
            retry_connection_errors: chance.percent(50),
            lane_places: chance.pick(&[1, 3, 16]),
            places: chance.pick(&[2, 4, 8, 16, 64]),
            gap_ms_max: chance.pick(&[1_000_000, 3_000_000, 10_000_000]),
            has_floods: chance.percent(20),
            retention_ms: chance.pick(&[HOUR_MS / 2, 3 * HOUR_MS, 72 * HOUR_MS]),
        };
        let clock = Arc::new(SimClock::new(BEGIN_MS));
        World {
            rules,
            disk: Arc::new(Disk::new(Chance::new(seed, 2))),
            network: Network::new(Chance::new(seed, 3)),
            chance,
            ledger: Mutex::new(Ledger::new(rules, clock.clone(), problems_max)),
            clock,
        }
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn passed_ms(&self) -> u64 {
        self.clock.passed_ms()
    }

    /// A request leaves. Answers with its place in the ledger.
    pub(crate) fn sent(&self, outgoing: &Outgoing) -> usize {
        self.ledger().sent(outgoing, &self.disk)
    }

    /// The node learns what came of a request.
    pub(crate) fn exchange_ended(&self, place: usize, outcome: Outcome, retry_after: Option<u64>) {
        self.ledger().ended(place, outcome, retry_after);
    }

    /// The disk does something else from now on.
    pub(crate) fn set_trouble(&self, trouble: Trouble) {
        self.disk.set_trouble(trouble);
        self.ledger().disk_changed(trouble != Trouble::None);
    }

    /// The longest that one commit takes while nothing is wrong.
    pub(crate) const COMMIT_MS: u64 = 2 * PACE_MS;
}

/// The node at work in one life, and its space.
#[derive(Clone)]
pub(crate) struct Life {
    pub(crate) world: Arc<World>,
    pub(crate) app: Arc<App>,
}
