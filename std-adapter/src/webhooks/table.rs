//! A space's match table: the core's image, built aside from all webhooks of the space, or from the one before and what
//! changed.

use std::collections::HashMap;

use bellwire_core::filter::{Filter, RegexpError, Regexps, Value};
use bellwire_core::table::{Growing, MatchTable, TableBuilder, TableError};
use bellwire_core::topic::TopicPattern;
use thiserror::Error;

use super::filters::FilterSpec;

/// A webhook's number in the table is its place among the space's webhooks.
pub type WebhookTable = MatchTable<Vec<u8>>;

/// Why the webhooks of a space make no table.
#[derive(Debug, Error)]
pub enum TableFault {
    /// A stored topic or filter is not understood.
    #[error("the definition of the webhook {webhook} is not understood: {problem}")]
    Definition {
        /// The webhook's id.
        webhook: String,
        /// What is wrong.
        problem: String,
    },
    /// A limit of the table is passed by one webhook.
    #[error("the webhook {webhook} does not fit: {cause}")]
    Table {
        /// The webhook's id.
        webhook: String,
        /// Which limit.
        cause: TableError,
    },
    /// A limit of the table is passed by all webhooks together.
    #[error("the webhooks of the space do not fit one table: {0}")]
    Space(TableError),
    /// The server stopped while it was built.
    #[error("the change was cut short")]
    CutShort,
}

impl TableFault {
    /// Which webhook is at fault, if one is.
    pub fn webhook(&self) -> Option<&str> {
        match self {
            TableFault::Definition { webhook, .. } | TableFault::Table { webhook, .. } => Some(webhook),
            TableFault::Space(_) | TableFault::CutShort => None,
        }
    }
}

/// The automata that were compiled when the webhooks were read, by pattern.
struct Compiled<'a>(HashMap<&'a str, &'a [u8]>);

impl Regexps for Compiled<'_> {
    fn compile(&mut self, pattern: &str) -> Result<&[u8], RegexpError> {
        self.0.get(pattern).copied().ok_or(RegexpError::Unsupported)
    }
}

/// What a webhook asks of events.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The webhook's id, for errors.
    pub id: &'a str,
    /// Whether it is in the table at all.
    pub active: bool,
    /// Patterns of the topics that it wants.
    pub topics: &'a [String],
    /// Its filters; otherwise what is not understood in them.
    pub filters: Result<&'a [FilterSpec], &'a str>,
}

type Builder<'a> = TableBuilder<Growing, Compiled<'a>>;

/// Builds the table of the active webhooks; each one's number is its place. Hashing starts from `seed`, which should be
/// nobody else's to know.
///
/// # Errors
/// When a definition is not understood or passes a limit of the table.
pub fn compile<'a>(
    webhooks: impl Iterator<Item = Wanted<'a>> + Clone,
    seed: u32,
) -> Result<WebhookTable, TableFault> {
    let active = (0..).zip(webhooks).filter(|(_, webhook)| webhook.active);
    let specs = active.clone().filter_map(|(_, webhook)| webhook.filters.ok()).flatten();
    let mut builder = Builder::new(Compiled(specs.filter_map(FilterSpec::regexp).collect())).with_seed(seed);
    for (number, webhook) in active {
        add(&mut builder, number, &webhook)?;
    }
    builder.build().map_err(TableFault::Space)
}

/// The table after a change of one webhook. The others are copied from `table` under the numbers that `number` gives them,
/// which leaves the changed one out; `changed` is that one with its number, if it is still there.
///
/// # Errors
/// When the changed definition is not understood or passes a limit of the table.
pub fn change(
    table: &WebhookTable,
    number: impl FnMut(u32) -> Option<u32>,
    changed: Option<(u32, Wanted<'_>)>,
    seed: u32,
) -> Result<WebhookTable, TableFault> {
    let changed = changed.filter(|(_, webhook)| webhook.active);
    let specs = changed.iter().filter_map(|(_, webhook)| webhook.filters.ok()).flatten();
    let regexps = Compiled(specs.filter_map(FilterSpec::regexp).collect());
    let mut builder = Builder::copy(table, regexps, number).map_err(TableFault::Space)?.with_seed(seed);
    if let Some((number, webhook)) = &changed {
        add(&mut builder, *number, webhook)?;
    }
    builder.build().map_err(TableFault::Space)
}

fn add(builder: &mut Builder<'_>, number: u32, webhook: &Wanted<'_>) -> Result<(), TableFault> {
    let id = || webhook.id.to_owned();
    let misunderstood = |problem: String| TableFault::Definition { webhook: id(), problem };
    let patterns = webhook.topics.iter().map(|topic| TopicPattern::parse(topic));
    let patterns: Vec<TopicPattern<'_>> =
        patterns.collect::<Result<_, _>>().map_err(|cause| misunderstood(cause.to_string()))?;
    let specs = webhook.filters.map_err(|problem| misunderstood(problem.to_owned()))?;
    let mut words: Vec<Vec<Value<'_>>> = specs.iter().map(|_| Vec::new()).collect();
    let filters: Vec<Filter<'_>> =
        specs.iter().zip(&mut words).map(|(spec, words)| spec.as_filter(words)).collect();
    let added = builder.add(number, &patterns, &filters);
    added.map_err(|cause| TableFault::Table { webhook: id(), cause })
}
