//! Which of the events that came in lately a definition would have matched, before it is saved.

use std::sync::Arc;

use super::events::Event;
use super::{App, Fault};
use crate::webhooks::definition::Definition;
use crate::webhooks::{Live, Space, TableFault, Webhook};

/// Events that are looked at.
pub const EVENTS_MAX: usize = 200;
/// Bytes of payloads that are read at the most; the event that passes the bound is the last one.
pub const BYTES_MAX: usize = 8_000_000;
/// Matching events that are shown.
pub const SAMPLES_MAX: usize = 5;

/// What a definition would have matched.
pub struct Backtest {
    /// Events that were looked at, the newest.
    pub looked_at: usize,
    /// Those that match.
    pub matched: usize,
    /// The newest of those.
    pub samples: Vec<Event>,
    /// The webhook as it would be.
    pub webhook: Arc<Webhook>,
}

/// Tries a definition on the newest events of a space, as if it were active.
///
/// # Errors
/// `Change` when it does not fit a table, `Store`.
pub fn backtest(app: &App, space: &Space, definition: Definition) -> Result<Backtest, Fault> {
    let live = Live::draft(Definition { active: true, ..definition }).map_err(fault)?;
    let mut test =
        Backtest { looked_at: 0, matched: 0, samples: Vec::new(), webhook: live.webhooks[0].clone() };
    let mut bytes = 0;
    for id in app.events.newest(space.uid, None, EVENTS_MAX)? {
        if bytes > BYTES_MAX {
            break;
        }
        let Some(record) = app.events.read(space.uid, id)? else { continue };
        bytes += record.payload.len();
        test.look(Event::new(id, record), &live);
    }
    Ok(test)
}

fn fault(cause: TableFault) -> Fault {
    Fault::Change(cause.into())
}

impl Backtest {
    fn look(&mut self, event: Event, live: &Live) {
        self.looked_at += 1;
        if event.matching(live).is_empty() {
            return;
        }
        self.matched += 1;
        if self.samples.len() < SAMPLES_MAX {
            self.samples.push(event);
        }
    }
}
