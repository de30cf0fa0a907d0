//! Boolean expressions over attributes, from a-tree: each segment of a topic is an attribute, and how many there are.

use a_tree::{ATree, AttributeDefinition, Event};
use bellwire_core::filter::{CONTENTFUL_DOCS, Filter, Test, Value};
use bellwire_core::limits::SEGMENTS_MAX;

use crate::matcher::Matcher;
use crate::work::{Kind, Work};
use crate::workload::Webhook;

/// Bytes of the prefixes that the work asks for. It has no operator for them, so an event brings them as attributes.
const PREFIX_BYTES: usize = 20;

// The attributes: each segment and how many there are, each value and what it starts with.
const SEGMENT: [&str; SEGMENTS_MAX] = ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"];
const SEGMENTS: &str = "segments";
const VALUE: [&str; CONTENTFUL_DOCS.len()] = ["a0", "a1", "a2", "a3", "a4", "a5"];
const PREFIX: [&str; CONTENTFUL_DOCS.len()] = ["p0", "p1", "p2", "p3", "p4", "p5"];

/// The expressions of all that is wanted.
pub struct Expressions(ATree<u32>);

impl Matcher for Expressions {
    const NAME: &'static str = "a-tree 0.6";
    const SEPARATOR: char = '.';
    type Input = Event;

    fn new(work: &Work) -> Result<Self, String> {
        let names = SEGMENT.iter().chain(&VALUE).chain(&PREFIX);
        let mut attributes: Vec<AttributeDefinition> =
            names.map(|name| AttributeDefinition::string(name)).collect();
        attributes.push(AttributeDefinition::integer(SEGMENTS));
        let mut tree = ATree::new(&attributes).map_err(|error| error.to_string())?;
        for (number, webhook) in work.wanted() {
            tree.insert(&number, &expression(webhook, work.kind)).expect("an expression");
        }
        Ok(Self(tree))
    }

    fn input(&self, topic: &'static str, attributes: &'static [(&'static str, &'static str)]) -> Self::Input {
        let mut event = self.0.make_event();
        let mut segments = 0;
        for (number, text) in topic.split('.').enumerate() {
            event.with_string(SEGMENT[number], text).expect("an attribute");
            segments += 1;
        }
        event.with_integer(SEGMENTS, segments).expect("an attribute");
        for (doc, text) in attributes {
            let doc = number_of(doc);
            event.with_string(VALUE[doc], text).expect("an attribute");
            event.with_string(PREFIX[doc], &text[..PREFIX_BYTES]).expect("an attribute");
        }
        event.build().expect("an event")
    }

    fn find(&self, event: &Self::Input, mut with: impl FnMut(u32)) {
        let found = self.0.search(event).expect("an answer");
        found.matches().iter().for_each(|number| with(**number));
    }
}

fn number_of(doc: &str) -> usize {
    CONTENTFUL_DOCS.iter().position(|known| *known == doc).expect("one of Contentful's")
}

/// A pattern and filters as one expression. All topics of W1 and W3 have two segments, so their number is not asked for.
fn expression(webhook: &Webhook, kind: Kind) -> String {
    let mut clauses = Vec::new();
    let mut segments = 0;
    let mut tail = false;
    for (number, text) in webhook.pattern.segments().enumerate() {
        segments += 1;
        match text {
            "*" => {}
            "**" => tail = true,
            _ => clauses.push(format!("{} = '{text}'", SEGMENT[number])),
        }
    }
    if tail {
        clauses.push(format!("{SEGMENTS} >= {segments}"));
    } else if kind == Kind::W2 || clauses.is_empty() {
        clauses.push(format!("{SEGMENTS} = {segments}"));
    }
    clauses.extend(webhook.filters.iter().map(clause));
    clauses.join(" and ")
}

fn clause(filter: &Filter<'_>) -> String {
    let doc = number_of(filter.doc);
    let quoted = |value: &Value<'_>| match value {
        Value::Text(text) => format!("'{text}'"),
        other => other.to_string(),
    };
    match (filter.test, filter.negated) {
        (Test::Equals(wanted), false) => format!("{} = {}", VALUE[doc], quoted(&wanted)),
        (Test::Equals(wanted), true) => format!("{} <> {}", VALUE[doc], quoted(&wanted)),
        (Test::In(wanted), false) => {
            format!("{} in [{}]", VALUE[doc], wanted.iter().map(quoted).collect::<Vec<_>>().join(", "))
        }
        (Test::Prefix(wanted), false) => format!("{} = '{wanted}'", PREFIX[doc]),
        (test, negated) => panic!("the work has no such filter: {test:?}, negated {negated}"),
    }
}
