//! Webhooks and events to match: [`plain`] has patterns alone, [`filtered`] has filters as well.

use bellwire_core::filter::{CONTENTFUL_DOCS, Filter, NoRegexps, Test, Value};
use bellwire_core::table::{Growing, MatchTable, TableBuilder, naive};
use bellwire_core::topic::{Topic, TopicPattern};
use oorandom::Rand32;

const SEED: u64 = 0x5eed;

/// Types of topics, Contentful's and some of the kind.
const TYPES: [&str; 30] = [
    "AppAction",
    "AppDefinition",
    "AppInstallation",
    "Asset",
    "BulkAction",
    "Collection",
    "Comment",
    "ComponentType",
    "ContentType",
    "Customer",
    "EditorInterface",
    "Entry",
    "Environment",
    "EnvironmentAlias",
    "Experience",
    "Fragment",
    "Invoice",
    "Locale",
    "Order",
    "Product",
    "Release",
    "ReleaseAsset",
    "ReleaseEntry",
    "Role",
    "ScheduledAction",
    "Shipment",
    "Tag",
    "Task",
    "Template",
    "Workflow",
];
/// Actions of topics.
const ACTIONS: [&str; 12] = [
    "archive",
    "auto_save",
    "change_target",
    "complete",
    "create",
    "delete",
    "execute",
    "migrate",
    "publish",
    "save",
    "unarchive",
    "unpublish",
];
/// Different values of one attribute.
const VALUES: u32 = 20;
/// Events of a workload: a power of two, and enough that a processor does not learn their order by heart.
pub const EVENTS: usize = 4096;

/// One webhook: one pattern, and filters.
#[derive(Debug)]
pub struct Webhook {
    /// Which topics it wants.
    pub pattern: TopicPattern<'static>,
    /// What it asks of attributes.
    pub filters: Vec<Filter<'static>>,
}

/// What a table looks at in an event.
#[derive(Debug)]
pub struct Event {
    /// What happened to what.
    pub topic: Topic<'static>,
    /// Names and values.
    pub attributes: Vec<(&'static str, &'static str)>,
}

/// Webhooks, numbered by place, and the events they meet.
#[derive(Debug)]
pub struct Workload {
    /// The webhooks.
    pub webhooks: Vec<Webhook>,
    /// [`EVENTS`] events.
    pub events: Vec<Event>,
}

/// `count` webhooks without filters. Of 100 patterns 70 name type and action, 20 are `Type.*`, 8 are `*.action` and 2
/// are `*.*`, over 30 types and 12 actions; events are spread over all 360 topics and have no attributes.
pub fn plain(count: usize) -> Workload {
    let mut random = Rand32::new(SEED);
    let webhooks =
        (0..count).map(|_| Webhook { pattern: pattern(&mut random), filters: Vec::new() }).collect();
    let events = (0..EVENTS).map(|_| Event { topic: topic(&mut random), attributes: Vec::new() }).collect();
    Workload { webhooks, events }
}

/// The same patterns with none to four filters each, two on average, over six attributes of twenty values. Of four
/// filters two are `equals`, one is an `in` of three values and one is `not` `equals`. Every event has all six
/// attributes.
pub fn filtered(count: usize) -> Workload {
    let mut random = Rand32::new(SEED);
    let webhooks =
        (0..count).map(|_| Webhook { pattern: pattern(&mut random), filters: filters(&mut random) });
    let webhooks = webhooks.collect();
    let events =
        (0..EVENTS).map(|_| Event { topic: topic(&mut random), attributes: attributes(&mut random) });
    Workload { webhooks, events: events.collect() }
}

impl Workload {
    /// The webhooks compiled.
    ///
    /// # Panics
    /// Never: all webhooks are within the limits.
    pub fn table(&self) -> MatchTable<Vec<u8>> {
        let mut builder = TableBuilder::<Growing, NoRegexps>::default();
        for (number, webhook) in (0..).zip(&self.webhooks) {
            builder.add(number, &[webhook.pattern], &webhook.filters).expect("a webhook within the limits");
        }
        builder.build().expect("a table within the limits")
    }

    /// The number of webhooks that want an event, by looking at each.
    pub fn naive(&self, event: &Event) -> usize {
        let wants = |webhook: &&Webhook| {
            let (patterns, event_attributes) = (&[webhook.pattern], event.attributes.as_slice());
            naive::matches(patterns, &webhook.filters, &event.topic, event_attributes, |_, _| false)
        };
        self.webhooks.iter().filter(wants).count()
    }
}

fn choose<'a>(random: &mut Rand32, texts: &[&'a str]) -> &'a str {
    texts[random.rand_range(0..texts.len() as u32) as usize]
}

fn pattern(random: &mut Rand32) -> TopicPattern<'static> {
    let (kind, action) = (choose(random, &TYPES), choose(random, &ACTIONS));
    let (kind, action) = match random.rand_range(0..100) {
        0..70 => (kind, action),
        70..90 => (kind, "*"),
        90..98 => ("*", action),
        _ => ("*", "*"),
    };
    TopicPattern::parse(format!("{kind}.{action}").leak()).expect("a pattern")
}

fn topic(random: &mut Rand32) -> Topic<'static> {
    let (kind, action) = (choose(random, &TYPES), choose(random, &ACTIONS));
    Topic::parse(format!("{kind}.{action}").leak()).expect("a topic")
}

fn filters(random: &mut Rand32) -> Vec<Filter<'static>> {
    (0..random.rand_range(0..5)).map(|_| filter(random)).collect()
}

fn filter(random: &mut Rand32) -> Filter<'static> {
    let doc = choose(random, &CONTENTFUL_DOCS);
    let (negated, test) = match random.rand_range(0..4) {
        0 | 1 => (false, Test::Equals(Value::Text(value(random)))),
        2 => {
            let values = [value(random), value(random), value(random)].map(Value::Text);
            (false, Test::In(values.to_vec().leak()))
        }
        _ => (true, Test::Equals(Value::Text(value(random)))),
    };
    Filter { negated, doc, test }
}

fn value(random: &mut Rand32) -> &'static str {
    format!("2xNAz23UZhPpcvfxCBB{:02}", random.rand_range(0..VALUES)).leak()
}

fn attributes(random: &mut Rand32) -> Vec<(&'static str, &'static str)> {
    CONTENTFUL_DOCS.iter().map(|doc| (*doc, value(random))).collect()
}

#[cfg(test)]
mod tests {
    use super::{Workload, filtered, plain};

    fn agrees(workload: &Workload) {
        let table = workload.table();
        for event in workload.events.iter().step_by(16) {
            let found = table.find(&event.topic, event.attributes.as_slice()).count();
            assert_eq!(found, workload.naive(event));
        }
    }

    #[test]
    fn the_table_of_a_workload_finds_what_the_obvious_version_finds() {
        agrees(&plain(256));
        agrees(&filtered(256));
    }

    #[test]
    fn a_workload_is_the_same_every_time() {
        assert_eq!(format!("{:?}", filtered(64)), format!("{:?}", filtered(64)));
    }
}
