//! The filters of one webhook as words: a head for each filter, then what it compares with.

use crate::limits::ATTRIBUTE_VALUE_BYTES_MAX;

use super::width::Width;

/// How a filter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operator {
    /// The attribute is the value.
    Equals,
    /// The attribute is one of the values.
    In,
    /// The attribute is a text that starts with the value.
    Prefix,
    /// The attribute has a place where the regular expression matches.
    Regexp,
    /// The event has the attribute.
    Exists,
    /// The attribute is an integer less than the value.
    Lt,
    /// The attribute is an integer less than or equal to the value.
    Lte,
    /// The attribute is an integer greater than the value.
    Gt,
    /// The attribute is an integer greater than or equal to the value.
    Gte,
    /// The attribute is an integer from the first value to the second.
    Range,
}

const OPERATORS: [Operator; 10] = [
    Operator::Equals,
    Operator::In,
    Operator::Prefix,
    Operator::Regexp,
    Operator::Exists,
    Operator::Lt,
    Operator::Lte,
    Operator::Gt,
    Operator::Gte,
    Operator::Range,
];
const OPERATOR_BITS: u32 = 0x0f;
const NEGATED_BIT: u32 = 0x10;
const DOC_SHIFT: u32 = 8;

/// One filter among words of type `T`.
#[derive(Debug)]
pub(super) struct Clause<'t, T> {
    pub(super) operator: Operator,
    pub(super) negated: bool,
    /// Number of the attribute.
    pub(super) doc: u8,
    /// What it compares with. For a regexp these are the number of its automaton and its pattern, for all other
    /// operators numbers of values.
    pub(super) operands: &'t [T],
}

impl<'t, T: Copy> Clause<'t, T> {
    /// The first filter among words, and the words behind it; `None` when there is none.
    #[inline]
    pub(super) fn read(words: &'t [T], number: fn(T) -> u32) -> Option<(Self, &'t [T])> {
        let (head, rest) = words.split_first()?;
        let head = number(*head);
        if head & !(OPERATOR_BITS | NEGATED_BIT | 0xff << DOC_SHIFT) != 0 {
            return None;
        }
        let operator = *OPERATORS.get((head & OPERATOR_BITS) as usize)?;
        let (count, rest) = match operator {
            Operator::In => rest.split_first().map(|(count, rest)| (number(*count) as usize, rest))?,
            Operator::Exists => (0, rest),
            Operator::Regexp | Operator::Range => (2, rest),
            _ => (1, rest),
        };
        let (operands, rest) = rest.split_at_checked(count)?;
        let doc = (head >> DOC_SHIFT) as u8;
        Some((Self { operator, negated: head & NEGATED_BIT != 0, doc, operands }, rest))
    }

    /// Whether an event can only pass with one of the values that the operands are.
    pub(super) fn asks_for_a_value(&self) -> bool {
        !self.negated && matches!(self.operator, Operator::Equals | Operator::In)
    }

    /// Steps it takes at most.
    pub(super) fn steps(&self) -> u32 {
        match self.operator {
            Operator::Regexp => ATTRIBUTE_VALUE_BYTES_MAX as u32 + 1,
            _ => (self.operands.len() as u32).max(1),
        }
    }
}

/// The head of a filter.
pub(super) fn clause_head(operator: Operator, negated: bool, doc: u8) -> u32 {
    let number = OPERATORS.iter().position(|each| *each == operator).unwrap_or_default() as u32;
    number | if negated { NEGATED_BIT } else { 0 } | u32::from(doc) << DOC_SHIFT
}

/// The filters of all webhooks.
#[derive(Clone, Copy)]
pub(super) struct Programs<'t, W: Width> {
    /// The first word of each webhook's filters, and one bound more; nothing in a table without filters.
    pub(super) starts: &'t [W::Word],
    pub(super) words: &'t [W::Word],
}

impl<'t, W: Width> Programs<'t, W> {
    /// The filters of the webhook in `row`, in the order of its definition.
    #[inline]
    pub(super) fn clauses(&self, row: u32) -> Clauses<'t, W::Word> {
        let bound = |at: usize| self.starts.get(at).map_or(0, |start| W::number(*start) as usize);
        let own = bound(row as usize)..bound((row as usize).wrapping_add(1));
        Clauses { words: self.words.get(own).unwrap_or_default(), number: W::number }
    }
}

/// Filters one after the other.
pub(super) struct Clauses<'t, T> {
    pub(super) words: &'t [T],
    pub(super) number: fn(T) -> u32,
}

impl<'t, T: Copy> Iterator for Clauses<'t, T> {
    type Item = Clause<'t, T>;

    #[inline]
    fn next(&mut self) -> Option<Clause<'t, T>> {
        let (clause, rest) = Clause::read(self.words, self.number)?;
        self.words = rest;
        Some(clause)
    }
}
