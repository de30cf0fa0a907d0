//! The names of types and of actions: each once, sorted by text, found by binary search.

use super::rows::Span;
use super::storage::{Full, List};

/// The number of the row of `name`, or the row where it belongs.
pub(super) fn search(names: &[Span], text: &str, name: &str) -> Result<usize, usize> {
    names.binary_search_by(|span| span.bytes_of(text).cmp(name.as_bytes()))
}

/// Puts a name in at `row`.
pub(super) fn insert(names: &mut impl List<Span>, row: usize, name: Span) -> Result<(), Full> {
    names.push(name)?;
    if let Some(tail) = names.as_mut_slice().get_mut(row..) {
        tail.rotate_right(1);
    }
    Ok(())
}

/// Drops the names that start at `text_length` or behind, and keeps the order of the others.
pub(super) fn truncate(names: &mut impl List<Span>, text_length: usize) {
    let mut kept = 0;
    let rows = names.as_mut_slice();
    for row in 0..rows.len() {
        if (rows[row].start as usize) < text_length {
            rows.swap(kept, row);
            kept += 1;
        }
    }
    names.truncate(kept);
}
