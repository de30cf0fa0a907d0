//! The crashing store: what was synced stays, what was only buffered may be lost, and every call may be the last.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwire::store::{Batch, Durability, Pace, Range, Row, Store, StoreError, Table};
use tokio::sync::Notify;

use crate::chance::Chance;

type Tables = [BTreeMap<Vec<u8>, Vec<u8>>; Table::ALL.len()];

/// The longest that half a commit or a read takes while nothing is wrong.
pub(crate) const PACE_MS: u64 = 20;
/// The same while the disk is slow.
const SLOW_MS: u64 = 1_500;

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing.
    None,
    /// Nothing can be written.
    Full,
    /// What comes from outside is refused.
    NearlyFull,
    /// Nothing can be written.
    ReadOnly,
    /// It takes its time.
    Slow,
    /// Some reads fail.
    BadReads,
    /// The next commit fails, and perhaps was written all the same.
    BadWrite,
}

/// How a life of the node ends, as its disk sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    /// The process is gone: what it handed over stays.
    Process,
    /// The power is gone: of what was not synced, what came first may stay.
    Power,
}

/// A disk: it outlives the node.
pub(crate) struct Disk {
    state: Mutex<State>,
    chance: Chance,
    /// The call came that is the last one.
    pub(crate) crashed: Notify,
}

#[derive(Default)]
struct State {
    synced: Tables,
    /// What is not synced, in order.
    buffered: Vec<Batch>,
    /// Both together: what the node sees.
    seen: Tables,
    trouble: Option<Trouble>,
    /// Calls until the last one.
    calls_left: Option<u64>,
    is_crashed: bool,
    is_stopped: bool,
}

impl Disk {
    pub(crate) fn new(chance: Chance) -> Disk {
        Disk { state: Mutex::default(), chance, crashed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn trouble(&self) -> Trouble {
        self.state().trouble.unwrap_or(Trouble::None)
    }

    pub(crate) fn set_trouble(&self, trouble: Trouble) {
        self.state().trouble = Some(trouble);
    }

    /// The node is gone after so many calls, before or after the last one takes effect.
    pub(crate) fn crash_after(&self, calls: u64) {
        self.state().calls_left = Some(calls);
    }

    /// No call is the last one.
    pub(crate) fn crash_never(&self) {
        self.state().calls_left = None;
    }

    /// Whether the last call came: whatever the node does since then, nobody sees.
    pub(crate) fn is_crashed(&self) -> bool {
        self.state().is_crashed
    }

    /// The node is started again on what is left. Answers with the keys of the calls that the log lost.
    pub(crate) fn reopen(&self, after: Option<Crash>) -> Vec<Vec<u8>> {
        let mut state = self.state();
        let mut lost = BTreeSet::new();
        if after == Some(Crash::Power) {
            let kept = self.chance.below(state.buffered.len() as u64 + 1) as usize;
            let before = calls_in(&state.buffered);
            state.buffered.truncate(kept);
            let mut tables = state.synced.clone();
            state.buffered.iter().for_each(|batch| apply(&mut tables, batch));
            lost = before;
            lost.retain(|key| !tables[Table::Calls as usize].contains_key(key));
            state.synced = tables.clone();
            state.seen = tables;
            state.buffered.clear();
        }
        if state.trouble == Some(Trouble::BadWrite) {
            state.trouble = None;
        }
        state.is_crashed = false;
        state.is_stopped = false;
        state.calls_left = None;
        lost.into_iter().collect()
    }

    /// Rows as the node would see them, whatever is wrong.
    pub(crate) fn rows(&self, table: Table, range: &Range<'_>) -> Vec<Row> {
        collect(&self.state().seen, table, range, usize::MAX)
    }

    /// A row as the node would see it, whatever is wrong.
    pub(crate) fn row(&self, table: Table, key: &[u8]) -> Option<Vec<u8>> {
        self.state().seen[table as usize].get(key).cloned()
    }

    /// Counts a call. Answers with whether it takes effect, and whether anybody learns of that.
    fn call(&self, state: &mut State) -> (bool, bool) {
        if state.is_crashed {
            return (false, false);
        }
        if let Some(left) = &mut state.calls_left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                state.is_crashed = true;
                self.crashed.notify_one();
                return (self.chance.percent(50), false);
            }
        }
        (true, true)
    }

    fn check_read(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let mut state = self.state();
        if !self.call(&mut state).1 {
            return Err(StoreError::Stopped);
        }
        if state.trouble == Some(Trouble::BadReads) && self.chance.percent(30) {
            return Err(broken());
        }
        Ok(state)
    }
}

fn calls_in(batches: &[Batch]) -> BTreeSet<Vec<u8>> {
    let changes = batches.iter().flat_map(|batch| batch.changes());
    let puts = changes.filter(|(table, _, value)| *table == Table::Calls && value.is_some());
    puts.map(|(_, key, _)| key.to_vec()).collect()
}

fn apply(tables: &mut Tables, batch: &Batch) {
    for (table, key, value) in batch.changes() {
        match value {
            Some(value) => tables[table as usize].insert(key.to_vec(), value.to_vec()),
            None => tables[table as usize].remove(key),
        };
    }
}

fn collect(tables: &Tables, table: Table, range: &Range<'_>, limit: usize) -> Vec<Row> {
    if range.is_empty() {
        return Vec::new();
    }
    let rows = tables[table as usize].range::<[u8], _>(range.bounds());
    let owned = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
    if range.is_reversed() {
        rows.rev().take(limit).map(owned).collect()
    } else {
        rows.take(limit).map(owned).collect()
    }
}

fn broken() -> StoreError {
    io::Error::other("the disk of the simulation is broken").into()
}

/// The disk as one life of the node has it open.
pub(crate) struct SimStore(pub(crate) Arc<Disk>);

impl Store for SimStore {
    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), StoreError> {
        let mut state = self.0.state();
        let (takes_effect, is_heard) = self.0.call(&mut state);
        if state.is_stopped || !(takes_effect || is_heard) {
            return Err(StoreError::Stopped);
        }
        let trouble = state.trouble;
        match trouble {
            Some(Trouble::Full) => return Err(StoreError::Full),
            Some(Trouble::ReadOnly) => return Err(StoreError::ReadOnly),
            Some(Trouble::BadWrite) => state.is_stopped = true,
            _ => {}
        }
        if trouble != Some(Trouble::BadWrite) || self.0.chance.percent(50) {
            apply(&mut state.seen, batch);
            state.buffered.push(batch.clone());
        }
        if state.is_stopped {
            return Err(broken());
        }
        if durability == Durability::Synced {
            let buffered = std::mem::take(&mut state.buffered);
            buffered.iter().for_each(|batch| apply(&mut state.synced, batch));
        }
        if is_heard { Ok(()) } else { Err(StoreError::Stopped) }
    }

    fn check_room(&self, _bytes: usize) -> Result<(), StoreError> {
        match self.0.trouble() {
            Trouble::Full | Trouble::NearlyFull => Err(StoreError::Full),
            Trouble::ReadOnly => Err(StoreError::ReadOnly),
            _ => Ok(()),
        }
    }

    fn pace(&self) -> Pace {
        let most = if self.0.trouble() == Trouble::Slow { SLOW_MS } else { PACE_MS };
        Pace::Simulated(Duration::from_millis(self.0.chance.below(most + 1)))
    }

    fn read(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.check_read()?.seen[table as usize].get(key).cloned())
    }

    fn scan(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Row>, StoreError> {
        Ok(collect(&self.0.check_read()?.seen, table, &range, limit))
    }

    fn scan_keys(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.scan(table, range, limit)?.into_iter().map(|(key, _)| key).collect())
    }
}
