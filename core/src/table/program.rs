//! The filters of one webhook as words: a head for each filter, then what it compares with.

use crate::limits::ATTRIBUTE_VALUE_BYTES_MAX;

use super::width::Width;

/// How a filter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operator {
    /// The attribute is the value.
    Equals = 0,
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

impl Operator {
    /// The operator of a number in the format.
    #[inline]
    const fn of(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Equals),
            1 => Some(Self::In),
            2 => Some(Self::Prefix),
            3 => Some(Self::Regexp),
            4 => Some(Self::Exists),
            5 => Some(Self::Lt),
            6 => Some(Self::Lte),
            7 => Some(Self::Gt),
            8 => Some(Self::Gte),
            9 => Some(Self::Range),
            _ => None,
        }
    }

    /// How many operands it has; an `in` says so itself.
    #[inline]
    const fn operands(self) -> usize {
        match self {
            Self::Exists | Self::In => 0,
            Self::Regexp | Self::Range => 2,
            _ => 1,
        }
    }
}

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
        let operator = Operator::of(head & OPERATOR_BITS)?;
        let (count, rest) = if operator == Operator::In {
            rest.split_first().map(|(count, rest)| (number(*count) as usize, rest))?
        } else {
            (operator.operands(), rest)
        };
        let (operands, rest) = rest.split_at_checked(count)?;
        let doc = (head >> DOC_SHIFT) as u8;
        Some((Self { operator, negated: head & NEGATED_BIT != 0, doc, operands }, rest))
    }

    /// Whether an event can only pass with one of the values that the operands are.
    pub(super) fn asks_for_a_value(&self) -> bool {
        !self.negated && self.compares_values()
    }

    /// Whether it compares the attribute with values as a whole.
    #[inline]
    pub(super) fn compares_values(&self) -> bool {
        matches!(self.operator, Operator::Equals | Operator::In)
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
    operator as u32 | if negated { NEGATED_BIT } else { 0 } | u32::from(doc) << DOC_SHIFT
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
