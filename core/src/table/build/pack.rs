//! Packing the trie into a double array: a slot for each node, so that a child is found by one addition.
//!
//! Nodes with many children come first and take the first place where all of them fit, among a bounded number of
//! places; nodes with one child fill the holes, because their child can go anywhere.

use crate::table::walk::ROWS;
use crate::table::width::{none, ones};

use super::storage::{Full, List, Storage};
use super::trie::{Node, Trie};

/// Places that are looked at for the children of all nodes with several children, about; each has its share.
const LOOKS: usize = 1 << 22;
/// Places that are looked at for one node at least, and at most.
const LOOKS_MIN: usize = 64;
const LOOKS_MAX: usize = 1 << 14;

/// Why nodes could not be packed.
pub(super) enum PackError {
    /// There are more slots than words of this width can number.
    TooNarrow,
    /// The image has no room.
    Full(Full),
}

/// The slots of an image; while they are packed, nothing stands behind them.
pub(super) struct SlotList<'i, B> {
    image: &'i mut B,
    /// Where they start.
    start: usize,
    word_bytes: u8,
    count: u32,
    /// All slots before are taken.
    free_from: u32,
    /// Where nodes with several children look from.
    several_from: u32,
    /// Places that each of them looks at.
    looks: usize,
}

impl<'i, B: List<u8>> SlotList<'i, B> {
    /// The slots that start at byte `start` of the image.
    pub(super) fn new(image: &'i mut B, start: usize, word_bytes: u8) -> Self {
        Self { image, start, word_bytes, count: 0, free_from: 0, several_from: 0, looks: LOOKS_MAX }
    }

    /// Gives every node its slot and its base. The second word of each slot is the number of its
    /// node until [`SlotList::set`] writes it. Gives how many slots there are.
    pub(super) fn pack<S: Storage>(
        &mut self,
        trie: &mut Trie<S>,
        order: &mut impl List<u64>,
    ) -> Result<u32, PackError> {
        order.truncate(0);
        for (number, node) in (0_u32..).zip(trie.nodes.as_slice()) {
            if node.children > 0 {
                order.push(u64::from(!node.children) << 32 | u64::from(number)).map_err(PackError::Full)?;
            }
        }
        order.as_mut_slice().sort_unstable();
        let several = order.as_slice().partition_point(|key| key >> 32 < u64::from(!1_u32));
        self.looks = (LOOKS / several.max(1)).clamp(LOOKS_MIN, LOOKS_MAX);
        if !trie.nodes.as_slice().is_empty() {
            self.take(0, 0)?;
        }
        for key in order.as_slice() {
            self.place(trie, *key as u32)?;
        }
        Ok(self.count)
    }

    /// Gives the children of a node their slots.
    fn place<S: Storage>(&mut self, trie: &mut Trie<S>, parent: u32) -> Result<(), PackError> {
        let lowest = trie.codes(parent).min().unwrap_or_default();
        let first = if trie.codes(parent).nth(1).is_none() {
            self.first_free()
        } else {
            self.first_fit(lowest, || trie.codes(parent))
        };
        let base = first.wrapping_sub(lowest);
        if trie.node(parent).is_some_and(Node::is_both) {
            self.take(base.wrapping_add(ROWS), parent)?;
        }
        let mut next = trie.children(parent).next();
        while let Some((code, child)) = next {
            let slot = base.wrapping_add(code);
            self.take(slot, child)?;
            next = trie.next_child(child);
            if let Some(child) = trie.node_mut(child) {
                child.slot = slot;
            }
        }
        if let Some(node) = trie.node_mut(parent) {
            node.base = base & ones(self.word_bytes);
        }
        Ok(())
    }

    fn first_free(&mut self) -> u32 {
        while !self.is_free(self.free_from) {
            self.free_from = self.free_from.wrapping_add(1);
        }
        self.free_from
    }

    /// Where the child with the lowest code can go so that there is room for all others.
    fn first_fit<I: Iterator<Item = u32>>(&mut self, lowest: u32, codes: impl Fn() -> I) -> u32 {
        self.several_from = self.several_from.max(self.first_free());
        let end = self.count.min(self.several_from.saturating_add(self.looks as u32));
        for first in self.several_from..end {
            let base = first.wrapping_sub(lowest);
            if self.is_free(first) && codes().all(|code| self.is_free(base.wrapping_add(code))) {
                return first;
            }
        }
        if end < self.count {
            // The holes left behind are for nodes with one child.
            self.several_from = self.several_from.saturating_add(self.looks as u32 / 2);
        }
        self.count
    }

    fn is_free(&self, slot: u32) -> bool {
        slot >= self.count || self.node_word(slot) == ones(self.word_bytes)
    }

    fn take(&mut self, slot: u32, node: u32) -> Result<(), PackError> {
        if slot >= none(self.word_bytes) || node >= ones(self.word_bytes) {
            return Err(PackError::TooNarrow);
        }
        while self.count <= slot {
            let free = [0, ones(self.word_bytes)];
            free.into_iter().try_for_each(|word| self.push(word)).map_err(PackError::Full)?;
            self.count = self.count.wrapping_add(1);
        }
        self.set_word(slot, 1, node);
        Ok(())
    }

    fn push(&mut self, word: u32) -> Result<(), Full> {
        let bytes = word.to_le_bytes();
        self.image.extend(bytes.get(..self.word_bytes.into()).unwrap_or(&bytes))
    }

    /// The number of the node that is in a slot, or whose rows are, before it was set; `None` when it is free.
    pub(super) fn node(&self, slot: u32) -> Option<u32> {
        Some(self.node_word(slot)).filter(|node| *node != ones(self.word_bytes))
    }

    fn node_word(&self, slot: u32) -> u32 {
        let (at, word) = (self.at(slot, 1), usize::from(self.word_bytes));
        let mut bytes = [0; 4];
        if let (Some(from), Some(to)) =
            (self.image.as_slice().get(at..at.saturating_add(word)), bytes.get_mut(..word))
        {
            to.copy_from_slice(from);
        }
        u32::from_le_bytes(bytes)
    }

    /// Writes a slot.
    pub(super) fn set(&mut self, slot: u32, words: [u32; 2]) {
        for (number, word) in words.into_iter().enumerate() {
            self.set_word(slot, number, word);
        }
    }

    fn set_word(&mut self, slot: u32, number: usize, word: u32) {
        let at = self.at(slot, number);
        put(self.image.as_mut_slice(), at, self.word_bytes, word);
    }

    fn at(&self, slot: u32, number: usize) -> usize {
        let words = (slot as usize).saturating_mul(2).saturating_add(number);
        self.start.saturating_add(words.saturating_mul(self.word_bytes.into()))
    }
}

/// Writes a word at a place that is there already.
pub(super) fn put(image: &mut [u8], at: usize, word_bytes: u8, word: u32) {
    let count = usize::from(word_bytes);
    if let Some(place) = image.get_mut(at..at.saturating_add(count)) {
        for (place, byte) in place.iter_mut().zip(word.to_le_bytes()) {
            *place = byte;
        }
    }
}
