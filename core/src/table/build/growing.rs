//! Storage that grows, for servers: the one file of the core that asks for memory, with the feature `alloc`.

use alloc::vec::Vec;

use super::filters::Hook;
use super::interner::Name;
use super::storage::{Full, List, Storage};
use super::trie::Node;

/// Lists on the heap: bounded by the limits of tables, not by a capacity.
#[derive(Clone, Copy, Debug)]
pub struct Growing;

impl Storage for Growing {
    type Bytes = Vec<u8>;
    type Segments = Vec<Name>;
    type Nodes = Vec<Node>;
    type Hooks = Vec<Hook>;
    type Links = Vec<u32>;
    type Keys = Vec<u64>;
    type Values = Vec<Name>;
    type Words = Vec<u32>;
    type ValueKeys = Vec<u64>;
}

impl<T: Copy> List<T> for Vec<T> {
    const EMPTY: Self = Vec::new();

    #[inline]
    fn push(&mut self, row: T) -> Result<(), Full> {
        Vec::push(self, row);
        Ok(())
    }

    fn as_slice(&self) -> &[T] {
        self
    }

    fn as_mut_slice(&mut self) -> &mut [T] {
        self
    }

    fn truncate(&mut self, length: usize) {
        Vec::truncate(self, length);
    }

    #[inline]
    fn extend(&mut self, rows: &[T]) -> Result<(), Full> {
        self.extend_from_slice(rows);
        Ok(())
    }

    fn resize(&mut self, length: usize, row: T) -> Result<(), Full> {
        Vec::resize(self, length, row);
        Ok(())
    }
}
