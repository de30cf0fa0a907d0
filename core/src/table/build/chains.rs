//! A hash index over rows that keep their own links: rows of one hash hang on a chain, the newest first.

use core::marker::PhantomData;

use super::storage::List;

/// Behind the last row of a chain.
const END: u32 = u32::MAX;

/// A row that hangs on a chain.
pub(super) trait Link: Copy {
    /// The hash of what the row is looked for by.
    fn hash(&self) -> u32;
    /// Number of the next row of the chain.
    fn next(&self) -> u32;
    /// Lets it hang before another row.
    fn set_next(&mut self, next: u32);
}

/// The heads of the chains, a power of two of them.
pub(super) struct Chains<T, H> {
    heads: H,
    rows: PhantomData<T>,
}

impl<T: Link, H: List<u32>> Chains<T, H> {
    pub(super) const EMPTY: Self = Self { heads: H::EMPTY, rows: PhantomData };

    /// The row with this hash that `is_it` knows.
    pub(super) fn find(&self, rows: &[T], hash: u32, is_it: impl Fn(&T) -> bool) -> Option<u32> {
        let mut number = self.head(hash);
        loop {
            let row = rows.get(number as usize)?;
            if row.hash() == hash && is_it(row) {
                return Some(number);
            }
            number = row.next();
        }
    }

    /// Hangs in the last of `rows`.
    pub(super) fn insert_last(&mut self, rows: &mut [T]) {
        if rows.len() > self.heads.as_slice().len() && self.grow() {
            (0..rows.len()).for_each(|number| self.insert(rows, number));
        } else {
            self.insert(rows, rows.len().wrapping_sub(1));
        }
    }

    /// Takes out `row`, which is the newest of all.
    pub(super) fn remove_last(&mut self, row: &T) {
        self.set_head(row.hash(), row.next());
    }

    fn insert(&mut self, rows: &mut [T], number: usize) {
        let Some(row) = rows.get_mut(number) else { return };
        row.set_next(self.head(row.hash()));
        self.set_head(row.hash(), number as u32);
    }

    /// Doubles the heads and empties them, unless there is no room.
    fn grow(&mut self) -> bool {
        let before = self.heads.as_slice().len();
        let grown = self.heads.resize(before.saturating_mul(2).max(1), END).is_ok();
        if grown {
            self.heads.as_mut_slice().fill(END);
        } else {
            self.heads.truncate(before);
        }
        grown
    }

    fn chain(&self, hash: u32) -> usize {
        (hash ^ (hash >> 15)) as usize & self.heads.as_slice().len().wrapping_sub(1)
    }

    fn head(&self, hash: u32) -> u32 {
        self.heads.as_slice().get(self.chain(hash)).copied().unwrap_or(END)
    }

    fn set_head(&mut self, hash: u32, number: u32) {
        let chain = self.chain(hash);
        if let Some(head) = self.heads.as_mut_slice().get_mut(chain) {
            *head = number;
        }
    }
}
