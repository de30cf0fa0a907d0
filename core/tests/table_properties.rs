//! The match table against the obvious version, on random webhooks.

#[path = "support/finds.rs"]
mod finds;
#[path = "support/regexps.rs"]
mod regexps;
#[path = "support/stars.rs"]
mod stars;
#[path = "support/webhooks.rs"]
mod webhooks;

use std::collections::BTreeMap;

use bellwire_core::filter::Value;
use bellwire_core::table::{Counts, Fixed, Growing, MatchTable, Storage, TableBuilder, Verdict, naive};
use bellwire_core::topic::Topic;
use finds::finds;
use proptest::collection::vec;
use proptest::prelude::*;
use regexps::Dfas;
use stars::stars;
use webhooks::{Event, Webhook, attributes, crowd, topic, webhook, webhooks};

/// Topics and attributes that each table is tried with, every topic with every event.
const TOPICS: usize = 24;
const EVENTS: usize = 24;
/// Tables: with all their topics and events, some hundred thousand cases a property.
const TABLES: u32 = 1500;

fn table<S: Storage>(webhooks: &[(u32, Webhook)], seed: u32) -> MatchTable<S::Bytes> {
    let mut builder = TableBuilder::<S, _>::new(Dfas::default()).with_seed(seed);
    for (number, webhook) in webhooks {
        builder.add(*number, &webhook.patterns, &webhook.filters).unwrap();
    }
    builder.build().unwrap()
}

/// A webhook by its place, or a new one; what it becomes, or nothing when it goes.
fn change() -> impl Strategy<Value = (usize, Option<Webhook>)> {
    (any::<usize>(), proptest::option::weighted(0.7, webhook()))
}

/// The table with the webhook `number` as `webhook`, or without it.
fn copy(
    table: &MatchTable<Vec<u8>>,
    number: u32,
    webhook: Option<&Webhook>,
    seed: u32,
) -> MatchTable<Vec<u8>> {
    let keep = |other: u32| (other != number).then_some(other);
    let mut builder = TableBuilder::<Growing, _>::copy(table, Dfas::default(), keep).unwrap().with_seed(seed);
    if let Some(webhook) = webhook {
        builder.add(number, &webhook.patterns, &webhook.filters).unwrap();
    }
    builder.build().unwrap()
}

fn listed(webhooks: &BTreeMap<u32, Webhook>) -> Vec<(u32, Webhook)> {
    webhooks.iter().map(|(number, webhook)| (*number, webhook.clone())).collect()
}

fn expected(webhooks: &[(u32, Webhook)], topic: &Topic<'_>, event: &[(&str, Value<'_>)]) -> Vec<u32> {
    let hit = |webhook: &Webhook| naive::matches(&webhook.patterns, &webhook.filters, topic, event, finds);
    let mut found: Vec<u32> =
        webhooks.iter().filter(|(_, webhook)| hit(webhook)).map(|(number, _)| *number).collect();
    found.sort_unstable();
    found
}

/// Every topic with every event.
fn agree(
    webhooks: &[(u32, Webhook)],
    topics: &[Topic<'_>],
    events: &[Event],
    seed: u32,
) -> Result<(), TestCaseError> {
    agree_with(&table::<Growing>(webhooks, seed), webhooks, topics, events)
}

fn agree_with(
    table: &MatchTable<Vec<u8>>,
    webhooks: &[(u32, Webhook)],
    topics: &[Topic<'_>],
    events: &[Event],
) -> Result<(), TestCaseError> {
    let table = MatchTable::load(table.image()).unwrap();
    for topic in topics {
        for event in events {
            let (event, expected) = (event.as_slice(), expected(webhooks, topic, event));
            prop_assert_eq!(table.find(topic, event).collect::<Vec<_>>(), expected, "{} {:?}", topic, event);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: TABLES, ..ProptestConfig::default() })]

    #[test]
    fn the_table_finds_what_the_obvious_version_finds(
        webhooks in webhooks(), topics in vec(topic(), TOPICS), events in vec(attributes(), EVENTS), seed in any::<u32>()
    ) {
        agree(&webhooks, &topics, &events, seed)?;
    }

    #[test]
    fn explanations_agree_with_what_is_found(
        webhooks in webhooks(), topics in vec(topic(), 8), events in vec(attributes(), 8)
    ) {
        let table = table::<Growing>(&webhooks, 1);
        for (topic, event) in topics.iter().flat_map(|topic| events.iter().map(move |event| (topic, event.as_slice()))) {
            let found = table.find(topic, event).collect::<Vec<_>>();
            for (number, webhook) in &webhooks {
                explained(table.explain(*number, topic, event), webhook, topic, event, found.contains(number))?;
            }
            let unknown = (0..).find(|number| webhooks.iter().all(|(other, _)| other != number)).unwrap();
            prop_assert_eq!(table.explain(unknown, topic, event), Verdict::UnknownWebhook);
        }
    }

    #[test]
    fn a_table_of_fixed_size_finds_the_same(
        webhooks in webhooks(), topics in vec(topic(), 8), events in vec(attributes(), 8)
    ) {
        let (growing, fixed) = (table::<Growing>(&webhooks, 3), table::<Fixed<256, 256, 16384>>(&webhooks, 3));
        prop_assert_eq!(growing.image(), fixed.image());
        for (topic, event) in topics.iter().zip(&events) {
            prop_assert!(fixed.find(topic, event.as_slice()).eq(growing.find(topic, event.as_slice())));
        }
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(
        webhooks in webhooks(), topics in vec(topic(), 8), events in vec(attributes(), 8)
    ) {
        let arrived = table::<Growing>(&webhooks, 4);
        let mut sorted = webhooks;
        sorted.sort_by_key(|(number, _)| *number);
        let sorted = table::<Growing>(&sorted, 5);
        for (topic, event) in topics.iter().zip(&events) {
            prop_assert!(arrived.find(topic, event.as_slice()).eq(sorted.find(topic, event.as_slice())));
        }
    }

    #[test]
    fn a_table_that_was_changed_finds_what_a_new_one_finds(
        webhooks in webhooks(), changes in vec(change(), 1..8), topics in vec(topic(), TOPICS), events in vec(attributes(), 8)
    ) {
        let mut webhooks: BTreeMap<u32, Webhook> = webhooks.into_iter().collect();
        let mut changed = table::<Growing>(&listed(&webhooks), 8);
        for (seed, (place, webhook)) in (0..).zip(changes) {
            let number = webhooks.keys().nth(place % (webhooks.len() + 1)).copied().unwrap_or(place as u32);
            changed = copy(&changed, number, webhook.as_ref(), seed);
            webhooks.remove(&number);
            webhooks.extend(webhook.map(|webhook| (number, webhook)));
        }
        let listed = listed(&webhooks);
        let new = table::<Growing>(&listed, 9);
        let counts = |table: &MatchTable<Vec<u8>>| Counts { slots: 0, ..table.counts() };
        prop_assert_eq!((counts(&changed), changed.visits_max()), (counts(&new), new.visits_max()));
        agree_with(&changed, &listed, &topics, &events)?;
        for ((number, webhook), topic) in listed.iter().zip(&topics) {
            let (event, found) = (events[0].as_slice(), changed.find(topic, events[0].as_slice()).any(|found| found == *number));
            explained(changed.explain(*number, topic, event), webhook, topic, event, found)?;
        }
    }

    #[test]
    fn a_refused_webhook_leaves_the_table_as_it_was(
        webhooks in webhooks(), topics in vec(topic(), 8), events in vec(attributes(), 8)
    ) {
        let mut builder = TableBuilder::<Fixed<24, 12, 2048>, _>::new(Dfas::default());
        let mut kept = Vec::new();
        for (number, webhook) in webhooks {
            if builder.add(number, &webhook.patterns, &webhook.filters).is_ok() {
                kept.push((number, webhook));
            }
        }
        let table = builder.build().unwrap();
        for (topic, event) in topics.iter().zip(&events) {
            let found = table.find(topic, event.as_slice()).collect::<Vec<_>>();
            prop_assert_eq!(found, expected(&kept, topic, event));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: TABLES / 4, ..ProptestConfig::default() })]

    #[test]
    fn a_table_with_groups_finds_what_the_obvious_version_finds(
        webhooks in crowd(), topics in vec(topic(), TOPICS), events in vec(attributes(), EVENTS)
    ) {
        agree(&webhooks, &topics, &events, 6)?;
    }

    #[test]
    fn more_lists_than_are_merged_at_once_are_found(webhooks in stars(), segments in 5..=8_usize) {
        let topic = vec!["a"; segments].join(".");
        let other = format!("{topic}b");
        let topics = [&topic, &other].map(|text| Topic::parse(text).unwrap());
        agree(&webhooks, &topics, &[Event::new()], 7)?;
    }
}

fn explained(
    verdict: Verdict<'_>,
    webhook: &Webhook,
    topic: &Topic<'_>,
    event: &[(&str, Value<'_>)],
    found: bool,
) -> Result<(), TestCaseError> {
    match verdict {
        Verdict::Matched { pattern } => {
            prop_assert!(found && webhook.patterns.iter().any(|own| pattern == *own && own.matches(topic)));
        }
        Verdict::NoPattern => prop_assert!(!webhook.patterns.iter().any(|pattern| pattern.matches(topic))),
        Verdict::FilterFailed { number, filter, actual } => {
            prop_assert!(!found && webhook.patterns.iter().any(|pattern| pattern.matches(topic)));
            let (before, failed) = (&webhook.filters[..number], &webhook.filters[number]);
            let holds = |filter| naive::matches(&webhook.patterns, &[filter], topic, event, finds);
            prop_assert!(before.iter().all(|filter| holds(*filter)) && !holds(*failed));
            prop_assert_eq!((filter.doc(), filter.negated()), (failed.doc, failed.negated));
            let value = event.iter().find(|(doc, _)| *doc == filter.doc()).map(|(_, value)| *value);
            prop_assert_eq!(actual, value);
        }
        Verdict::UnknownWebhook => prop_assert!(false, "the webhook is there"),
    }
    Ok(())
}
