//! Judging filters: an attribute is looked up once an event, and once it was compared a few times, by number.

use crate::filter::{Attributes, Value};

use super::program::{Clause, Operator};
use super::value;
use super::view::View;
use super::width::Width;
use super::window::Batch;

/// So many attributes are remembered once they were looked up; the others are looked up for every filter.
pub(super) const DOCS_KNOWN: usize = 8;
/// After so many comparisons of bytes, finding the number of a value is worth it.
const COMPARISONS_MAX: u32 = 4;

/// The attribute was not looked up yet. No value has such a number, nor one of the following.
const UNSEEN: u32 = u32::MAX;
/// The number of the value was not looked for yet. So many less is after so many comparisons.
const COMPARED: u32 = u32::MAX - 1;
/// The number has to be looked for now. All smaller ones are numbers, or say that it has none.
const COMPARED_MAX: u32 = COMPARED - COMPARISONS_MAX;
/// The attribute has a value that no filter names.
const OTHER: u32 = COMPARED_MAX - 1;

/// The attributes of one event, and what is known of them.
pub(super) struct Judge<'t, A: ?Sized> {
    attributes: &'t A,
    /// Of each of the first attributes; nothing before one was needed.
    known: Option<[Known<'t>; DOCS_KNOWN]>,
}

/// What is known of an attribute.
#[derive(Clone, Copy)]
struct Known<'t> {
    /// The number of its value, or what is known instead.
    number: u32,
    /// Its value; nothing before it was looked up.
    value: Option<Value<'t>>,
}

impl Known<'_> {
    const NOTHING: Self = Self { number: UNSEEN, value: None };
}

impl<'t, A: Attributes + ?Sized> Judge<'t, A> {
    #[inline]
    pub(super) fn new(attributes: &'t A) -> Self {
        Self { attributes, known: None }
    }

    /// Those rows of a batch whose filters all hold.
    pub(super) fn passing<W: Width>(&mut self, view: &View<'t, W>, batch: Batch) -> Batch {
        let programs = view.programs();
        let (mut left, mut passing) = (batch, batch);
        while let Some(row) = left.take() {
            if !programs.clauses(row).all(|clause| self.holds(view, &clause)) {
                passing.remove(row);
            }
        }
        passing
    }

    /// Whether a filter holds.
    #[inline]
    pub(super) fn holds<W: Width>(&mut self, view: &View<'t, W>, clause: &Clause<'t, W::Word>) -> bool {
        let Known { number, value } = self.known(view, clause.doc);
        let Some(value) = value else { return clause.operator == Operator::Exists && clause.negated };
        let hit = match clause.operator {
            Operator::Equals | Operator::In if number < COMPARED_MAX => {
                clause.operands.iter().any(|word| W::number(*word) == number)
            }
            Operator::Equals | Operator::In => {
                self.count(view, clause.doc);
                is_one_of(view, &value, clause.operands)
            }
            operator => tests(view, operator, clause.operands, value).unwrap_or_default(),
        };
        hit != clause.negated
    }

    /// The value of an attribute.
    pub(super) fn actual<W: Width>(&mut self, view: &View<'t, W>, doc: u8) -> Option<Value<'t>> {
        self.known(view, doc).value
    }

    /// The number of an attribute's value, if it is there and a filter names it.
    pub(super) fn value_number<W: Width>(&mut self, view: &View<'t, W>, doc: u8) -> Option<u32> {
        let known = self.known(view, doc);
        known.value?;
        let number = if known.number < COMPARED_MAX { known.number } else { self.find_number(view, doc) };
        Some(number).filter(|number| *number != OTHER)
    }

    #[inline]
    fn known<W: Width>(&mut self, view: &View<'t, W>, doc: u8) -> Known<'t> {
        match self.known.as_ref().and_then(|known| known.get(usize::from(doc))) {
            Some(known) if known.number != UNSEEN => *known,
            _ => self.look_up(view, doc),
        }
    }

    #[inline(never)]
    fn look_up<W: Width>(&mut self, view: &View<'t, W>, doc: u8) -> Known<'t> {
        let value = view.doc(doc).and_then(|name| self.attributes.attribute(name));
        let found = Known { number: COMPARED, value };
        if let Some(known) = self.place(doc) {
            *known = found;
        }
        found
    }

    fn place(&mut self, doc: u8) -> Option<&mut Known<'t>> {
        self.known.get_or_insert([Known::NOTHING; DOCS_KNOWN]).get_mut(usize::from(doc))
    }

    /// Counts a comparison of an attribute's bytes.
    #[inline]
    fn count<W: Width>(&mut self, view: &View<'t, W>, doc: u8) {
        let Some(known) = self.place(doc) else { return };
        known.number = known.number.wrapping_sub(1);
        if known.number == COMPARED_MAX {
            self.find_number(view, doc);
        }
    }

    #[inline(never)]
    fn find_number<W: Width>(&mut self, view: &View<'t, W>, doc: u8) -> u32 {
        let value = self.known(view, doc).value;
        let number = value.and_then(|value| value::find(&view.values(), view.head.seed, &value));
        let number = number.unwrap_or(OTHER);
        if let Some(known) = self.place(doc) {
            known.number = number;
        }
        number
    }
}

/// Whether a value is one of those that the numbers are.
#[inline]
fn is_one_of<W: Width>(view: &View<'_, W>, actual: &Value<'_>, numbers: &[W::Word]) -> bool {
    let names = view.values();
    value::with_bytes(actual, |kind, bytes| {
        let name = |number: &W::Word| names.bytes(W::number(*number)).and_then(<[u8]>::split_first);
        numbers.iter().any(|number| name(number) == Some((&kind, bytes)))
    })
}

/// The test of an operator that looks into the value; `None` when the value is of another type.
#[inline(never)]
fn tests<W: Width>(
    view: &View<'_, W>,
    operator: Operator,
    operands: &[W::Word],
    actual: Value<'_>,
) -> Option<bool> {
    if operator == Operator::Exists {
        return Some(true);
    }
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
