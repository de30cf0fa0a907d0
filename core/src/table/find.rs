//! Finding the webhooks of an event: four runs of rules, merged.

use crate::filter::{Attributes, Regexps};
use crate::topic::Topic;

use super::explain::FilterView;
use super::rows::{Clause, Hook, Rule, Span};
use super::storage::{List, Storage, Text};
use super::{MatchTable, names};

impl<S: Storage, R: Regexps> MatchTable<S, R> {
    /// The webhooks that want an event of this topic with these attributes: ascending, each once.
    ///
    /// Filters are judged as the iterator is driven.
    pub fn find<'t, A: Attributes + ?Sized>(
        &'t self,
        topic: &Topic<'_>,
        attributes: &'t A,
    ) -> Matches<'t, S, R, A> {
        Matches { table: self, attributes, runs: self.runs(topic) }
    }

    pub(super) fn passes<A: Attributes + ?Sized>(&self, hook: &Hook, attributes: &A) -> bool {
        self.filters(hook).all(|filter| filter.holds(attributes.attribute(filter.doc()), &self.regexps))
    }
}

impl<S: Storage, R> MatchTable<S, R> {
    /// The rules that take `topic` in, the most specific patterns first; each run ascends by webhook.
    fn runs(&self, topic: &Topic<'_>) -> [&[Rule]; 4] {
        self.sides(topic).map(|sides| sides.map_or(&[][..], |(kind, action)| self.run(kind, action)))
    }

    /// The type and the action of the patterns that take `topic` in; `None` where the table has no such name.
    pub(super) fn sides(&self, topic: &Topic<'_>) -> [Option<(u32, u32)>; 4] {
        let kind = self.name(self.rows.kinds.as_slice(), topic.kind());
        let action = self.name(self.rows.actions.as_slice(), topic.action());
        let (any_kind, any_action) = (Some(Rule::ANY), Some(Rule::ANY));
        [kind.zip(action), kind.zip(any_action), any_kind.zip(action), any_kind.zip(any_action)]
    }

    fn name(&self, names: &[Span], name: &str) -> Option<u32> {
        let row = names::search(names, self.rows.text.as_str(), name).ok()?;
        names.get(row).map(|span| span.start)
    }

    pub(super) fn run(&self, kind: u32, action: u32) -> &[Rule] {
        let rules = self.rows.rules.as_slice();
        let rest = rules.get(rules.partition_point(|rule| (rule.kind, rule.action) < (kind, action))..);
        let rest = rest.unwrap_or_default();
        let end = rest.partition_point(|rule| (rule.kind, rule.action) == (kind, action));
        rest.get(..end).unwrap_or_default()
    }

    pub(super) fn filters(&self, hook: &Hook) -> impl Iterator<Item = FilterView<'_>> {
        let clauses =
            self.rows.clauses.as_slice().get(hook.clauses_start as usize..hook.clauses_end as usize);
        let text = self.rows.text.as_str();
        let ends = |clause: &Clause| clause.last;
        clauses.unwrap_or_default().split_inclusive(ends).filter_map(|run| FilterView::new(run, text))
    }
}

/// Iterator over the webhooks of one event, made by [`MatchTable::find`].
pub struct Matches<'t, S: Storage, R, A: ?Sized> {
    table: &'t MatchTable<S, R>,
    attributes: &'t A,
    runs: [&'t [Rule]; 4],
}

impl<S: Storage, R: Regexps, A: Attributes + ?Sized> Iterator for Matches<'_, S, R, A> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        loop {
            let row = self.next_row()?;
            let hook = self.table.rows.hooks.as_slice().get(row as usize)?;
            if self.table.passes(hook, self.attributes) {
                return Some(hook.webhook);
            }
        }
    }
}

impl<S: Storage, R, A: ?Sized> Matches<'_, S, R, A> {
    /// The smallest row at the head of a run, which it then leaves behind in all runs.
    fn next_row(&mut self) -> Option<u32> {
        let row = self.runs.iter().filter_map(|run| run.first()).map(|rule| rule.hook).min()?;
        for run in &mut self.runs {
            while let Some((rule, rest)) = run.split_first()
                && rule.hook == row
            {
                *run = rest;
            }
        }
        Some(row)
    }
}
