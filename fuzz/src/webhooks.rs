//! Random webhooks and events over small alphabets, so that much of it meets.

use bellwire_core::filter::{Attributes, Filter, Test, Value};
use bellwire_core::limits::SEGMENTS_MAX;
use bellwire_core::topic::{Topic, TopicPattern};
use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};

use crate::regexps::REGEXPS;

// Texts that are parts of each other, so that shared text and order are put to the test.
const KINDS: [&str; 5] = ["A", "AA", "Ab", "B", "a"];
const ACTIONS: [&str; 5] = ["a", "aa", "b", "a_", "c"];
const SEGMENTS: [&str; 5] = ["a", "A", "aa", "-", "0"];
/// More than the eight that a table remembers the values of.
const DOCS: [&str; 10] = ["a", "sys.id", "b", "sys.ids", "c", "d", "e", "f", "g", "h"];
static VALUES: [Value<'static>; 12] = [
    Value::Text(""),
    Value::Text("a"),
    Value::Text("aa"),
    Value::Text("A"),
    Value::Text("ä"),
    Value::Text("sys.id"),
    Value::Integer(i64::MIN),
    Value::Integer(-1),
    Value::Integer(0),
    Value::Integer(i64::MAX),
    Value::Boolean(false),
    Value::Boolean(true),
];
const TEXTS: [&str; 4] = ["", "a", "ä", "sys"];
const LIMITS: [i64; 6] = [i64::MIN, -1, 0, 1, i64::MAX - 1, i64::MAX];

/// Most webhooks of a case: enough of them on one pattern for a table to group them.
pub const WEBHOOKS_MAX: usize = 48;
/// Most patterns of a webhook.
pub const PATTERNS_MAX: usize = 4;
/// Most filters of a webhook.
pub const FILTERS_MAX: usize = 3;

/// Webhooks by number in the order of their arrival, and events with their topics.
#[derive(Debug)]
pub struct Case {
    /// What the table's hash starts from.
    pub seed: u32,
    /// A number may come twice.
    pub webhooks: Vec<(u32, Webhook)>,
    /// One at least.
    pub events: Vec<Event>,
}

/// One webhook.
#[derive(Debug)]
pub struct Webhook {
    patterns: Vec<String>,
    /// All of them must hold.
    pub filters: Vec<Filter<'static>>,
}

impl Webhook {
    /// Its patterns, one at least.
    pub fn patterns(&self) -> Vec<TopicPattern<'_>> {
        self.patterns.iter().map(|text| TopicPattern::parse(text).expect(text)).collect()
    }
}

/// One event.
#[derive(Debug)]
pub struct Event {
    topic: String,
    /// No name comes twice.
    pub attributes: Vec<(&'static str, Value<'static>)>,
}

impl Event {
    /// An event of this topic, which must be one, with attributes of different names.
    pub fn new(topic: &str, attributes: Vec<(&'static str, Value<'static>)>) -> Self {
        Self { topic: topic.to_owned(), attributes }
    }

    /// Its topic.
    pub fn topic(&self) -> Topic<'_> {
        Topic::parse(&self.topic).expect(&self.topic)
    }

    /// One of its attributes.
    pub fn attribute(&self, doc: &str) -> Option<Value<'_>> {
        self.attributes.as_slice().attribute(doc)
    }
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(source: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let seed = u32::arbitrary(source)?;
        let events = some(source, 1, 3, event)?;
        let number = |source: &mut Unstructured<'_>| -> arbitrary::Result<u32> {
            if source.ratio(1, 16)? { u32::arbitrary(source) } else { Ok(u8::arbitrary(source)?.into()) }
        };
        let webhooks = some(source, 0, WEBHOOKS_MAX, |source| Ok((number(source)?, webhook(source)?)))?;
        Ok(Self { seed, webhooks, events })
    }
}

fn webhook(source: &mut Unstructured<'_>) -> arbitrary::Result<Webhook> {
    let patterns = some(source, 1, PATTERNS_MAX, pattern)?;
    Ok(Webhook { patterns, filters: some(source, 0, FILTERS_MAX, filter)? })
}

fn pattern(source: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    let side = |source: &mut Unstructured<'_>, texts: &[&'static str]| -> arbitrary::Result<&'static str> {
        if source.ratio(1, 3)? { Ok("*") } else { Ok(*source.choose(texts)?) }
    };
    match source.int_in_range(0..=3)? {
        0 | 1 => Ok([side(source, &KINDS)?, side(source, &ACTIONS)?].join(".")),
        2 => Ok(some(source, 3, SEGMENTS_MAX, |source| side(source, &SEGMENTS))?.join(".")),
        _ => {
            let mut segments = some(source, 0, SEGMENTS_MAX - 1, |source| side(source, &SEGMENTS))?;
            segments.push("**");
            Ok(segments.join("."))
        }
    }
}

fn event(source: &mut Unstructured<'_>) -> arbitrary::Result<Event> {
    let topic = if bool::arbitrary(source)? {
        [*source.choose(&KINDS)?, *source.choose(&ACTIONS)?].join(".")
    } else {
        some(source, 3, SEGMENTS_MAX, |source| source.choose(&SEGMENTS).copied())?.join(".")
    };
    let mut attributes = Vec::new();
    for doc in DOCS {
        if bool::arbitrary(source)? {
            attributes.push((doc, *source.choose(&VALUES)?));
        }
    }
    Ok(Event { topic, attributes })
}

fn filter(source: &mut Unstructured<'_>) -> arbitrary::Result<Filter<'static>> {
    let (negated, doc) = (bool::arbitrary(source)?, *source.choose(&DOCS)?);
    Ok(Filter { negated, doc, test: test(source)? })
}

fn test(source: &mut Unstructured<'_>) -> arbitrary::Result<Test<'static>> {
    let limit = |source: &mut Unstructured<'_>| source.choose(&LIMITS).copied();
    Ok(match source.int_in_range(0..=11)? {
        0 | 1 => Test::Equals(*source.choose(&VALUES)?),
        2 | 3 => {
            let end = source.int_in_range(0..=VALUES.len())?;
            let start = source.int_in_range(0..=end)?;
            Test::In(VALUES.get(start..end).unwrap_or_default())
        }
        4 => Test::Prefix(source.choose(&TEXTS)?),
        5 => Test::Regexp(source.choose(&REGEXPS)?),
        6 => Test::Exists,
        7 => Test::Lt(limit(source)?),
        8 => Test::Lte(limit(source)?),
        9 => Test::Gt(limit(source)?),
        10 => Test::Gte(limit(source)?),
        _ => Test::Range { min: limit(source)?, max: limit(source)? },
    })
}

/// Between `min` and `max` of what `one` makes.
fn some<'a, T>(
    source: &mut Unstructured<'a>,
    min: usize,
    max: usize,
    mut one: impl FnMut(&mut Unstructured<'a>) -> arbitrary::Result<T>,
) -> arbitrary::Result<Vec<T>> {
    let count = source.int_in_range(min..=max)?;
    (0..count).map(|_| one(source)).collect()
}
