//! Judging filters: an event's attributes are looked up once, then compared by number.

use crate::filter::{Attributes, Value};

use super::program::{Clause, Operator, Programs};
use super::value;
use super::view::View;
use super::width::Width;

/// So many attributes are remembered once they were looked up; the others are looked up for every filter.
pub(super) const DOCS_KNOWN: usize = 16;

/// The attribute was not looked up yet.
const UNSEEN: u32 = u32::MAX;
/// The event lacks the attribute.
const ABSENT: u32 = u32::MAX - 1;
/// The attribute has a value that no filter names.
const OTHER: u32 = u32::MAX - 2;

/// Judges the filters of webhooks for one event.
pub(super) struct Judge<'t, W: Width, A: ?Sized> {
    view: View<'t, W>,
    programs: Programs<'t, W>,
    attributes: &'t A,
    /// For each of the first attributes, the number of its value or what is known instead.
    known: [u32; DOCS_KNOWN],
}

impl<'t, W: Width, A: Attributes + ?Sized> Judge<'t, W, A> {
    #[inline]
    pub(super) fn new(view: View<'t, W>, attributes: &'t A) -> Self {
        Self { view, programs: view.programs(), attributes, known: [UNSEEN; DOCS_KNOWN] }
    }

    /// Whether all filters of the webhook in `row` hold.
    #[inline]
    pub(super) fn passes(&mut self, row: u32) -> bool {
        let mut clauses = self.programs.clauses(row);
        clauses.all(|clause| self.holds(&clause))
    }

    /// Whether a filter holds.
    #[inline]
    pub(super) fn holds(&mut self, clause: &Clause) -> bool {
        let number = self.number(clause.doc);
        if number == ABSENT {
            return clause.operator == Operator::Exists && clause.negated;
        }
        let hit = match clause.operator {
            Operator::Exists => true,
            Operator::Equals | Operator::In => {
                self.programs.operands(clause).iter().any(|word| W::number(*word) == number)
            }
            _ => self.tests(clause).unwrap_or_default(),
        };
        hit != clause.negated
    }

    /// The number of an attribute's value, if it is there and a filter names it.
    pub(super) fn value_number(&mut self, doc: u8) -> Option<u32> {
        Some(self.number(doc)).filter(|number| *number < OTHER)
    }

    /// The value of an attribute.
    pub(super) fn actual(&self, doc: u8) -> Option<Value<'t>> {
        self.attributes.attribute(self.view.doc(doc)?)
    }

    #[inline]
    fn number(&mut self, doc: u8) -> u32 {
        match self.known.get(usize::from(doc)) {
            Some(&UNSEEN) | None => self.look_up(doc),
            Some(number) => *number,
        }
    }

    #[inline(never)]
    fn look_up(&mut self, doc: u8) -> u32 {
        let number = match self.actual(doc) {
            None => ABSENT,
            Some(value) => value::find(&self.view.values(), self.view.head.seed, &value).unwrap_or(OTHER),
        };
        if let Some(place) = self.known.get_mut(usize::from(doc)) {
            *place = number;
        }
        number
    }

    /// The test of an operator that looks into the value; `None` when the value is of another type.
    fn tests(&self, clause: &Clause) -> Option<bool> {
        let first = self.programs.word(clause.operands.start)?;
        match self.actual(clause.doc)? {
            Value::Text(text) => match clause.operator {
                Operator::Prefix => Some(text.starts_with(self.view.text(first)?)),
                Operator::Regexp => finds(self.view.dfa(first)?, text),
                _ => None,
            },
            Value::Integer(actual) => {
                let wanted = self.integer(first)?;
                match clause.operator {
                    Operator::Lt => Some(actual < wanted),
                    Operator::Lte => Some(actual <= wanted),
                    Operator::Gt => Some(actual > wanted),
                    Operator::Gte => Some(actual >= wanted),
                    Operator::Range => {
                        let max = self.integer(self.programs.word(clause.operands.start.checked_add(1)?)?)?;
                        Some((wanted..=max).contains(&actual))
                    }
                    _ => None,
                }
            }
            Value::Boolean(_) => None,
        }
    }

    fn integer(&self, number: u32) -> Option<i64> {
        match self.view.value(number)? {
            Value::Integer(integer) => Some(integer),
            _ => None,
        }
    }
}

#[cfg(feature = "regexp")]
fn finds(dfa: &[u8], text: &str) -> Option<bool> {
    crate::filter::Dfa::new(dfa).map(|dfa| dfa.is_match(text))
}

/// An image that holds an automaton is not loaded without the feature.
#[cfg(not(feature = "regexp"))]
fn finds(_dfa: &[u8], _text: &str) -> Option<bool> {
    None
}
