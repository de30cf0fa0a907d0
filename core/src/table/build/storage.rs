//! What a builder asks of the lists it works in.

use super::filters::Hook;
use super::interner::Name;
use super::trie::Node;

/// A family of lists for a builder: [`Fixed`](super::Fixed) everywhere, `Growing` with the feature `alloc`.
pub trait Storage {
    /// Holds texts, and in the end the image.
    type Bytes: List<u8> + AsRef<[u8]>;
    /// Holds the segments of patterns.
    type Segments: List<Name>;
    /// Holds the nodes of the trie of patterns.
    type Nodes: List<Node>;
    /// Holds the webhooks.
    type Hooks: List<Hook>;
    /// Holds links to nodes and segments.
    type Links: List<u32>;
    /// Holds keys to sort nodes, segments and rows by.
    type Keys: List<u64>;
    /// Holds the values that filters name.
    type Values: List<Name>;
    /// Holds the words of filters and links to values.
    type Words: List<u32>;
    /// Holds keys to sort values by.
    type ValueKeys: List<u64>;
}

/// A list that gives its rows as one slice.
pub trait List<T: Copy> {
    /// The list without rows.
    const EMPTY: Self;

    /// Appends a row.
    ///
    /// # Errors
    /// [`Full`] when there is no room; the list is unchanged.
    fn push(&mut self, row: T) -> Result<(), Full>;

    /// All rows in order.
    fn as_slice(&self) -> &[T];

    /// All rows in order, to change them in place.
    fn as_mut_slice(&mut self) -> &mut [T];

    /// Drops all rows from number `length` on; does nothing when there are fewer.
    fn truncate(&mut self, length: usize);

    /// Appends rows.
    ///
    /// # Errors
    /// [`Full`] when there is no room for all of them; some may have been appended.
    fn extend(&mut self, rows: &[T]) -> Result<(), Full> {
        rows.iter().try_for_each(|row| self.push(*row))
    }

    /// Makes the list `length` rows long; new rows are copies of `row`.
    ///
    /// # Errors
    /// [`Full`] when there is no room; some rows may have been appended.
    fn resize(&mut self, length: usize, row: T) -> Result<(), Full> {
        self.truncate(length);
        (self.as_slice().len()..length).try_for_each(|_| self.push(row))
    }
}

/// A list has no room left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// How many rows it can hold.
    pub capacity: usize,
}
