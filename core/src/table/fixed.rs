//! Storage of a size fixed by the type, for a `static` or a stack.

use super::rows::{Clause, Hook, Rule, Span};
use super::storage::{Full, List, Storage, Text};

/// Room for `PATTERNS` topic patterns, `CLAUSES` values in filters and `TEXT` bytes of text.
///
/// Each filter takes one clause, an `in` as many as it lists. A type or an action costs its bytes once, however many
/// patterns name it; the texts of filters are shared too where they can be.
#[derive(Clone, Copy, Debug)]
pub struct Fixed<const PATTERNS: usize, const CLAUSES: usize, const TEXT: usize>;

impl<const PATTERNS: usize, const CLAUSES: usize, const TEXT: usize> Storage
    for Fixed<PATTERNS, CLAUSES, TEXT>
{
    type Rules = FixedList<Rule, PATTERNS>;
    // Every webhook has a pattern and every pattern one type and one action at most: there are never more of them.
    type Names = FixedList<Span, PATTERNS>;
    type Hooks = FixedList<Hook, PATTERNS>;
    type Clauses = FixedList<Clause, CLAUSES>;
    type Text = FixedText<TEXT>;
}

/// A list of at most `N` rows.
#[derive(Clone, Debug)]
pub struct FixedList<T, const N: usize> {
    rows: heapless::Vec<T, N>,
}

impl<T, const N: usize> List<T> for FixedList<T, N> {
    const EMPTY: Self = Self { rows: heapless::Vec::new() };

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

/// A text of at most `N` bytes.
#[derive(Clone, Debug)]
pub struct FixedText<const N: usize> {
    text: heapless::String<N>,
}

impl<const N: usize> Text for FixedText<N> {
    const EMPTY: Self = Self { text: heapless::String::new() };

    fn push_str(&mut self, text: &str) -> Result<(), Full> {
        self.text.push_str(text).map_err(|_| Full { capacity: N })
    }

    fn as_str(&self) -> &str {
        self.text.as_str()
    }

    fn truncate(&mut self, length: usize) {
        self.text.truncate(length);
    }
}
