//! Whether something waits without a reason.

use std::collections::{BTreeMap, BTreeSet};

use bellwire::clock::Clock;
use bellwire::deliver::{Deliveries, Pause};
use bellwire::store::record::Owed;
use bellwire::store::{Range, Table};

use super::{Ledger, Make};
use crate::disk::Disk;

/// How often this is looked at.
pub(crate) const LOOK_EVERY_MS: u64 = 20_000;
/// So long after anything went wrong nothing waits for that any more: what could not be read waits a minute.
const CALM_MS: u64 = 90_000;
/// Waiting that needs no reason.
const LATE_MS: u64 = 10_000;

impl Ledger {
    /// A webhook whose deliveries are due, that has nothing under way, is not paused and has places to be had, gets a
    /// request before the next look.
    pub(crate) fn check_overdue(&mut self, disk: &Disk, deliveries: &Deliveries) {
        if !self.is_calm_for(CALM_MS) || (self.open.len() + 1) * 4 > self.rules.places {
            self.stuck.clear();
            return;
        }
        let before = std::mem::take(&mut self.stuck);
        for (make, uid) in self.overdue(disk) {
            let is_paused =
                |pause: Pause| pause.until_ms.is_none_or(|until| until + LATE_MS > self.clock.now_ms());
            let is_waiting = self.open_of(make) == 0 && !deliveries.pause(uid).is_some_and(is_paused);
            if is_waiting {
                self.stuck.insert(make, self.exchanges.len());
            }
        }
        let sent_since =
            |make: Make, count: usize| self.exchanges[count..].iter().any(|exchange| exchange.pair.0 == make);
        let broken: Vec<Make> = (self.stuck.keys().copied())
            .filter(|make| before.get(make).is_some_and(|count| !sent_since(*make, *count)))
            .collect();
        if !broken.is_empty() {
            self.stuck.clear();
            self.broken("what is due is attempted", &format!("webhooks {broken:?} wait without a reason"));
        }
    }

    /// Webhooks that are on and whose earliest delivery is late.
    fn overdue(&self, disk: &Disk) -> BTreeMap<Make, u64> {
        let late_ms = self.clock.now_ms().saturating_sub(LATE_MS);
        let mut late = BTreeMap::new();
        for (make, hook) in &self.hooks {
            let Some(uid) = hook.uid.filter(|_| !hook.is_gone && !hook.is_busy && hook.is_active) else {
                continue;
            };
            let rows = disk.rows(Table::Owed, &Range::prefix(&uid.to_be_bytes()));
            let mut before = BTreeSet::new();
            let is_late = |owed: Owed| {
                // Where order matters, whatever is behind another of its entity waits for that.
                let is_first = owed.record.entity.is_none_or(|entity| before.insert(entity));
                is_first && owed.due_ms() < late_ms
            };
            if rows.iter().filter_map(|row| Owed::from_row(row).ok()).any(is_late) {
                late.insert(*make, uid);
            }
        }
        late
    }
}
