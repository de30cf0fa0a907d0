//! Judging filters: an event's attributes are looked up once, then compared by number.

use crate::filter::{Attributes, Value};

use super::program::{Clause, Operator, Programs};
use super::value;
use super::view::View;
use super::width::Width;

/// So many attributes are remembered once they were looked up; the others are looked up for every filter.
pub(super) const DOCS_KNOWN: usize = 8;

/// Judges the filters of webhooks for one event.
pub(super) struct Judge<'t, W: Width, A: ?Sized> {
    view: View<'t, W>,
    programs: Programs<'t, W>,
    attributes: &'t A,
    /// What is known of each of the first attributes.
    known: [Known<'t>; DOCS_KNOWN],
}

/// What is known of an attribute.
#[derive(Clone, Copy)]
enum Known<'t> {
    /// It was not looked up yet.
    Unseen,
    /// The event lacks it.
    Absent,
    /// It has this value.
    Value(Value<'t>),
}

impl<'t, W: Width, A: Attributes + ?Sized> Judge<'t, W, A> {
    #[inline]
    pub(super) fn new(view: View<'t, W>, attributes: &'t A) -> Self {
        Self { view, programs: view.programs(), attributes, known: [Known::Unseen; DOCS_KNOWN] }
    }

    /// Whether all filters of the webhook in `row` hold.
    #[inline]
    pub(super) fn passes(&mut self, row: u32) -> bool {
        self.programs.starts.is_empty() || self.passes_all(row)
    }

    fn passes_all(&mut self, row: u32) -> bool {
        let mut clauses = self.programs.clauses(row);
        clauses.all(|clause| self.holds(&clause))
    }

    /// Whether a filter holds.
    #[inline]
    pub(super) fn holds(&mut self, clause: &Clause) -> bool {
        let Some(actual) = self.actual(clause.doc) else {
            return clause.operator == Operator::Exists && clause.negated;
        };
        let hit = match clause.operator {
            Operator::Exists => true,
            Operator::Equals | Operator::In => self.is_one_of(&actual, self.programs.operands(clause)),
            _ => self.tests(clause, actual).unwrap_or_default(),
        };
        hit != clause.negated
    }

    /// The number of an attribute's value, if it is there and a filter names it.
    pub(super) fn value_number(&mut self, doc: u8) -> Option<u32> {
        let value = self.actual(doc)?;
        value::find(&self.view.values(), self.view.head.seed, &value)
    }

    /// The value of an attribute.
    #[inline]
    pub(super) fn actual(&mut self, doc: u8) -> Option<Value<'t>> {
        match self.known.get(usize::from(doc)) {
            Some(Known::Value(value)) => Some(*value),
            Some(Known::Absent) => None,
            Some(Known::Unseen) | None => self.look_up(doc),
        }
    }

    #[inline(never)]
    fn look_up(&mut self, doc: u8) -> Option<Value<'t>> {
        let value = self.view.doc(doc).and_then(|name| self.attributes.attribute(name));
        if let Some(place) = self.known.get_mut(usize::from(doc)) {
            *place = value.map_or(Known::Absent, Known::Value);
        }
        value
    }

    #[inline]
    fn is_one_of(&self, actual: &Value<'_>, numbers: &[W::Word]) -> bool {
        let names = self.view.values();
        value::with_bytes(actual, |kind, bytes| {
            let name = |number: &W::Word| names.bytes(W::number(*number)).and_then(<[u8]>::split_first);
            numbers.iter().any(|number| name(number) == Some((&kind, bytes)))
        })
    }

    /// The test of an operator that looks into the value; `None` when the value is of another type.
    fn tests(&self, clause: &Clause, actual: Value<'_>) -> Option<bool> {
        let first = self.programs.word(clause.operands.start)?;
        match actual {
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
