//! One seed, one history.

use std::cell::Cell;
use std::sync::{Arc, Once};

use crate::life::{End, live};
use crate::world::World;

/// Acts of one history.
const ACTS: u32 = 150;
/// Lives of one history at the most: more than its acts can end.
const LIVES_MAX: u32 = 1_000;

thread_local! {
    /// Panics on this thread: those in tasks are caught by the runtime, and nobody else would hear of them.
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.set(PANICS.get() + 1);
            before(panic);
        }));
    });
    PANICS.set(0);
}

/// What became of a history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) problems: Vec<String>,
    /// The same for two histories only if they are the same.
    pub(crate) digest: u64,
    pub(crate) passed_ms: u64,
    pub(crate) accepted: u64,
    pub(crate) requests: usize,
    pub(crate) lives: u32,
}

/// Plays the history of a seed to its end.
pub(crate) fn play(seed: u64) -> Report {
    count_panics();
    let world = Arc::new(World::new(seed));
    let (mut acts_left, mut lives) = (ACTS, 0);
    loop {
        lives += 1;
        if live(&world, &mut acts_left) == End::Over {
            break;
        }
        if lives == LIVES_MAX {
            world.ledger().broken("the node comes up again by itself", "it does not");
            break;
        }
    }
    let mut ledger = world.ledger();
    ledger.audit();
    if PANICS.get() > 0 {
        ledger.broken("nothing panics", &format!("{} panics, see above", PANICS.get()));
    }
    Report {
        seed,
        problems: ledger.problems().to_vec(),
        digest: ledger.digest(),
        passed_ms: ledger.now_ms(),
        accepted: ledger.accepted(),
        requests: ledger.requests(),
        lives,
    }
}
