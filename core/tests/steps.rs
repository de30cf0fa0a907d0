//! Every step of an event, counted, stays within the bound that the image states.
#![cfg(feature = "steps")]

#[path = "support/regexps.rs"]
mod regexps;
#[path = "support/stars.rs"]
mod stars;
#[path = "support/webhooks.rs"]
mod webhooks;

use bellwire_core::filter::{Filter, Test, Value};
use bellwire_core::limits::ATTRIBUTE_VALUE_BYTES_MAX;
use bellwire_core::steps;
use bellwire_core::table::{Growing, MatchTable, TableBuilder};
use bellwire_core::topic::{Topic, TopicPattern};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use regexps::Dfas;
use stars::stars;
use webhooks::{Event, Webhook, attributes, crowd, topic, webhooks};

type Table = MatchTable<Vec<u8>>;

fn table(webhooks: &[(u32, Webhook)]) -> Table {
    let mut builder = TableBuilder::<Growing, _>::new(Dfas::default());
    for (number, webhook) in webhooks {
        builder.add(*number, &webhook.patterns, &webhook.filters).unwrap();
    }
    builder.build().unwrap()
}

/// The steps of finding the webhooks of an event, which are within the bound.
fn steps(table: &Table, topic: &Topic<'_>, event: &[(&str, Value<'_>)]) -> u64 {
    steps::take();
    let found = table.find(topic, event).count();
    let taken = steps::take();
    let bound = table.steps_max();
    assert!(taken <= bound.into(), "{taken} steps and not {bound} for {topic} {event:?}, {found} found");
    taken
}

fn path(segments: impl IntoIterator<Item = String>) -> String {
    segments.into_iter().collect::<Vec<_>>().join(".")
}

fn webhook(patterns: &[&str], filters: Vec<Filter<'static>>) -> Webhook {
    let pattern = |text: &&str| TopicPattern::parse(text.to_string().leak()).unwrap();
    Webhook { patterns: patterns.iter().map(pattern).collect(), filters }
}

/// All of them in one test: the count is one of the whole program.
#[test]
fn no_event_takes_more_steps_than_its_table_says() {
    the_worked_example();
    everything_at_its_worst();
    the_deepest_fan_out();
    random_cases();
}

/// The table of the document's worked example.
fn the_worked_example() {
    let asks = vec![Filter::equals("sys.id", "a")];
    let table = table(&[(0, webhook(&["Entry.publish"], Vec::new())), (1, webhook(&["Entry.*"], asks))]);
    let topic = |text| Topic::parse(text).unwrap();
    // Two names, four nodes, one value.
    assert_eq!(steps(&table, &topic("Entry.publish"), &[("sys.id", Value::Text("a"))]), 2 + 4 + 1);
    // The root, and for each segment the one name in its bucket.
    assert_eq!(steps(&table, &topic("Asset.delete"), &[]), 1 + 2);
}

/// Every kind of step as often as it can be taken.
fn everything_at_its_worst() {
    let longest = "a".repeat(ATTRIBUTE_VALUE_BYTES_MAX);
    let last = |number: usize| &*format!("{}{number:03}", "v".repeat(253)).leak();
    let values = |count: usize| {
        Test::In((0..count).map(|number| Value::Text(last(number))).collect::<Vec<_>>().leak())
    };
    let docs: Vec<&'static str> = (0..12).map(|number| &*format!("doc{number}").leak()).collect();
    let mut filters: Vec<Filter<'static>> =
        docs.iter().map(|doc| Filter::new(doc, values(256)).not()).collect();
    filters.extend(docs.iter().map(|doc| Filter::new(doc, Test::Regexp("a$"))));
    filters.extend(docs.iter().take(4).map(|doc| Filter::new(doc, Test::Exists)));
    let one = |number: u32| (number, webhook(&["**", "*.*", "A.*", "*.a", "A.a"], filters.clone()));
    let table = table(&(0..40).map(one).collect::<Vec<_>>());
    let event: Event = docs.iter().map(|doc| (*doc, Value::Text(longest.clone().leak()))).collect();
    let taken = steps(&table, &Topic::parse("A.a").unwrap(), &event);
    // A filter's values are compared by number or by bytes, all of them; so the bound is nearly reached.
    assert!(taken * 10 > u64::from(table.steps_max()) * 9, "{taken} of {}", table.steps_max());
}

/// Patterns with a star wherever one can be, more lists than are read side by side.
fn the_deepest_fan_out() {
    let patterns = |stars: u32| {
        let segment = |level: u32| if stars >> level & 1 == 1 { "*".to_owned() } else { "a".repeat(64) };
        [path((0..8).map(segment)), path((0..7).map(segment).chain(["**".to_owned()]))]
    };
    let one = |number: u32| {
        let [whole, tail] = patterns(number % 256);
        (number * 1_000, webhook(&[&whole, &tail], Vec::new()))
    };
    let table = table(&(0..1_000).map(one).collect::<Vec<_>>());
    let topic = path((0..8).map(|_| "a".repeat(64)));
    assert!(steps(&table, &Topic::parse(&topic).unwrap(), &[]) > u64::from(table.visits_max()));
    let other = path((0..8).map(|_| format!("{}b", "a".repeat(63))));
    steps(&table, &Topic::parse(&other).unwrap(), &[]);
}

/// Some hundred thousand events.
fn random_cases() {
    let tables = prop_oneof![4 => webhooks(), 1 => crowd(), 1 => stars()];
    let longer = vec(Just("a"), 5..=8).prop_map(|segments| Topic::parse(segments.join(".").leak()).unwrap());
    let topics = vec(prop_oneof![4 => topic(), 1 => longer], 16);
    let config = Config { cases: 600, failure_persistence: None, ..Config::default() };
    let cases = TestRunner::new(config).run(
        &(tables, topics, vec(attributes(), 16)),
        |(webhooks, topics, events)| {
            let table = table(&webhooks);
            for (topic, event) in
                topics.iter().flat_map(|topic| events.iter().map(move |event| (topic, event)))
            {
                steps(&table, topic, event);
            }
            Ok(())
        },
    );
    cases.unwrap();
}
