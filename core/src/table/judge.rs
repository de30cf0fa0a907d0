//! Judging filters: an attribute is looked up once an event, and once it was compared a few times, by number.

use crate::filter::{Attributes, Value};

use super::program::{Clause, Operator, Programs};
use super::value;
use super::view::View;
use super::width::Width;
use crate::steps;

/// So many attributes are remembered once they were looked up; the others are looked up for every filter.
pub(super) const DOCS_KNOWN: usize = 8;
/// After so many comparisons of bytes, finding the number of a value is worth it.
const COMPARISONS_MAX: u32 = 4;

/// The attribute was not looked up yet. No value has such a number, nor one of the following.
const UNSEEN: u32 = u32::MAX;
/// The number of the value was not looked for yet. So many less is after so many comparisons.
const COMPARED: u32 = u32::MAX - 1;
/// The number is looked for with the next comparison.
const COMPARED_MAX: u32 = COMPARED - COMPARISONS_MAX;
/// The attribute has a value that no filter names.
const OTHER: u32 = COMPARED_MAX - 1;

/// The attributes of one event, and what is known of them.
pub(super) struct Judge<'t, A: ?Sized> {
    attributes: &'t A,
    /// The first attributes; nothing before one was needed.
    known: Option<[Known<'t>; DOCS_KNOWN]>,
}

impl<'t, A: Attributes + ?Sized> Judge<'t, A> {
    #[inline]
    pub(super) fn new(attributes: &'t A) -> Self {
        Self { attributes, known: None }
    }

    /// Whether all filters of the webhook in `row` hold.
    #[inline]
    pub(super) fn passes<W: Width>(
        &mut self,
        view: &View<'t, W>,
        programs: &Programs<'t, W>,
        row: u32,
    ) -> bool {
        programs.clauses(row).all(|clause| self.holds(view, &clause))
    }

    /// Whether a filter holds.
    #[inline]
    pub(super) fn holds<W: Width>(&mut self, view: &View<'t, W>, clause: &Clause<'t, W::Word>) -> bool {
        let attributes = self.attributes;
        match self.known(clause.doc) {
            Some(known) => known.holds(attributes, view, clause),
            None => Known::nothing().holds_by_value(attributes, view, clause),
        }
    }

    /// The value of an attribute.
    pub(super) fn actual<W: Width>(&mut self, view: &View<'t, W>, doc: u8) -> Option<Value<'t>> {
        let attributes = self.attributes;
        match self.known(doc) {
            Some(known) => known.value(attributes, view, doc),
            None => Known::nothing().value(attributes, view, doc),
        }
    }

    /// The number of an attribute's value, if it is there and a filter names it.
    pub(super) fn value_number<W: Width>(&mut self, view: &View<'t, W>, doc: u8) -> Option<u32> {
        let attributes = self.attributes;
        let known = self.known(doc)?;
        if known.number > OTHER {
            let value = known.value(attributes, view, doc)?;
            known.find_number(view, &value);
        }
        Some(known.number).filter(|number| *number != OTHER)
    }

    /// One of the first attributes.
    #[inline]
    fn known(&mut self, doc: u8) -> Option<&mut Known<'t>> {
        self.known.get_or_insert_with(|| [Known::nothing(); DOCS_KNOWN]).get_mut(usize::from(doc))
    }
}

/// What is known of an attribute.
#[derive(Clone, Copy)]
struct Known<'t> {
    /// The number of its value, or what is known instead.
    number: u32,
    /// Its value, if it has one; nothing before it was looked up.
    value: Option<Value<'t>>,
}

impl<'t> Known<'t> {
    #[inline]
    const fn nothing() -> Self {
        Self { number: UNSEEN, value: None }
    }

    #[inline]
    fn holds<W: Width>(
        &mut self,
        attributes: &'t (impl Attributes + ?Sized),
        view: &View<'t, W>,
        clause: &Clause<'t, W::Word>,
    ) -> bool {
        if self.number > OTHER || !clause.compares_values() {
            return self.holds_by_value(attributes, view, clause);
        }
        is_number::<W>(self.number, clause.operands) != clause.negated
    }

    /// The same by looking at the value.
    #[inline(never)]
    fn holds_by_value<W: Width>(
        &mut self,
        attributes: &'t (impl Attributes + ?Sized),
        view: &View<'t, W>,
        clause: &Clause<'t, W::Word>,
    ) -> bool {
        if !clause.compares_values() && clause.operator != Operator::Regexp {
            steps::count(clause.operands.len().max(1));
        }
        let Some(value) = self.value(attributes, view, clause.doc) else {
            return clause.operator == Operator::Exists && clause.negated;
        };
        let hit = match clause.operator {
            Operator::Exists => true,
            Operator::Equals | Operator::In if self.number == COMPARED_MAX => {
                self.find_number(view, &value);
                is_number::<W>(self.number, clause.operands)
            }
            Operator::Equals | Operator::In => {
                self.number = self.number.wrapping_sub(1);
                is_one_of(view, &value, clause.operands)
            }
            operator => tests(view, operator, clause.operands, value).unwrap_or_default(),
        };
        hit != clause.negated
    }

    /// The value of the attribute, which is looked up once.
    #[inline]
    fn value<W: Width>(
        &mut self,
        attributes: &'t (impl Attributes + ?Sized),
        view: &View<'t, W>,
        doc: u8,
    ) -> Option<Value<'t>> {
        if self.number == UNSEEN {
            self.value = view.doc_bytes(doc).and_then(|name| attributes.attribute_in_bytes(name));
            self.number = COMPARED;
        }
        self.value
    }

    /// Remembers the number of the attribute's value.
    #[inline(never)]
    fn find_number<W: Width>(&mut self, view: &View<'t, W>, value: &Value<'t>) {
        self.number = value::find(&view.values(), view.head.seed, value).unwrap_or(OTHER);
    }
}

/// Whether a number is one of these words.
#[inline]
fn is_number<W: Width>(number: u32, words: &[W::Word]) -> bool {
    words.iter().any(|word| {
        steps::count(1);
        W::number(*word) == number
    })
}

/// Whether a value is one of those that the numbers are.
#[inline]
fn is_one_of<W: Width>(view: &View<'_, W>, actual: &Value<'_>, numbers: &[W::Word]) -> bool {
    let names = view.values();
    let mut room = value::Room::default();
    let (kind, bytes) = value::to_bytes(actual, &mut room);
    // Ids differ in their last bytes more often than in their first: most comparisons end there.
    let is_it = |name: &[u8]| name.last() == bytes.last().or(Some(&kind)) && is_value(name, kind, bytes);
    let length = bytes.len().wrapping_add(1);
    numbers.iter().any(|number| {
        steps::count(1);
        names.is_at(W::number(*number), length, is_it)
    })
}

fn is_value(name: &[u8], kind: u8, bytes: &[u8]) -> bool {
    name.split_first() == Some((&kind, bytes))
}

/// The test of an operator that looks into the value; `None` when the value is of another type.
#[inline(never)]
fn tests<W: Width>(
    view: &View<'_, W>,
    operator: Operator,
    operands: &[W::Word],
    actual: Value<'_>,
) -> Option<bool> {
    let mut operands = operands.iter().map(|word| W::number(*word));
    let first = operands.next()?;
    match actual {
        Value::Text(text) => match operator {
            Operator::Prefix => Some(text.as_bytes().starts_with(view.text_bytes(first)?)),
            Operator::Regexp => finds(view.dfa(first)?, text),
            _ => None,
        },
        Value::Integer(actual) => {
            let wanted = view.integer(first)?;
            match operator {
                Operator::Lt => Some(actual < wanted),
                Operator::Lte => Some(actual <= wanted),
                Operator::Gt => Some(actual > wanted),
                Operator::Gte => Some(actual >= wanted),
                Operator::Range => Some((wanted..=view.integer(operands.next()?)?).contains(&actual)),
                _ => None,
            }
        }
        Value::Boolean(_) => None,
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
