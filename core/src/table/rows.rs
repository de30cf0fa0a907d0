//! The rows of a table. Their texts stand in the table's text; a row knows where.

use super::explain::Operator;

/// Where a piece of the table's text is. A [`Storage`](super::Storage) keeps it and cannot look inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub(super) start: u32,
    pub(super) length: u16,
}

impl Span {
    pub(super) const EMPTY: Self = Self { start: 0, length: 0 };

    pub(super) fn of(self, text: &str) -> &str {
        let start = self.start as usize;
        text.get(start..start + usize::from(self.length)).unwrap_or_default()
    }

    /// The same as bytes, without a look for the borders of characters.
    pub(super) fn bytes_of(self, text: &str) -> &[u8] {
        let start = self.start as usize;
        text.as_bytes().get(start..start + usize::from(self.length)).unwrap_or_default()
    }
}

/// One pattern of one webhook. A [`Storage`](super::Storage) keeps it and cannot look inside.
///
/// A type and an action are known by where their names start in the text; each name stands there once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    pub(super) kind: u32,
    pub(super) action: u32,
    /// Number of the webhook's row; the webhook itself until the table is built.
    pub(super) hook: u32,
}

impl Rule {
    /// Stands for a `*`: no name starts there.
    pub(super) const ANY: u32 = u32::MAX;
}

/// One webhook and where its filters are. A [`Storage`](super::Storage) keeps it and cannot look inside.
#[derive(Clone, Copy, Debug)]
pub struct Hook {
    pub(super) webhook: u32,
    pub(super) clauses_start: u32,
    pub(super) clauses_end: u32,
}

/// One value that a filter compares with. A [`Storage`](super::Storage) keeps it and cannot look inside.
///
/// A filter is a run of clauses that ends with `last`; all of them repeat its attribute and its operator.
#[derive(Clone, Copy, Debug)]
pub struct Clause {
    pub(super) doc: Span,
    pub(super) operand: Operand,
    pub(super) operator: Operator,
    pub(super) negated: bool,
    pub(super) last: bool,
}

/// What a clause compares with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    /// Nothing: the clause of an `in` that lists no value.
    None,
    Text(Span),
    Regexp {
        pattern: Span,
        number: u16,
    },
}
