//! Finding the webhooks of an event: four runs of rules, merged.

use crate::filter::{Attributes, Regexps};
use crate::topic::Topic;

use super::MatchTable;
use super::explain::FilterView;
use super::rows::{Clause, Hook, Rule};
use super::storage::{List, Storage, Text};

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
    pub(super) fn runs(&self, topic: &Topic<'_>) -> [&[Rule]; 4] {
        let (kind, action) = (topic.kind(), topic.action());
        [self.run(kind, action), self.run(kind, ""), self.run("", action), self.run("", "")]
    }

    fn run(&self, kind: &str, action: &str) -> &[Rule] {
        let (rules, text) = (self.rules.as_slice(), self.text.as_str());
        let start = rules.partition_point(|rule| rule.key(text) < (kind, action));
        let rest = rules.get(start..).unwrap_or_default();
        match rest.first() {
            Some(first) if first.key(text) == (kind, action) => {
                let end = rest.partition_point(|rule| (rule.kind, rule.action) == (first.kind, first.action));
                rest.get(..end).unwrap_or_default()
            }
            _ => &[],
        }
    }

    pub(super) fn filters(&self, hook: &Hook) -> impl Iterator<Item = FilterView<'_>> {
        let clauses = self.clauses.as_slice().get(hook.clauses_start as usize..hook.clauses_end as usize);
        let text = self.text.as_str();
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
            let hook = self.table.hooks.as_slice().get(row as usize)?;
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
