//! The filters of one webhook as words: a head for each filter, then what it compares with.

use core::ops::Range;

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

/// One filter among the words.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    pub(super) operator: Operator,
    pub(super) negated: bool,
    /// Number of the attribute.
    pub(super) doc: u8,
    /// The words of what it compares with. For a regexp these are the number of its automaton and its pattern, for
    /// all other operators numbers of values.
    pub(super) operands: Range<usize>,
}

impl Clause {
    /// The filter whose head is word `at`; `None` when there is none.
    #[inline]
    pub(super) fn read(word: impl Fn(usize) -> Option<u32>, at: usize) -> Option<Self> {
        let head = word(at)?;
        if head & !(OPERATOR_BITS | NEGATED_BIT | 0xff << DOC_SHIFT) != 0 {
            return None;
        }
        let operator = *OPERATORS.get((head & OPERATOR_BITS) as usize)?;
        let mut start = at.checked_add(1)?;
        let count = match operator {
            Operator::Exists => 0,
            Operator::Regexp | Operator::Range => 2,
            Operator::In => {
                let count = word(start)?;
                start = start.checked_add(1)?;
                count as usize
            }
            _ => 1,
        };
        let doc = (head >> DOC_SHIFT) as u8;
        let operands = start..start.checked_add(count)?;
        Some(Self { operator, negated: head & NEGATED_BIT != 0, doc, operands })
    }

    /// The head of a filter.
    pub(super) fn head(operator: Operator, negated: bool, doc: u8) -> u32 {
        let number = OPERATORS.iter().position(|each| *each == operator).unwrap_or_default() as u32;
        number | if negated { NEGATED_BIT } else { 0 } | u32::from(doc) << DOC_SHIFT
    }

    /// Whether it compares the attribute with values as a whole.
    #[inline]
    pub(super) fn compares_values(&self) -> bool {
        matches!(self.operator, Operator::Equals | Operator::In)
    }

    /// Whether an event can only pass with one of the values that the operands are.
    pub(super) fn asks_for_a_value(&self) -> bool {
        !self.negated && self.compares_values()
    }

    /// Steps it takes at most.
    pub(super) fn steps(&self) -> u32 {
        match self.operator {
            Operator::Regexp => ATTRIBUTE_VALUE_BYTES_MAX as u32 + 1,
            _ => (self.operands.len() as u32).max(1),
        }
    }
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
    pub(super) fn clauses(&self, row: u32) -> Clauses<'t, W> {
        let bound = |at: usize| self.starts.get(at).map_or(0, |start| W::number(*start) as usize);
        Clauses { words: self.words, at: bound(row as usize), end: bound((row as usize).wrapping_add(1)) }
    }

    #[inline]
    pub(super) fn word(&self, at: usize) -> Option<u32> {
        self.words.get(at).map(|word| W::number(*word))
    }

    /// The words of what a filter compares with.
    #[inline]
    pub(super) fn operands(&self, clause: &Clause) -> &'t [W::Word] {
        self.words.get(clause.operands.clone()).unwrap_or_default()
    }
}

/// The filters of one webhook.
pub(super) struct Clauses<'t, W: Width> {
    words: &'t [W::Word],
    at: usize,
    end: usize,
}

impl<W: Width> Iterator for Clauses<'_, W> {
    type Item = Clause;

    #[inline]
    fn next(&mut self) -> Option<Clause> {
        if self.at >= self.end {
            return None;
        }
        let clause = Clause::read(|at| self.words.get(at).map(|word| W::number(*word)), self.at)?;
        self.at = clause.operands.end;
        Some(clause)
    }
}
