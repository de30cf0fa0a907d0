//! Kept events: list, find, and say for each webhook why it gets one or why not.

use std::sync::Arc;

use bellwire_core::filter::Value;
use bellwire_core::table::{Operator, Verdict};
use bellwire_core::topic::Topic;

use super::{App, Fault};
use crate::id;
use crate::ingest::attributes::PayloadFields;
use crate::store::record::EventRecord;
use crate::webhooks::{Live, Space, Webhook};

/// An event with its id and what filters see of it.
#[derive(Debug)]
pub struct Event {
    /// The event's id.
    pub id: u128,
    /// The event.
    pub record: EventRecord,
    fields: PayloadFields,
}

impl Event {
    /// An event as it was accepted, or as it would be.
    pub fn new(id: u128, record: EventRecord) -> Event {
        // What was accepted could be read.
        let fields = PayloadFields::read(&record.payload).unwrap_or_default();
        Event { id, record, fields }
    }

    /// Numbers of the webhooks that match, in the space's order.
    pub fn matching(&self, live: &Live) -> Vec<u32> {
        let attributes = self.fields.attributes(&self.record.environment);
        let attributes = attributes.as_slice();
        let topic = Topic::parse(&self.record.topic);
        topic.map_or_else(|_| Vec::new(), |topic| live.table.find(&topic, &attributes).collect())
    }

    /// For each webhook of the space, as they are now, why it gets the event or why not.
    pub fn explain(&self, live: &Live) -> Vec<Explanation> {
        let attributes = self.fields.attributes(&self.record.environment);
        let attributes = attributes.as_slice();
        let topic = Topic::parse(&self.record.topic);
        let explain = |(number, webhook): (u32, &Arc<Webhook>)| {
            let reason = match &topic {
                Ok(topic) if webhook.record.active => {
                    Reason::of(live.table.explain(number, topic, &attributes))
                }
                Ok(_) => Reason::Inactive,
                Err(_) => Reason::NoPattern,
            };
            Explanation { webhook: webhook.clone(), reason }
        };
        (0..).zip(&live.webhooks).map(explain).collect()
    }
}

/// Why one webhook gets an event or not.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The webhook.
    pub webhook: Arc<Webhook>,
    /// What decided.
    pub reason: Reason,
}

/// What decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A topic takes the event in and every filter holds.
    Matched {
        /// The most specific of its topics that does.
        pattern: String,
    },
    /// The webhook makes no calls.
    Inactive,
    /// None of its topics takes the event in.
    NoPattern,
    /// A topic takes it in, but a filter does not hold.
    FilterFailed(FailedFilter),
}

/// The first filter that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedFilter {
    /// Its place in the definition, counted from 0.
    pub number: usize,
    /// The attribute that it looks at.
    pub doc: String,
    /// `equals`, `in` or `regexp`.
    pub operator: &'static str,
    /// Whether it stands under `not`.
    pub negated: bool,
    /// What it compares with.
    pub wanted: Vec<String>,
    /// What the event has; `None` when it lacks the attribute.
    pub actual: Option<String>,
}

impl Reason {
    fn of(verdict: Verdict<'_>) -> Reason {
        match verdict {
            Verdict::Matched { pattern } => Reason::Matched { pattern: pattern.to_string() },
            Verdict::NoPattern => Reason::NoPattern,
            Verdict::UnknownWebhook => Reason::Inactive,
            Verdict::FilterFailed { number, filter, actual } => Reason::FilterFailed(FailedFilter {
                number,
                doc: filter.doc().to_owned(),
                operator: operator(filter.operator()),
                negated: filter.negated(),
                wanted: filter.values().map(text).collect(),
                actual: actual.map(text),
            }),
        }
    }

    /// Whether the webhook gets the event.
    pub fn is_match(&self) -> bool {
        matches!(self, Reason::Matched { .. })
    }

    /// The reason as a sentence without a full stop.
    pub fn sentence(&self) -> String {
        match self {
            Reason::Matched { pattern } => {
                format!("its topic {pattern} takes the event in, and every filter holds")
            }
            Reason::Inactive => "the webhook is inactive".into(),
            Reason::NoPattern => "none of its topics takes the event in".into(),
            Reason::FilterFailed(failed) => failed.sentence(),
        }
    }
}

impl FailedFilter {
    fn sentence(&self) -> String {
        let FailedFilter { number, doc, negated, .. } = self;
        let quoted: Vec<String> = self.wanted.iter().map(|word| format!("\"{word}\"")).collect();
        let not = if *negated { "not " } else { "" };
        let wanted = match (self.operator, &quoted[..]) {
            ("regexp", [pattern]) => format!("{not}something that matches {pattern}"),
            ("in", [_, _, ..]) => format!("{not}one of {}", quoted.join(", ")),
            _ => format!("{not}{}", quoted.join(", ")),
        };
        match &self.actual {
            Some(actual) => format!("filter {}: {doc} is \"{actual}\", wanted {wanted}", number + 1),
            None => format!("filter {}: the event has no {doc}, wanted {wanted}", number + 1),
        }
    }
}

fn text(value: Value<'_>) -> String {
    match value {
        Value::Text(text) => text.to_owned(),
        other => other.to_string(),
    }
}

/// Definitions have three operators.
fn operator(operator: Operator) -> &'static str {
    match operator {
        Operator::In => "in",
        Operator::Regexp => "regexp",
        _ => "equals",
    }
}

/// The event with this id.
///
/// # Errors
/// `NotFound` when it is not kept, `Store`.
pub fn find(app: &App, space: &Space, event: &str) -> Result<Event, Fault> {
    let not_found = || Fault::not_found("Event", event, &space.id);
    let id = id::from_text(event).ok_or_else(not_found)?;
    let record = app.events.read(space.uid, id)?.ok_or_else(not_found)?;
    Ok(Event::new(id, record))
}

/// The newest events, one after the other, at most `limit`; only those older than `before`, if that is given. Each is
/// handed to `see` and let go before the next is read, since payloads are large.
///
/// # Errors
/// `Store`.
pub fn newest<T>(
    app: &App,
    space: &Space,
    before: Option<u128>,
    limit: usize,
    mut see: impl FnMut(Event) -> T,
) -> Result<Vec<T>, Fault> {
    let mut seen = Vec::new();
    for id in app.events.newest(space.uid, before, limit)? {
        // One that was swept since is passed over.
        if let Some(record) = app.events.read(space.uid, id)? {
            seen.push(see(Event::new(id, record)));
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::net::AddressPolicy;
    use crate::webhooks::definition::Definition;

    /// A space of one webhook that asks for some topics, with a filter for each of some attributes.
    fn live(topics: &[&str], filters: &[(&str, &str, bool)]) -> Live {
        let filter = |(doc, value, negated): &(&str, &str, bool)| {
            let test = json!({"equals": [{"doc": doc}, value]});
            if *negated { json!({"not": test}) } else { test }
        };
        let filters: Vec<_> = filters.iter().map(filter).collect();
        let json = json!({"name": "w", "url": "https://example.com/", "topics": topics, "filters": filters});
        let definition = Definition::parse(&json, None, AddressPolicy::PublicOnly).unwrap();
        Live::draft(definition).unwrap()
    }

    fn event(topic: &str, id: &str) -> Event {
        Event::new(
            1,
            EventRecord {
                environment: "master".into(),
                topic: topic.into(),
                occurred_at_ms: 0,
                user: String::new(),
                entity_id: None,
                context: Vec::new(),
                payload: json!({"sys": {"id": id}}).to_string().into_bytes(),
            },
        )
    }

    proptest! {
        #[test]
        fn the_reason_is_a_match_exactly_when_the_matcher_finds_the_webhook(
            topics in prop::sample::subsequence(vec!["Entry.publish", "Entry.*", "*.save", "Asset.*"], 1..4),
            filters in prop::collection::vec((
                prop::sample::select(vec!["sys.id", "sys.environment.sys.id", "sys.contentType.sys.id"]),
                prop::sample::select(vec!["a", "b", "master"]), any::<bool>(),
            ), 0..4),
            topic in prop::sample::select(vec!["Entry.publish", "Entry.save", "Asset.publish", "Task.save"]),
            id in prop::sample::select(vec!["a", "b"]),
        ) {
            let (live, event) = (live(&topics, &filters), event(topic, id));
            let explained = event.explain(&live);
            prop_assert_eq!(explained[0].reason.is_match(), event.matching(&live) == [0], "{:?}", explained[0].reason);
        }
    }

    #[test]
    fn a_failed_filter_says_both_values() {
        let failed = |operator, negated, wanted: &[&str], actual: Option<&str>| FailedFilter {
            number: 1,
            doc: "sys.id".into(),
            operator,
            negated,
            wanted: wanted.iter().map(|word| (*word).to_owned()).collect(),
            actual: actual.map(str::to_owned),
        };
        for (failed, said) in [
            (failed("equals", false, &["a"], Some("b")), "filter 2: sys.id is \"b\", wanted \"a\""),
            (failed("equals", true, &["a"], Some("a")), "filter 2: sys.id is \"a\", wanted not \"a\""),
            (
                failed("in", false, &["a", "b"], Some("c")),
                "filter 2: sys.id is \"c\", wanted one of \"a\", \"b\"",
            ),
            (
                failed("regexp", false, &["^a"], None),
                "filter 2: the event has no sys.id, wanted something that matches \"^a\"",
            ),
        ] {
            assert_eq!(failed.sentence(), said);
        }
    }
}
