//! The trie of patterns while a table is built: nodes with links, not yet packed.

use crate::table::error::TableError;
use crate::table::walk::{ANY, FIRST_SEGMENT, ROWS, TAIL};
use crate::table::width::child;
use crate::topic::TopicPattern;

use super::chains::{Chains, Link};
use super::interner::Interner;
use super::storage::{Full, List, Storage};
use super::{PATTERN_ERRORS, patterns_full};

/// No node.
pub(super) const NOWHERE: u32 = u32::MAX;

/// A node of the trie. A [`Storage`](super::Storage) keeps it and cannot look inside.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    pub(super) parent: u32,
    /// What leads here from the parent: the code of `*` or of `**`, or the place of a segment behind that for rows.
    label: u32,
    hash: u32,
    next: u32,
    first_child: u32,
    sibling: u32,
    pub(super) children: u32,
    /// Where it was packed.
    pub(super) slot: u32,
    pub(super) base: u32,
    /// Its rows among all.
    pub(super) rows_start: u32,
    pub(super) rows_end: u32,
}

impl Node {
    /// How many rows it has.
    pub(super) const fn rows(&self) -> u32 {
        self.rows_end.wrapping_sub(self.rows_start)
    }

    /// Whether it has rows and children, so that its rows need a slot of their own.
    pub(super) const fn is_both(&self) -> bool {
        self.rows() > 0 && self.children > 0
    }

    /// The slot that has its rows, in an image of words of so many bytes.
    pub(super) const fn rows_slot(&self, word_bytes: u8) -> u32 {
        if self.is_both() { child(word_bytes, self.base, ROWS) } else { self.slot }
    }
}

impl Link for Node {
    fn hash(&self) -> u32 {
        self.hash
    }

    fn next(&self) -> u32 {
        self.next
    }

    fn set_next(&mut self, next: u32) {
        self.next = next;
    }
}

/// All nodes; the first is the root, once there is a pattern.
pub(super) struct Trie<S: Storage> {
    pub(super) nodes: S::Nodes,
    chains: Chains<Node, S::Links>,
    pub(super) segments: Interner<S::Segments, S::Links, S::Bytes>,
}

impl<S: Storage> Trie<S> {
    pub(super) const EMPTY: Self =
        Self { nodes: S::Nodes::EMPTY, chains: Chains::EMPTY, segments: Interner::EMPTY };

    /// How many nodes and segments there are.
    pub(super) fn lengths(&self) -> [usize; 2] {
        [self.nodes.as_slice().len(), self.segments.len()]
    }

    /// Drops what came since there were so many.
    pub(super) fn truncate(&mut self, [nodes, segments]: [usize; 2]) {
        while self.nodes.as_slice().len() > nodes
            && let Some(node) = self.nodes.as_slice().last().copied()
        {
            self.chains.remove_last(&node);
            if let Some(parent) = self.node_mut(node.parent) {
                parent.first_child = node.sibling;
                parent.children = parent.children.wrapping_sub(1);
            }
            self.nodes.truncate(self.nodes.as_slice().len().wrapping_sub(1));
        }
        self.segments.truncate(segments);
    }

    /// The node where a pattern ends.
    pub(super) fn insert(&mut self, pattern: &TopicPattern<'_>) -> Result<u32, TableError> {
        let mut node = self.root()?;
        for segment in pattern.segments() {
            let label = match segment {
                "*" => ANY,
                "**" => TAIL,
                _ => {
                    let place = self.segments.intern([segment.as_bytes(), b""], &PATTERN_ERRORS)?;
                    place.saturating_add(FIRST_SEGMENT)
                }
            };
            node = self.child(node, label)?;
        }
        Ok(node)
    }

    /// The root, which is there from the first call on.
    pub(super) fn root(&mut self) -> Result<u32, TableError> {
        if self.nodes.as_slice().is_empty() { self.add(NOWHERE, NOWHERE) } else { Ok(0) }
    }

    /// The child of a node under a label; a new one is put in.
    pub(super) fn child(&mut self, parent: u32, label: u32) -> Result<u32, TableError> {
        let is_it = |node: &Node| (node.parent, node.label) == (parent, label);
        match self.chains.find(self.nodes.as_slice(), hash(parent, label), is_it) {
            Some(node) => Ok(node),
            None => self.add(parent, label),
        }
    }

    fn add(&mut self, parent: u32, label: u32) -> Result<u32, TableError> {
        let number = self.nodes.as_slice().len() as u32;
        let node = Node {
            parent,
            label,
            hash: hash(parent, label),
            next: NOWHERE,
            first_child: NOWHERE,
            sibling: self.node(parent).map_or(NOWHERE, |above| above.first_child),
            children: 0,
            slot: 0,
            base: 0,
            rows_start: 0,
            rows_end: 0,
        };
        self.nodes.push(node).map_err(patterns_full)?;
        self.chains.insert_last(self.nodes.as_mut_slice());
        if let Some(above) = self.node_mut(parent) {
            above.first_child = number;
            above.children = above.children.wrapping_add(1);
        }
        Ok(number)
    }

    pub(super) fn node(&self, number: u32) -> Option<&Node> {
        self.nodes.as_slice().get(number as usize)
    }

    pub(super) fn node_mut(&mut self, number: u32) -> Option<&mut Node> {
        self.nodes.as_mut_slice().get_mut(number as usize)
    }

    /// Numbers segments by how many nodes they lead to, so that most children have codes close to each other and to that
    /// of `*`, and are packed closely. `keys` holds their places in this order afterwards.
    pub(super) fn number_segments(&mut self, keys: &mut impl List<u64>) -> Result<(), Full> {
        keys.truncate(0);
        (0..self.segments.len() as u64).try_for_each(|place| keys.push(u64::from(u32::MAX) << 32 | place))?;
        for node in self.nodes.as_slice() {
            let place = node.label.checked_sub(FIRST_SEGMENT);
            if let Some(key) = place.and_then(|place| keys.as_mut_slice().get_mut(place as usize)) {
                *key = key.wrapping_sub(1 << 32);
            }
        }
        keys.as_mut_slice().sort_unstable();
        for (number, key) in (0_u32..).zip(keys.as_slice()) {
            if let Some(name) = self.segments.name_mut(*key as u32) {
                name.number = number;
            }
        }
        Ok(())
    }

    /// The code of a label once segments are numbered.
    fn code(&self, label: u32) -> u32 {
        match label.checked_sub(FIRST_SEGMENT).and_then(|place| self.segments.name(place)) {
            Some(name) => name.number.wrapping_add(FIRST_SEGMENT),
            None => label,
        }
    }

    /// The codes of the slots below a node.
    pub(super) fn codes(&self, parent: u32) -> impl Iterator<Item = u32> {
        let rows = self.node(parent).filter(|node| node.is_both()).map(|_| ROWS);
        self.children(parent).map(|(code, _)| code).chain(rows)
    }

    /// The children of a node, as code and number.
    pub(super) fn children(&self, parent: u32) -> impl Iterator<Item = (u32, u32)> {
        let first = self.node(parent).and_then(|node| self.coded(node.first_child));
        core::iter::successors(first, |(_, child)| self.next_child(*child))
    }

    /// The child that comes after this one.
    pub(super) fn next_child(&self, child: u32) -> Option<(u32, u32)> {
        self.coded(self.node(child)?.sibling)
    }

    fn coded(&self, number: u32) -> Option<(u32, u32)> {
        self.node(number).map(|node| (self.code(node.label), number))
    }
}

fn hash(parent: u32, label: u32) -> u32 {
    (parent.wrapping_mul(0x9e37_79b1) ^ label).wrapping_mul(0x85eb_ca77)
}
