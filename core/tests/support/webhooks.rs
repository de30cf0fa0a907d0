//! Random webhooks and events over small alphabets, so that much of it meets.

use bellwire_core::filter::{Filter, Test, Value};
use bellwire_core::topic::{Topic, TopicPattern};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

// Texts that are parts of each other, so that shared text and order are put to the test.
const KINDS: [&str; 5] = ["A", "AA", "Ab", "B", "a"];
const ACTIONS: [&str; 5] = ["a", "aa", "b", "a_", "c"];
const SEGMENTS: [&str; 4] = ["a", "A", "aa", "-"];
const DOCS: [&str; 4] = ["a", "sys.id", "b", "sys.ids"];
const TEXTS: [&str; 6] = ["", "a", "aa", "A", "ä", "sys.id"];
const INTEGERS: [i64; 6] = [i64::MIN, -1, 0, 1, 97, i64::MAX];
const REGEXPS: [&str; 6] = ["", "^a", "a$", "ä|A", "^$", "(?-u:\\b)a"];

/// One webhook.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    pub(crate) patterns: Vec<TopicPattern<'static>>,
    pub(crate) filters: Vec<Filter<'static>>,
}

/// An event's attributes.
pub(crate) type Event = Vec<(&'static str, Value<'static>)>;

fn side(texts: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => select(texts), 1 => Just("*")]
}

pub(crate) fn pattern() -> impl Strategy<Value = TopicPattern<'static>> {
    let two = (side(&KINDS), side(&ACTIONS)).prop_map(|(kind, action)| format!("{kind}.{action}"));
    let more = vec(side(&SEGMENTS), 3..=8).prop_map(|segments| segments.join("."));
    let tail = vec(side(&SEGMENTS), 0..=7).prop_map(|mut segments| {
        segments.push("**");
        segments.join(".")
    });
    prop_oneof![5 => two, 3 => more, 2 => tail].prop_map(|text| TopicPattern::parse(text.leak()).unwrap())
}

pub(crate) fn topic() -> impl Strategy<Value = Topic<'static>> {
    let other = (select(&["Z", "AAA"][..]), select(&["z", "aaa"][..]));
    let usual = (select(&KINDS[..]), select(&ACTIONS[..]));
    let two = prop_oneof![8 => usual, 1 => other].prop_map(|(kind, action)| format!("{kind}.{action}"));
    let more = vec(select(&["a", "A", "aa", "-", "z"][..]), 3..=8).prop_map(|segments| segments.join("."));
    prop_oneof![two, more].prop_map(|text| Topic::parse(text.leak()).unwrap())
}

fn value() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        4 => select(&TEXTS[..]).prop_map(Value::Text),
        2 => select(&INTEGERS[..]).prop_map(Value::Integer),
        1 => any::<bool>().prop_map(Value::Boolean),
    ]
}

fn test() -> impl Strategy<Value = Test<'static>> {
    let limit = || select(&INTEGERS[..]);
    prop_oneof![
        4 => value().prop_map(Test::Equals),
        2 => vec(value(), 0..4).prop_map(|values| Test::In(values.leak())),
        1 => select(&TEXTS[..]).prop_map(Test::Prefix),
        1 => select(&REGEXPS[..]).prop_map(Test::Regexp),
        1 => Just(Test::Exists),
        1 => limit().prop_map(Test::Lt),
        1 => limit().prop_map(Test::Lte),
        1 => limit().prop_map(Test::Gt),
        1 => limit().prop_map(Test::Gte),
        1 => (limit(), limit()).prop_map(|(min, max)| Test::Range { min, max }),
    ]
}

pub(crate) fn filter() -> impl Strategy<Value = Filter<'static>> {
    (any::<bool>(), select(&DOCS[..]), test()).prop_map(|(negated, doc, test)| Filter { negated, doc, test })
}

pub(crate) fn webhook() -> impl Strategy<Value = Webhook> {
    (vec(pattern(), 1..4), vec(filter(), 0..3)).prop_map(|(patterns, filters)| Webhook { patterns, filters })
}

/// Webhooks under distinct numbers in a random order.
pub(crate) fn webhooks() -> impl Strategy<Value = Vec<(u32, Webhook)>> {
    let numbers = prop_oneof![3 => 0..40_u32, 1 => any::<u32>()];
    let numbered = btree_map(numbers, webhook(), 0..16);
    numbered.prop_map(|webhooks| webhooks.into_iter().collect::<Vec<_>>()).prop_shuffle()
}

/// So many webhooks that ask for one of few values on one pattern that the table groups them.
pub(crate) fn crowd() -> impl Strategy<Value = Vec<(u32, Webhook)>> {
    let patterns = subsequence(vec!["*.*", "A.*", "*.a", "A.a"], 1..=3)
        .prop_map(|texts| texts.into_iter().map(|text| TopicPattern::parse(text).unwrap()).collect());
    let webhook =
        (patterns, vec(filter(), 0..3)).prop_map(|(patterns, filters)| Webhook { patterns, filters });
    vec(webhook, 0..400).prop_map(|webhooks| (0..).zip(webhooks).collect())
}

pub(crate) fn attributes() -> impl Strategy<Value = Event> {
    btree_map(select(&DOCS[..]), value(), 0..5).prop_map(|event| event.into_iter().collect())
}
