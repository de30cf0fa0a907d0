//! What a match table asks of the lists it lives in.

use super::rows::{Clause, Hook, Rule, Span};

/// A family of lists for the rows of a table: [`Fixed`](super::Fixed) in this crate, growing ones on a server.
pub trait Storage {
    /// Holds one row for each pattern of each webhook.
    type Rules: List<Rule>;
    /// Holds one row for each type that patterns name, and another list of the kind one for each action.
    type Names: List<Span>;
    /// Holds one row for each webhook.
    type Hooks: List<Hook>;
    /// Holds one row for each value that a filter compares with.
    type Clauses: List<Clause>;
    /// Holds the texts of patterns and filters.
    type Text: Text;
}

/// A list that gives its rows as one slice.
pub trait List<T> {
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
}

/// A text that grows at its end.
pub trait Text {
    /// The empty text.
    const EMPTY: Self;

    /// Appends `text`.
    ///
    /// # Errors
    /// [`Full`] when there is no room for all of it; nothing is appended.
    fn push_str(&mut self, text: &str) -> Result<(), Full>;

    /// The whole text.
    fn as_str(&self) -> &str;

    /// Drops all bytes from `length` on. `length` was the text's length before, so it parts no character.
    fn truncate(&mut self, length: usize);
}

/// A list or a text has no room left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// How many rows or bytes it can hold.
    pub capacity: usize,
}
