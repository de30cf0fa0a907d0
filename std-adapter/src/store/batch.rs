//! A batch: changes to any tables that take effect together or not at all.

use std::vec;

use super::{KEY_BYTES_MAX, StoreError, Table, VALUE_BYTES_MAX};

/// What a change costs beside its key and value: an engine's framing, roughly.
const CHANGE_OVERHEAD_BYTES: usize = 32;

/// Changes that take effect together or not at all.
///
/// Where a key is changed twice, the later change counts. So batches can be appended to one another without asking
/// what they touch.
///
/// ```
/// use bellwire::store::{Batch, Table};
///
/// let mut batch = Batch::new();
/// batch.put(Table::Meta, *b"color", *b"red");
/// batch.remove(Table::Meta, *b"color");
/// assert_eq!(batch.changes().collect::<Vec<_>>(), [(Table::Meta, &b"color"[..], None)]);
/// ```
#[derive(Default, Clone, PartialEq, Eq)]
pub struct Batch {
    changes: Vec<Change>,
    bytes: usize,
}

#[derive(Clone, PartialEq, Eq)]
struct Change {
    table: Table,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
}

impl Batch {
    /// A batch without changes.
    #[must_use]
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Sets the value at `key`, which may be empty.
    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.change(table, key.into(), Some(value.into()));
    }

    /// Takes `key` away; no error if it is not there.
    pub fn remove(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.change(table, key.into(), None);
    }

    /// Adds the changes of `later`, which win where both change the same key.
    pub fn append(&mut self, later: Batch) {
        if self.changes.is_empty() {
            *self = later;
            return;
        }
        self.bytes += later.bytes;
        self.changes.extend(later.changes);
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many changes were asked for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Keys, values and an engine's framing, approximately, of all changes that were asked for.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The changes by table and key: a value to set, or `None` to remove.
    #[must_use]
    pub fn changes(&self) -> Changes<'_> {
        let mut changes: Vec<&Change> = self.changes.iter().collect();
        // Stable, so that of changes of one key the latest comes last.
        changes.sort_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
        changes.dedup_by(|later, kept| {
            let is_same = (later.table, &later.key) == (kept.table, &kept.key);
            if is_same {
                *kept = *later;
            }
            is_same
        });
        Changes(changes.into_iter())
    }

    /// Refuses what no store takes: a key or value out of bounds.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let fits = |key: &[u8], value: Option<&[u8]>| {
            (1..=KEY_BYTES_MAX).contains(&key.len())
                && value.is_none_or(|value| value.len() <= VALUE_BYTES_MAX)
        };
        if self.changes.iter().all(|change| fits(&change.key, change.value.as_deref())) {
            Ok(())
        } else {
            Err(StoreError::TooLarge)
        }
    }

    fn change(&mut self, table: Table, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.bytes += key.len() + CHANGE_OVERHEAD_BYTES + value.as_ref().map_or(0, Vec::len);
        self.changes.push(Change { table, key, value });
    }
}

/// Sizes only: keys and values may hold secrets.
impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("len", &self.len()).field("bytes", &self.bytes).finish()
    }
}

/// The changes of a [`Batch`], see [`Batch::changes`].
#[derive(Clone)]
pub struct Changes<'a>(vec::IntoIter<&'a Change>);

impl<'a> Iterator for Changes<'a> {
    type Item = (Table, &'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let Change { table, key, value } = self.0.next()?;
        Some((*table, key, value.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_change_of_a_key_counts() {
        let mut batch = Batch::new();
        batch.put(Table::Meta, *b"k", *b"1");
        batch.put(Table::Spaces, *b"k", *b"other");
        batch.put(Table::Meta, *b"a", *b"first");
        batch.put(Table::Meta, *b"k", *b"2");
        batch.remove(Table::Meta, *b"k");
        let changes: Vec<_> = batch.changes().collect();
        let expected = [
            (Table::Meta, &b"a"[..], Some(&b"first"[..])),
            (Table::Meta, b"k", None),
            (Table::Spaces, b"k", Some(b"other")),
        ];
        assert_eq!(changes, expected);
    }

    #[test]
    fn later_batch_wins() {
        let (mut first, mut later) = (Batch::new(), Batch::new());
        first.put(Table::Meta, *b"a", *b"1");
        first.put(Table::Meta, *b"b", *b"1");
        later.put(Table::Meta, *b"a", *b"2");
        first.append(later);
        let values: Vec<_> = first.changes().map(|(_, _, value)| value.unwrap_or_default()).collect();
        assert_eq!(values, [b"2", b"1"]);
    }

    #[test]
    fn debug_shows_no_values() {
        let mut batch = Batch::new();
        batch.put(Table::Tokens, *b"k", *b"secret");
        assert!(!format!("{batch:?}").contains("secret"));
    }
}
