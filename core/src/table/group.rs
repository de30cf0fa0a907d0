//! Groups: the rows of a node with many filters, under a value that each of them asks for.
//!
//! A row whose filters ask for a value stands under the rarest such value, so that an event with another one never
//! comes to it. Rows that ask for none stand under [`REST`].

use super::judge::DOCS_KNOWN;
use super::layout::Part;
use super::view::View;
use super::width::Width;
use crate::steps;

/// The key of the rows that ask for no value; the last of a group.
pub(super) const REST: u32 = u32::MAX;

/// The key of an attribute and a value.
pub(super) const fn key(doc: u8, value: u32) -> u32 {
    (doc as u32) << 24 | value
}

/// The groups of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// The node.
    pub(super) slot: u32,
    /// Its keys among all, ascending.
    pub(super) keys_start: u32,
    pub(super) keys_end: u32,
    /// A bit for each attribute of its keys.
    pub(super) docs: u32,
}

impl Group {
    pub(super) fn read(bytes: &[u8; 16]) -> Self {
        let [slot, keys_start, keys_end, docs] = numbers(bytes.as_chunks().0);
        Self { slot, keys_start, keys_end, docs }
    }

    pub(super) fn to_words(self) -> [u32; 4] {
        [self.slot, self.keys_start, self.keys_end, self.docs]
    }

    /// The attributes of its keys.
    pub(super) fn docs(&self) -> impl Iterator<Item = u8> + use<> {
        let docs = self.docs;
        (0..DOCS_KNOWN as u8).filter(move |doc| docs & 1_u32.wrapping_shl((*doc).into()) != 0)
    }
}

/// The rows under one key: a list among the postings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupKey {
    pub(super) key: u32,
    pub(super) start: u32,
    pub(super) end: u32,
}

impl GroupKey {
    pub(super) fn read(bytes: &[u8; 12]) -> Self {
        let [key, start, end] = numbers(bytes.as_chunks().0);
        Self { key, start, end }
    }

    pub(super) fn to_words(self) -> [u32; 3] {
        [self.key, self.start, self.end]
    }
}

fn numbers<const N: usize>(words: &[[u8; 4]]) -> [u32; N] {
    let mut numbers = [0; N];
    for (number, word) in numbers.iter_mut().zip(words) {
        *number = u32::from_le_bytes(*word);
    }
    numbers
}

impl<'t, W: Width> View<'t, W> {
    pub(super) fn groups(&self) -> &'t [[u8; 16]] {
        self.part(Part::Groups).as_chunks().0
    }

    pub(super) fn group_keys(&self) -> &'t [[u8; 12]] {
        self.part(Part::GroupKeys).as_chunks().0
    }

    /// The groups of a node, if it has any.
    pub(super) fn group(&self, slot: u32) -> Option<Group> {
        let groups = self.groups();
        let slot_of = |bytes: &[u8; 16]| {
            steps::count(1);
            Group::read(bytes).slot
        };
        let at = groups.binary_search_by_key(&slot, slot_of).ok()?;
        groups.get(at).map(Group::read)
    }

    /// The keys of a group.
    pub(super) fn keys_of(&self, group: &Group) -> &'t [[u8; 12]] {
        self.group_keys().get(group.keys_start as usize..group.keys_end as usize).unwrap_or_default()
    }
}

/// The rows under the last key, if that is [`REST`].
pub(super) fn rows_of_the_rest(keys: &[[u8; 12]]) -> Option<GroupKey> {
    steps::count(1);
    keys.last().map(GroupKey::read).filter(|rows| rows.key == REST)
}

/// The rows under a key.
pub(super) fn rows_under(keys: &[[u8; 12]], key: u32) -> Option<GroupKey> {
    let key_of = |bytes: &[u8; 12]| {
        steps::count(1);
        GroupKey::read(bytes).key
    };
    let at = keys.binary_search_by_key(&key, key_of).ok()?;
    keys.get(at).map(GroupKey::read)
}
