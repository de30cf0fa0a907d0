//! Webhooks and events to match: [`plain`] has patterns of two segments, [`edge`] longer ones, [`filtered`] has filters.

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
/// What the segments of a topic at the edge are called, level by level, and how many there are of each.
const LEVELS: [(&str, u32); 8] = [
    ("site", 8),
    ("line", 12),
    ("press", 12),
    ("cell", 8),
    ("motor", 8),
    ("axis", 6),
    ("sensor", 4),
    ("reading", 4),
];
/// Different values of one attribute.
const VALUES: u32 = 20;
/// All but the last digit of a value: half of the values start with the same.
const PREFIX_BYTES: usize = 20;
/// Events of a workload: a power of two, and enough that a processor does not learn their order by heart.
pub const EVENTS: usize = 4096;

/// Webhooks that a measured space may have.
pub const PER_SPACE_MAX: usize = 1_000_000;

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

/// `count` webhooks of three to eight segments, as in `site3.line11.press2`. Of 100 patterns 40 have `*` for one of them,
/// 15 for one more, and 25 end with `**`. Half the events are topics of a pattern, with any segment for a `*`; the others
/// are drawn like patterns without stars. No event has attributes.
pub fn edge(count: usize) -> Workload {
    let mut random = Rand32::new(SEED);
    let webhooks: Vec<Webhook> =
        (0..count).map(|_| Webhook { pattern: edge_pattern(&mut random), filters: Vec::new() }).collect();
    let events = (0..EVENTS).map(|number| {
        let like = &webhooks[random.rand_range(0..count as u32) as usize].pattern;
        let topic = if number % 2 == 0 { topic_of(&mut random, like) } else { edge_topic(&mut random) };
        Event { topic, attributes: Vec::new() }
    });
    let events = events.collect();
    Workload { webhooks, events }
}

/// The patterns of [`plain`] with none to four filters each, two on average, over six attributes of twenty values. Of
/// eight filters three are `equals`, two are an `in` of three values, one is a `prefix` and two are `not` `equals`. Every
/// event has all six attributes.
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

fn edge_segments(random: &mut Rand32) -> Vec<String> {
    let levels = random.rand_range(3..LEVELS.len() as u32 + 1) as usize;
    (0..levels).map(|level| edge_segment(random, level)).collect()
}

fn edge_segment(random: &mut Rand32, level: usize) -> String {
    let (name, count) = LEVELS[level];
    format!("{name}{}", random.rand_range(0..count))
}

fn edge_pattern(random: &mut Rand32) -> TopicPattern<'static> {
    let mut segments = edge_segments(random);
    for percent in [40, 15] {
        if random.rand_range(0..100) < percent {
            let level = random.rand_range(0..segments.len() as u32) as usize;
            segments[level] = "*".into();
        }
    }
    if random.rand_range(0..100) < 25
        && let Some(last) = segments.last_mut()
    {
        *last = "**".into();
    }
    TopicPattern::parse(segments.join(".").leak()).expect("a pattern")
}

fn edge_topic(random: &mut Rand32) -> Topic<'static> {
    Topic::parse(edge_segments(random).join(".").leak()).expect("a topic")
}

/// A topic that a pattern takes in.
fn topic_of(random: &mut Rand32, pattern: &TopicPattern<'_>) -> Topic<'static> {
    let segments = (0..).zip(pattern.segments()).map(|(level, segment)| match segment {
        "*" | "**" => edge_segment(random, level),
        _ => segment.into(),
    });
    Topic::parse(segments.collect::<Vec<String>>().join(".").leak()).expect("a topic")
}

fn filters(random: &mut Rand32) -> Vec<Filter<'static>> {
    (0..random.rand_range(0..5)).map(|_| filter(random)).collect()
}

fn filter(random: &mut Rand32) -> Filter<'static> {
    let doc = choose(random, &CONTENTFUL_DOCS);
    let (negated, test) = match random.rand_range(0..8) {
        0..3 => (false, Test::Equals(Value::Text(value(random)))),
        3 | 4 => {
            let values = [value(random), value(random), value(random)].map(Value::Text);
            (false, Test::In(values.to_vec().leak()))
        }
        5 => (false, Test::Prefix(&value(random)[..PREFIX_BYTES])),
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
    use super::{Workload, edge, filtered, plain};

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
        agrees(&edge(256));
        agrees(&filtered(256));
    }

    #[test]
    fn a_workload_is_the_same_every_time() {
        assert_eq!(format!("{:?}", filtered(64)), format!("{:?}", filtered(64)));
        assert_eq!(format!("{:?}", edge(64)), format!("{:?}", edge(64)));
    }
}
