//! A space's match table: the core's, with storage that grows.

use bellwire_core::filter::Filter;
use bellwire_core::table::{
    Clause, Full, Hook, List, MatchTable, Rule, Span, Storage, TableBuilder, TableError, Text,
};
use bellwire_core::topic::TopicPattern;
use serde_json::Value;
use thiserror::Error;

use super::filters::{FilterSpec, parse_filters};
use super::regexps::RegexpEngine;
use crate::store::record::WebhookRecord;

/// A webhook's number in the table is its place among the space's webhooks.
pub type WebhookTable = MatchTable<Growing, RegexpEngine>;

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
    /// A limit of the table is passed.
    #[error("the webhook {webhook} does not fit: {cause}")]
    Table {
        /// The webhook's id.
        webhook: String,
        /// Which limit.
        cause: TableError,
    },
}

/// Lists on the heap: bounded by the limits of definitions, not by a capacity.
#[derive(Debug)]
pub struct Growing;

impl Storage for Growing {
    type Rules = GrowingList<Rule>;
    type Hooks = GrowingList<Hook>;
    type Clauses = GrowingList<Clause>;
    type Names = GrowingList<Span>;
    type Text = GrowingText;
}

/// A list that grows.
#[derive(Debug)]
pub struct GrowingList<T>(Vec<T>);

impl<T> List<T> for GrowingList<T> {
    const EMPTY: Self = GrowingList(Vec::new());

    fn push(&mut self, row: T) -> Result<(), Full> {
        self.0.push(row);
        Ok(())
    }

    fn as_slice(&self) -> &[T] {
        &self.0
    }

    fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.0
    }

    fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }
}

/// A text that grows.
#[derive(Debug)]
pub struct GrowingText(String);

impl Text for GrowingText {
    const EMPTY: Self = GrowingText(String::new());

    fn push_str(&mut self, text: &str) -> Result<(), Full> {
        self.0.push_str(text);
        Ok(())
    }

    fn as_str(&self) -> &str {
        &self.0
    }

    fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }
}

/// Compiles the topics and filters of the active webhooks; each one's number is its place.
///
/// # Errors
/// When a definition is not understood or passes a limit of the table.
pub fn compile<'a>(webhooks: impl Iterator<Item = &'a WebhookRecord>) -> Result<WebhookTable, TableFault> {
    let mut builder = TableBuilder::<Growing, RegexpEngine>::default();
    for (number, webhook) in webhooks.enumerate() {
        if webhook.active {
            let number = u32::try_from(number).expect("a space has fewer webhooks than 2^32");
            add(&mut builder, number, webhook)?;
        }
    }
    Ok(builder.build())
}

fn add(
    builder: &mut TableBuilder<Growing, RegexpEngine>,
    number: u32,
    webhook: &WebhookRecord,
) -> Result<(), TableFault> {
    let misunderstood = |problem: String| TableFault::Definition { webhook: webhook.id.clone(), problem };
    let patterns = webhook.topics.iter().map(|topic| TopicPattern::parse(topic));
    let mut patterns: Vec<TopicPattern<'_>> =
        patterns.collect::<Result<_, _>>().map_err(|cause| misunderstood(cause.to_string()))?;
    patterns.sort_unstable_by_key(|pattern| (pattern.kind(), pattern.action()));
    patterns.dedup();
    let specs = filter_specs(webhook).map_err(misunderstood)?;
    let mut words: Vec<Vec<&str>> = specs.iter().map(|_| Vec::new()).collect();
    let filters: Vec<Filter<'_>> =
        specs.iter().zip(&mut words).map(|(spec, words)| spec.as_filter(words)).collect();
    let added = builder.add(number, &patterns, &filters);
    added.map_err(|cause| TableFault::Table { webhook: webhook.id.clone(), cause })
}

fn filter_specs(webhook: &WebhookRecord) -> Result<Vec<FilterSpec>, String> {
    let Some(json) = &webhook.filters_json else { return Ok(Vec::new()) };
    let value: Value = serde_json::from_str(json).map_err(|cause| cause.to_string())?;
    parse_filters(&value)
}
