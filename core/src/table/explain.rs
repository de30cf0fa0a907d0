//! Why a webhook gets an event, or why it does not.

use core::fmt;

use crate::filter::{Attributes, Value};
use crate::limits::SEGMENTS_MAX;
use crate::topic::{Topic, TopicPattern};

use super::judge::Judge;
use super::program::{Clause, Operator};
use super::rows::Rows;
use super::view::{AnyView, View, with_view};
use super::walk::{ANY, ROWS, TAIL, walk};
use super::width::{Width, ones};

/// What decided about one webhook and one event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict<'t> {
    /// The event is for the webhook.
    Matched {
        /// The most specific of its patterns that take the topic in: of two, the one that names a segment where the
        /// other has a star first, so that `Type.*` counts as more specific than `*.action`.
        pattern: PatternView<'t>,
    },
    /// None of its patterns takes the topic in.
    NoPattern,
    /// A pattern takes the topic in, but a filter does not hold.
    FilterFailed {
        /// The first filter that does not hold, counted from 0 in the order of the definition.
        number: usize,
        /// The filter itself.
        filter: FilterView<'t>,
        /// What the attribute was; `None` when the event lacks it, which fails any filter but `not exists`.
        actual: Option<Value<'t>>,
    },
    /// The table holds no such webhook.
    UnknownWebhook,
}

/// The verdict on the webhook in `row`.
pub(super) fn verdict<'t, A: Attributes + ?Sized>(
    any: AnyView<'t>,
    webhook: u32,
    topic: &Topic<'_>,
    attributes: &'t A,
) -> Verdict<'t> {
    with_view!(any, view => {
        let Some(row) = view.row(webhook) else { return Verdict::UnknownWebhook };
        let Some(pattern) = pattern(&view, row, topic) else { return Verdict::NoPattern };
        let mut judge = Judge::new(attributes);
        let (mut clauses, mut number) = (view.programs().clauses(row), 0_usize);
        let failed = clauses.find(|clause| {
            let holds = judge.holds(&view, clause);
            number = number.saturating_add(holds.into());
            !holds
        });
        match failed {
            None => Verdict::Matched { pattern },
            Some(clause) => {
                let actual = judge.actual(&view, clause.doc);
                Verdict::FilterFailed { number, filter: FilterView::new(any, &view, &clause), actual }
            }
        }
    })
}

/// The most specific pattern of a row that takes the topic in.
fn pattern<'t, W: Width>(view: &View<'t, W>, row: u32, topic: &Topic<'_>) -> Option<PatternView<'t>> {
    let mut best: Option<PatternView<'t>> = None;
    walk(view, topic, |found| {
        let list = view.rows(found.start, found.end);
        if list.binary_search_by_key(&row, |word| W::number(*word)).is_ok() {
            let pattern = PatternView::of(view, found.slot, topic);
            if best.is_none_or(|best| pattern.stars().lt(best.stars())) {
                best = Some(pattern);
            }
        }
    });
    best
}

/// One pattern as the table holds it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PatternView<'t> {
    /// The first `count` are in use.
    segments: [&'t str; SEGMENTS_MAX],
    count: usize,
}

impl<'t> PatternView<'t> {
    /// The pattern that ends at a node and takes the topic in.
    fn of<W: Width>(view: &View<'t, W>, mut slot: u32, topic: &Topic<'_>) -> Self {
        let slots = view.slots();
        let mut codes = heapless::Vec::<u32, SEGMENTS_MAX>::new();
        while let Some(node) = slots.slot(slot)
            && let Some(parent) = slots.slot(node.parent())
        {
            let code = slot.wrapping_sub(parent.base) & ones(size_of::<W::Word>() as u8);
            if code != ROWS && codes.push(code).is_err() {
                break;
            }
            slot = node.parent();
        }
        let mut pattern = Self { segments: [""; SEGMENTS_MAX], count: codes.len() };
        for ((place, code), segment) in
            pattern.segments.iter_mut().zip(codes.iter().rev()).zip(topic.segments())
        {
            *place = match *code {
                ANY => "*",
                TAIL => "**",
                _ => view.segment(segment.as_bytes()).unwrap_or_default(),
            };
        }
        pattern
    }

    /// The parts between the dots, wildcards included.
    pub fn segments(&self) -> impl Iterator<Item = &'t str> + Clone {
        self.segments.get(..self.count).unwrap_or_default().iter().copied()
    }

    /// What each segment leaves open: nothing, one segment, all the rest.
    fn stars(&self) -> impl Iterator<Item = u8> {
        self.segments().map(|segment| match segment {
            "*" => 1,
            "**" => 2,
            _ => 0,
        })
    }
}

impl PartialEq<TopicPattern<'_>> for PatternView<'_> {
    fn eq(&self, pattern: &TopicPattern<'_>) -> bool {
        self.segments().eq(pattern.segments())
    }
}

impl fmt::Display for PatternView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, segment) in self.segments().enumerate() {
            f.write_str(if number == 0 { "" } else { "." })?;
            f.write_str(segment)?;
        }
        Ok(())
    }
}

impl fmt::Debug for PatternView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One filter as the table holds it.
#[derive(Clone, Copy)]
pub struct FilterView<'t> {
    view: AnyView<'t>,
    operator: Operator,
    negated: bool,
    doc: u8,
    /// Words, as a list of rows has them.
    operands: Rows<'t>,
}

impl<'t> FilterView<'t> {
    fn new<W: Width>(any: AnyView<'t>, _view: &View<'t, W>, clause: &Clause<'t, W::Word>) -> Self {
        let Clause { operator, negated, doc, operands } = *clause;
        Self { view: any, operator, negated, doc, operands: W::rows(operands) }
    }

    /// Name of the attribute.
    pub fn doc(&self) -> &'t str {
        with_view!(self.view, view => view.doc(self.doc)).unwrap_or_default()
    }

    /// Whether the test stands under `not`.
    pub const fn negated(&self) -> bool {
        self.negated
    }

    /// How it compares.
    pub const fn operator(&self) -> Operator {
        self.operator
    }

    /// What it compares with: one value, the values of an `in`, the two ends of a range, one regular expression as a
    /// text, or nothing.
    pub fn values(&self) -> impl Iterator<Item = Value<'t>> + use<'t> {
        let view = self.view;
        let operands = self.operands;
        // The first word of a regexp is the number of its automaton.
        let first = usize::from(self.operator == Operator::Regexp);
        (first..operands.len()).filter_map(move |at| {
            let number = operands.at(at)?;
            with_view!(view, view => view.value(number))
        })
    }
}

impl PartialEq for FilterView<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.doc(), self.negated(), self.operator()) == (other.doc(), other.negated(), other.operator())
            && self.values().eq(other.values())
    }
}

impl fmt::Debug for FilterView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.negated() { "not " } else { "" };
        write!(f, "{not}{:?} {:?}", self.doc(), self.operator())?;
        self.values().try_for_each(|value| write!(f, " {value}"))
    }
}
