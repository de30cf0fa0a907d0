//! Why a webhook gets an event, or why it does not.

use core::fmt;

use crate::filter::{Attributes, Regexps};
use crate::topic::{Topic, TopicPattern};

use super::MatchTable;
use super::rows::{Clause, Operand, Span};
use super::storage::{List, Storage, Text};

/// What decided about one webhook and one event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict<'t> {
    /// The event is for the webhook.
    Matched {
        /// The most specific of its patterns that take the topic in; `Type.*` counts as more specific than `*.action`.
        pattern: TopicPattern<'t>,
    },
    /// None of its patterns takes the topic in.
    NoPattern,
    /// A pattern takes the topic in, but a filter does not hold.
    FilterFailed {
        /// The first filter that does not hold, counted from 0 in the order of the definition.
        number: usize,
        /// The filter itself.
        filter: FilterView<'t>,
        /// What the attribute was; `None` when the event lacks it, which fails a filter whatever it asks.
        actual: Option<&'t str>,
    },
    /// The table holds no such webhook.
    UnknownWebhook,
}

impl<S: Storage, R: Regexps> MatchTable<S, R> {
    /// Why [`find`](Self::find) gives `webhook` for this event, or why it does not.
    pub fn explain<'t, A: Attributes + ?Sized>(
        &'t self,
        webhook: u32,
        topic: &Topic<'_>,
        attributes: &'t A,
    ) -> Verdict<'t> {
        let hooks = self.rows.hooks.as_slice();
        let row = hooks.partition_point(|hook| hook.webhook < webhook);
        let Some(hook) = hooks.get(row).filter(|hook| hook.webhook == webhook) else {
            return Verdict::UnknownWebhook;
        };
        let Some(pattern) = self.pattern(row as u32, topic) else { return Verdict::NoPattern };
        let failed = self.filters(hook).enumerate().find_map(|(number, filter)| {
            let actual = attributes.attribute(filter.doc());
            let failed = Verdict::FilterFailed { number, filter, actual };
            (!filter.holds(actual, &self.regexps)).then_some(failed)
        });
        failed.unwrap_or(Verdict::Matched { pattern })
    }

    fn pattern(&self, row: u32, topic: &Topic<'_>) -> Option<TopicPattern<'_>> {
        let has_rule = |(kind, action): &(u32, u32)| {
            self.run(*kind, *action).binary_search_by_key(&row, |rule| rule.hook).is_ok()
        };
        let (kind, action) = self.sides(topic).into_iter().flatten().find(has_rule)?;
        let (kinds, actions) = (self.rows.kinds.as_slice(), self.rows.actions.as_slice());
        Some(TopicPattern::from_sides(self.side(kinds, kind), self.side(actions, action)))
    }

    fn side(&self, names: &[Span], start: u32) -> Option<&str> {
        names.iter().find(|span| span.start == start).map(|span| span.of(self.rows.text.as_str()))
    }
}

/// One filter as the table holds it.
#[derive(Clone, Copy)]
pub struct FilterView<'t> {
    first: &'t Clause,
    clauses: &'t [Clause],
    text: &'t str,
}

/// How a filter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The attribute is the value.
    Equals,
    /// The attribute is one of the values.
    In,
    /// The attribute has a place where the regular expression matches.
    Regexp,
}

impl<'t> FilterView<'t> {
    /// The filter that `clauses` make up; `None` without any.
    pub(super) fn new(clauses: &'t [Clause], text: &'t str) -> Option<Self> {
        clauses.first().map(|first| Self { first, clauses, text })
    }

    /// Name of the attribute.
    pub fn doc(&self) -> &'t str {
        self.first.doc.of(self.text)
    }

    /// Whether the test stands under `not`.
    pub const fn negated(&self) -> bool {
        self.first.negated
    }

    /// How it compares.
    pub const fn operator(&self) -> Operator {
        self.first.operator
    }

    /// What it compares with: one text, the texts of an `in`, or one regular expression.
    pub fn values(&self) -> impl Iterator<Item = &'t str> + use<'t> {
        let text = self.text;
        self.clauses.iter().filter_map(move |clause| match clause.operand {
            Operand::None => None,
            Operand::Text(value) => Some(value.of(text)),
            Operand::Regexp { pattern, .. } => Some(pattern.of(text)),
        })
    }

    /// Whether it holds for an attribute; never when the attribute is absent.
    pub(super) fn holds<R: Regexps>(&self, actual: Option<&str>, regexps: &R) -> bool {
        let hit = |actual: &str, clause: &Clause| match clause.operand {
            Operand::None => false,
            Operand::Text(value) => value.of(self.text) == actual,
            Operand::Regexp { number, .. } => regexps.is_match(number, actual),
        };
        actual.is_some_and(|actual| self.clauses.iter().any(|clause| hit(actual, clause)) != self.negated())
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
        self.values().try_for_each(|value| write!(f, " {value:?}"))
    }
}
