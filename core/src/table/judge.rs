//! Judging filters: an attribute is looked up once an event, and once it was compared a few times, by number.

use crate::filter::{Attributes, Value};

use super::program::{Clause, Operator, Programs};
use super::value;
use super::view::View;
use super::width::Width;
use super::window::Batch;

/// So many attributes are remembered once they were looked up; the others are looked up for every filter.
pub(super) const DOCS_KNOWN: usize = 8;
/// After so many comparisons of bytes, finding the number of a value is worth it.
const COMPARISONS_MAX: u32 = 6;

/// The attribute was not looked up yet. No value has such a number, nor one of the following.
const UNSEEN: u32 = u32::MAX;
/// The event lacks the attribute.
const ABSENT: u32 = u32::MAX - 1;
/// The attribute has a value that no filter names.
const OTHER: u32 = u32::MAX - 2;
/// The number of the value was not looked for yet. So many less is after so many comparisons.
const COMPARED: u32 = u32::MAX - 3;
/// All smaller numbers are those of values.
const SPECIAL: u32 = COMPARED - COMPARISONS_MAX;

/// The attributes of one event, and what is known of them.
pub(super) struct Judge<'t, A: ?Sized> {
    attributes: &'t A,
    /// For each of the first attributes, the number of its value, or what is known instead.
    numbers: [u32; DOCS_KNOWN],
    /// Their values; nothing before they were looked up.
    values: [Option<Value<'t>>; DOCS_KNOWN],
}

impl<'t, A: Attributes + ?Sized> Judge<'t, A> {
    #[inline]
    pub(super) fn new(attributes: &'t A) -> Self {
        Self { attributes, numbers: [UNSEEN; DOCS_KNOWN], values: [None; DOCS_KNOWN] }
    }

    /// Those rows of a batch whose filters all hold.
    pub(super) fn passing<W: Width>(&mut self, view: &View<'t, W>, batch: Batch) -> Batch {
        let programs = view.programs();
        let (mut left, mut passing) = (batch, batch);
        while let Some(row) = left.take() {
            if !programs.clauses(row).all(|clause| self.holds(view, &programs, &clause)) {
                passing.remove(row);
            }
        }
        passing
    }

    /// Whether a filter holds.
    #[inline]
    pub(super) fn holds<W: Width>(
        &mut self,
        view: &View<'t, W>,
        programs: &Programs<'t, W>,
        clause: &Clause,
    ) -> bool {
        let number = self.numbers.get(usize::from(clause.doc)).copied().unwrap_or(UNSEEN);
        let is_known = number != UNSEEN && !(SPECIAL..OTHER).contains(&number);
        if !is_known || !clause.compares_values() {
            return self.holds_by_value(view, programs, clause);
        }
        let hit = programs.operands(clause).iter().any(|word| W::number(*word) == number);
        number != ABSENT && hit != clause.negated
    }

    /// The same by looking at the value.
    #[inline(never)]
    fn holds_by_value<W: Width>(
        &mut self,
        view: &View<'t, W>,
        programs: &Programs<'t, W>,
        clause: &Clause,
    ) -> bool {
        let Some(actual) = self.actual(view, clause.doc) else {
            return clause.operator == Operator::Exists && clause.negated;
        };
        let operands = programs.operands(clause);
        let hit = match clause.operator {
            Operator::Exists => true,
            Operator::Equals | Operator::In => {
                self.count(view, clause.doc);
                is_one_of(view, &actual, operands)
            }
            _ => tests(view, clause.operator, operands, actual).unwrap_or_default(),
        };
        hit != clause.negated
    }

    /// The value of an attribute.
    pub(super) fn actual<W: Width>(&mut self, view: &View<'t, W>, doc: u8) -> Option<Value<'t>> {
        match self.numbers.get(usize::from(doc)) {
            Some(&UNSEEN) | None => self.look_up(view, doc),
            _ => self.values.get(usize::from(doc)).copied().flatten(),
        }
    }

    /// The number of an attribute's value, if it is there and a filter names it.
    pub(super) fn value_number<W: Width>(&mut self, view: &View<'t, W>, doc: u8) -> Option<u32> {
        let value = self.actual(view, doc)?;
        let number = match self.numbers.get(usize::from(doc)) {
            Some(number) if !(SPECIAL..OTHER).contains(number) => *number,
            _ => self.find_number(view, doc, &value),
        };
        Some(number).filter(|number| *number < SPECIAL)
    }

    fn look_up<W: Width>(&mut self, view: &View<'t, W>, doc: u8) -> Option<Value<'t>> {
        let value = view.doc(doc).and_then(|name| self.attributes.attribute(name));
        if let Some(place) = self.values.get_mut(usize::from(doc)) {
            *place = value;
        }
        self.set_number(doc, if value.is_some() { COMPARED } else { ABSENT });
        value
    }

    /// Counts a comparison of an attribute whose value is known.
    fn count<W: Width>(&mut self, view: &View<'t, W>, doc: u8) {
        match self.numbers.get(usize::from(doc)).copied() {
            Some(SPECIAL) => {
                self.value_number(view, doc);
            }
            Some(count) => self.set_number(doc, count.wrapping_sub(1)),
            None => {}
        }
    }

    #[inline(never)]
    fn find_number<W: Width>(&mut self, view: &View<'t, W>, doc: u8, value: &Value<'t>) -> u32 {
        let number = value::find(&view.values(), view.head.seed, value).unwrap_or(OTHER);
        self.set_number(doc, number);
        number
    }

    fn set_number(&mut self, doc: u8, number: u32) {
        if let Some(place) = self.numbers.get_mut(usize::from(doc)) {
            *place = number;
        }
    }
}

#[inline]
fn is_one_of<W: Width>(view: &View<'_, W>, actual: &Value<'_>, numbers: &[W::Word]) -> bool {
    let names = view.values();
    value::with_bytes(actual, |kind, bytes| {
        let name = |number: &W::Word| names.bytes(W::number(*number)).and_then(<[u8]>::split_first);
        numbers.iter().any(|number| name(number) == Some((&kind, bytes)))
    })
}

/// The test of an operator that looks into the value; `None` when the value is of another type.
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
            Operator::Prefix => Some(text.starts_with(view.text(first)?)),
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
