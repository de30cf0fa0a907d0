//! What every matcher has to do: webhooks that share a pattern put together, events, and the right answers.

use std::collections::HashMap;

use bellwire_core::table::{MatchTable, naive};

use crate::workload::{Event, Webhook, Workload, edge, filtered, plain};

/// One event in so many has its answer checked.
const CHECKED_EVERY: usize = 16;

/// The workloads by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Two segments, no filters.
    W1,
    /// Three to eight segments, no filters.
    W2,
    /// Two segments and filters.
    W3,
}

/// Webhooks, events, and which webhooks are one thing to look for.
pub struct Work {
    /// Which of the workloads it is.
    pub kind: Kind,
    /// How many webhooks there are.
    pub count: usize,
    workload: Workload,
    /// The webhooks that ask for the same, under the first of them.
    groups: HashMap<u32, Vec<u32>>,
}

impl Work {
    /// The workload of that name with so many webhooks.
    pub fn new(kind: Kind, count: usize) -> Self {
        let workload = match kind {
            Kind::W1 => plain(count),
            Kind::W2 => edge(count),
            Kind::W3 => filtered(count),
        };
        let mut firsts = HashMap::new();
        let mut groups: HashMap<u32, Vec<u32>> = HashMap::new();
        for (number, webhook) in (0..).zip(&workload.webhooks) {
            // Where there are filters, no two webhooks are taken for the same.
            let own = if kind == Kind::W3 { number } else { 0 };
            let first = *firsts.entry((webhook.pattern, own)).or_insert(number);
            groups.entry(first).or_default().push(number);
        }
        Self { kind, count, workload, groups }
    }

    /// What is to be looked for: each different webhook under its number, ascending.
    pub fn wanted(&self) -> impl Iterator<Item = (u32, &Webhook)> {
        let webhooks = (0..).zip(&self.workload.webhooks);
        webhooks.filter(|(number, _)| self.groups.contains_key(number))
    }

    /// The events in order.
    pub fn events(&self) -> &[Event] {
        &self.workload.events
    }

    /// The table of all webhooks.
    pub fn table(&self) -> MatchTable<Vec<u8>> {
        self.workload.table()
    }

    /// The events whose answers are checked, with their places.
    pub fn checked(&self) -> impl Iterator<Item = (usize, &Event)> {
        self.events().iter().enumerate().step_by(CHECKED_EVERY)
    }

    /// Whether what was found stands for the webhooks that the obvious version finds.
    pub fn is_right(&self, event: &Event, found: &[u32]) -> bool {
        let group = |number| self.groups.get(number).map_or(&[][..], Vec::as_slice);
        let mut found: Vec<u32> = found.iter().flat_map(group).copied().collect();
        found.sort_unstable();
        found.into_iter().eq((0..)
            .zip(&self.workload.webhooks)
            .filter(|(_, webhook)| wants(webhook, event))
            .map(|(number, _)| number))
    }
}

fn wants(webhook: &Webhook, event: &Event) -> bool {
    let attributes = event.attributes.as_slice();
    naive::matches(&[webhook.pattern], &webhook.filters, &event.topic, attributes, |_, _| false)
}
