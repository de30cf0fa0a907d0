//! Storage of a size fixed by the type, for a stack or a `static`.

use super::filters::Hook;
use super::interner::Name;
use super::storage::{Full, List, Storage};
use super::trie::Node;

/// Room for `NODES` nodes of patterns, `WORDS` words of filters, and an image of `BYTES` bytes.
///
/// Nodes: one to begin with, then a pattern takes one for each segment, but patterns that start with the same segments
/// share the nodes of these. `NODES` also bounds how many patterns all webhooks have together. Words: two for a filter,
/// and one for each value beyond the first.
#[derive(Clone, Copy, Debug)]
pub struct Fixed<const NODES: usize, const WORDS: usize, const BYTES: usize>;

impl<const NODES: usize, const WORDS: usize, const BYTES: usize> Storage for Fixed<NODES, WORDS, BYTES> {
    type Bytes = FixedList<u8, BYTES>;
    type Segments = FixedList<Name, NODES>;
    type Nodes = FixedList<Node, NODES>;
    type Hooks = FixedList<Hook, NODES>;
    type Links = FixedList<u32, NODES>;
    type Keys = FixedList<u64, NODES>;
    type Values = FixedList<Name, WORDS>;
    type Words = FixedList<u32, WORDS>;
    type ValueKeys = FixedList<u64, WORDS>;
}

/// The bytes of an image that was built in [`Fixed`] storage, or copied; `BYTES` is how many fit.
///
/// ```
/// use bellwire_core::table::{Image, LoadError, MatchTable};
///
/// static NONE_YET: MatchTable<Image<512>> = MatchTable::empty(Image::new());
/// assert!(NONE_YET.is_empty());
/// let received = Image::<512>::copied(&[0; 80]).unwrap();
/// assert_eq!(MatchTable::load(received).unwrap_err(), LoadError::NotAnImage);
/// ```
pub type Image<const BYTES: usize> = FixedList<u8, BYTES>;

/// A list of at most `N` rows.
#[derive(Clone, Debug)]
pub struct FixedList<T, const N: usize> {
    rows: heapless::Vec<T, N>,
}

impl<T, const N: usize> FixedList<T, N> {
    /// The list without rows.
    pub const fn new() -> Self {
        Self { rows: heapless::Vec::new() }
    }
}

impl<const N: usize> FixedList<u8, N> {
    /// A copy of these bytes.
    ///
    /// # Errors
    /// [`Full`] when there are more than `N`.
    pub fn copied(bytes: &[u8]) -> Result<Self, Full> {
        heapless::Vec::from_slice(bytes).map(|rows| Self { rows }).map_err(|_| Full { capacity: N })
    }
}

impl<T, const N: usize> Default for FixedList<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> AsRef<[T]> for FixedList<T, N> {
    fn as_ref(&self) -> &[T] {
        self.rows.as_slice()
    }
}

impl<T: Copy, const N: usize> List<T> for FixedList<T, N> {
    const EMPTY: Self = Self::new();

    fn push(&mut self, row: T) -> Result<(), Full> {
        self.rows.push(row).map_err(|_| Full { capacity: N })
    }

    fn as_slice(&self) -> &[T] {
        self.rows.as_slice()
    }

    fn as_mut_slice(&mut self) -> &mut [T] {
        self.rows.as_mut_slice()
    }

    fn truncate(&mut self, length: usize) {
        self.rows.truncate(length);
    }
}
