//! Grouping the rows of nodes with many filters by the rarest value that each row asks for.

use crate::limits::TABLE_GROUP_ROWS_MIN;
use crate::table::group::{Group, REST, key};
use crate::table::judge::DOCS_KNOWN;

use super::filters::{Filters, Hook};
use super::storage::{Full, List, Storage};
use super::trie::Trie;

/// A row is put under so many values at most; a longer `in` is not grouped by.
const VALUES_MAX: usize = 16;

/// The keys of each row.
struct RowKeys<S: Storage> {
    /// For each row its key, or with [`SEVERAL`] where among the others its keys are.
    one: S::Links,
    /// Of each row with several keys their number and the keys.
    several: S::Words,
}

/// Marks a row that has several keys, or none: then it is [`REST`].
const SEVERAL: u32 = 1 << 31;

impl<S: Storage> RowKeys<S> {
    /// The keys of all rows, found in one go through the filters, which are far larger.
    fn new(filters: &Filters<S>, hooks: &[Hook]) -> Result<Self, Full> {
        let mut keys = Self { one: S::Links::EMPTY, several: S::Words::EMPTY };
        for hook in hooks {
            let mut own = keys_of(filters, hook);
            let one = match (own.len(), own.next()) {
                (1, Some(key)) => key,
                (count, Some(first)) => {
                    let at = keys.several.as_slice().len() as u32 | SEVERAL;
                    keys.several.push(count as u32)?;
                    keys.several.push(first)?;
                    own.try_for_each(|key| keys.several.push(key))?;
                    at
                }
                _ => REST,
            };
            keys.one.push(one)?;
        }
        Ok(keys)
    }

    /// The keys of a row; nothing when it asks for none.
    fn of(&self, row: u32) -> &[u32] {
        let one = self.one.as_slice().get(row as usize..).and_then(|rows| rows.get(..1)).unwrap_or_default();
        match one.first() {
            Some(&REST) => &[],
            Some(at) if at & SEVERAL != 0 => {
                let list = self.several.as_slice().get((at & !SEVERAL) as usize..).unwrap_or_default();
                let (count, keys) = list.split_first().unwrap_or((&0, &[]));
                keys.get(..*count as usize).unwrap_or_default()
            }
            _ => one,
        }
    }
}

/// The groups of all nodes that have some.
pub(super) struct Groups<S: Storage> {
    /// The nodes.
    nodes: S::Links,
    /// Where the entries of each node end.
    ends: S::Words,
    /// Key and row, ascending for each node.
    entries: S::ValueKeys,
}

impl<S: Storage> Groups<S> {
    /// Groups the rows of every node that is worth it. On a builder without the room the others are not grouped.
    pub(super) fn new(trie: &Trie<S>, filters: &Filters<S>, hooks: &[Hook], rules: &[u64]) -> Self {
        let mut groups = Self { nodes: S::Links::EMPTY, ends: S::Words::EMPTY, entries: S::ValueKeys::EMPTY };
        if filters.words.as_slice().is_empty() {
            return groups;
        }
        let Ok(keys) = RowKeys::new(filters, hooks) else { return groups };
        for (number, node) in (0_u32..).zip(trie.nodes.as_slice()) {
            let rows = rules.get(node.rows_start as usize..node.rows_end as usize).unwrap_or_default();
            if rows.len() >= TABLE_GROUP_ROWS_MIN && groups.add(number, &keys, rows).is_err() {
                break;
            }
        }
        groups
    }

    fn add(&mut self, node: u32, keys: &RowKeys<S>, rules: &[u64]) -> Result<(), Full> {
        let start = self.entries.as_slice().len();
        let grouped = self.push_entries(keys, rules);
        if !matches!(grouped, Ok(grouped) if grouped >= TABLE_GROUP_ROWS_MIN / 2) {
            self.entries.truncate(start);
            return grouped.map(|_| ());
        }
        let entries = self.entries.as_mut_slice().get_mut(start..).unwrap_or_default();
        entries.sort_unstable();
        let kept = remove_repeated(entries);
        self.entries.truncate(start.saturating_add(kept));
        let end = self.entries.as_slice().len() as u32;
        let pushed = self.nodes.push(node).and_then(|()| self.ends.push(end));
        pushed.inspect_err(|_| {
            self.nodes.truncate(self.ends.as_slice().len());
            self.entries.truncate(start);
        })
    }

    /// Appends the entries of all rows, and gives how many rows stand under a value.
    fn push_entries(&mut self, keys: &RowKeys<S>, rules: &[u64]) -> Result<usize, Full> {
        let mut grouped = 0_usize;
        for rule in rules {
            let row = *rule as u32;
            let own = keys.of(row);
            grouped = grouped.saturating_add(usize::from(!own.is_empty()));
            for key in if own.is_empty() { &[REST] } else { own } {
                self.entries.push(u64::from(*key) << 32 | u64::from(row))?;
            }
        }
        Ok(grouped)
    }

    pub(super) fn nodes(&self) -> &[u32] {
        self.nodes.as_slice()
    }

    /// All rows with their keys, node after node.
    pub(super) fn entries(&self) -> &[u64] {
        self.entries.as_slice()
    }

    /// The entries of each node.
    fn nodes_entries(&self) -> impl Iterator<Item = &[u64]> {
        let mut start = 0;
        self.ends.as_slice().iter().map(move |end| {
            let from = core::mem::replace(&mut start, *end);
            self.entries.as_slice().get(from as usize..*end as usize).unwrap_or_default()
        })
    }

    /// Each key of each node, and where its rows are among all entries.
    pub(super) fn keys(&self) -> impl Iterator<Item = (u32, [u32; 2])> {
        let mut at = 0_u32;
        self.nodes_entries().flat_map(by_key).map(move |rows| {
            let start = at;
            at = at.wrapping_add(rows.len() as u32);
            (key_of(rows), [start, at])
        })
    }

    /// The group of each node, its slot left open.
    pub(super) fn groups(&self) -> impl Iterator<Item = Group> {
        let mut at = 0_u32;
        self.nodes_entries().map(move |entries| {
            let mut group = Group { slot: 0, keys_start: at, keys_end: at, docs: 0 };
            for key in by_key(entries).map(key_of) {
                group.keys_end = group.keys_end.wrapping_add(1);
                group.docs |= if key == REST { 0 } else { 1 << (key >> 24) };
            }
            at = group.keys_end;
            group
        })
    }
}

/// Entries of one node, key after key.
fn by_key(entries: &[u64]) -> impl Iterator<Item = &[u64]> {
    entries.chunk_by(|a, b| a >> 32 == b >> 32)
}

fn key_of(entries: &[u64]) -> u32 {
    entries.first().map_or(REST, |entry| (entry >> 32) as u32)
}

/// The keys of the rarest values that a webhook asks for; nothing when it asks for none.
fn keys_of<S: Storage>(filters: &Filters<S>, hook: &Hook) -> impl ExactSizeIterator<Item = u32> {
    let uses = |place: &u32| filters.values.name(*place).map_or(0, |name| u64::from(name.uses));
    let usable = filters.clauses(hook).filter(|clause| {
        let values = clause.operands.len();
        clause.asks_for_a_value()
            && usize::from(clause.doc) < DOCS_KNOWN
            && (1..=VALUES_MAX).contains(&values)
    });
    let rarest = usable.min_by_key(|clause| clause.operands.iter().map(uses).sum::<u64>());
    let (doc, places) = rarest.map_or((0, &[][..]), |clause| (clause.doc, clause.operands));
    places.iter().map(move |place| key(doc, filters.number(*place)))
}

/// Moves each different entry to the front, and gives how many there are. Entries are sorted.
fn remove_repeated(entries: &mut [u64]) -> usize {
    let (mut kept, mut last) = (0_usize, None);
    for at in 0..entries.len() {
        let entry = entries.get(at).copied();
        if entry != last
            && let (Some(entry), Some(place)) = (entry, entries.get_mut(kept))
        {
            *place = entry;
            kept = kept.wrapping_add(1);
        }
        last = entry;
    }
    kept
}
