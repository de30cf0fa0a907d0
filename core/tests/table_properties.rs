//! The match table against the obvious version, on random webhooks over small alphabets.

#[path = "support/growing.rs"]
mod growing;
#[path = "support/regexps.rs"]
mod regexps;

use bellwire_core::filter::{Filter, Test};
use bellwire_core::table::{Fixed, MatchTable, Storage, TableBuilder, Verdict, naive};
use bellwire_core::topic::{Topic, TopicPattern};
use growing::Growing;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use regexps::RegexCrate;

// Texts that are parts of each other, so that shared text and order are put to the test.
const KINDS: [&str; 5] = ["A", "AA", "Ab", "B", "a"];
const ACTIONS: [&str; 5] = ["a", "aa", "b", "a_", "c"];
const DOCS: [&str; 3] = ["a", "sys.id", "b"];
const VALUES: [&str; 6] = ["", "a", "aa", "A", "ä", "sys.id"];
const REGEXPS: [&str; 5] = ["", "^a", "a$", "ä|A", "^$"];

#[derive(Clone, Debug)]
struct Webhook {
    patterns: Vec<TopicPattern<'static>>,
    filters: Vec<Filter<'static>>,
}

fn side(texts: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => select(texts), 1 => Just("*")]
}

fn pattern() -> impl Strategy<Value = TopicPattern<'static>> {
    (side(&KINDS), side(&ACTIONS))
        .prop_map(|(kind, action)| TopicPattern::parse(format!("{kind}.{action}").leak()).unwrap())
}

fn topic() -> impl Strategy<Value = Topic<'static>> {
    let other = (select(&["Z", "AAA"][..]), select(&["z", "aaa"][..]));
    let usual = (select(&KINDS[..]), select(&ACTIONS[..]));
    prop_oneof![8 => usual, 1 => other]
        .prop_map(|(kind, action)| Topic::parse(format!("{kind}.{action}").leak()).unwrap())
}

fn test() -> impl Strategy<Value = Test<'static>> {
    prop_oneof![
        select(&VALUES[..]).prop_map(Test::Equals),
        subsequence(&VALUES[..], 0..4).prop_map(|values| Test::In(values.leak())),
        select(&REGEXPS[..]).prop_map(Test::Regexp),
    ]
}

fn filter() -> impl Strategy<Value = Filter<'static>> {
    (any::<bool>(), select(&DOCS[..]), test()).prop_map(|(negated, doc, test)| Filter { negated, doc, test })
}

fn webhook() -> impl Strategy<Value = Webhook> {
    (vec(pattern(), 1..4), vec(filter(), 0..3)).prop_map(|(patterns, filters)| Webhook { patterns, filters })
}

/// Webhooks under distinct numbers in a random order.
fn webhooks() -> impl Strategy<Value = Vec<(u32, Webhook)>> {
    let numbered = btree_map(0..40_u32, webhook(), 0..16);
    numbered.prop_map(|webhooks| webhooks.into_iter().collect::<Vec<_>>()).prop_shuffle()
}

fn attributes() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    btree_map(select(&DOCS[..]), select(&VALUES[..]), 0..4).prop_map(|event| event.into_iter().collect())
}

fn table<S: Storage>(webhooks: &[(u32, Webhook)]) -> MatchTable<S, RegexCrate> {
    let mut builder = TableBuilder::<S, _>::new(RegexCrate::default());
    for (number, webhook) in webhooks {
        builder.add(*number, &webhook.patterns, &webhook.filters).unwrap();
    }
    builder.build()
}

fn expected(webhooks: &[(u32, Webhook)], topic: &Topic<'_>, event: &[(&str, &str)]) -> Vec<u32> {
    let hit = |webhook: &Webhook| {
        naive::matches(&webhook.patterns, &webhook.filters, topic, event, &mut RegexCrate::default())
    };
    let mut found: Vec<u32> =
        webhooks.iter().filter(|(_, webhook)| hit(webhook)).map(|(number, _)| *number).collect();
    found.sort_unstable();
    found
}

proptest! {
    #[test]
    fn the_table_finds_what_the_obvious_version_finds(
        webhooks in webhooks(), events in vec((topic(), attributes()), 1..6)
    ) {
        let (growing, fixed) = (table::<Growing>(&webhooks), table::<Fixed<64, 128, 1024>>(&webhooks));
        for (topic, event) in &events {
            let expected = expected(&webhooks, topic, event);
            prop_assert_eq!(growing.find(topic, event.as_slice()).collect::<Vec<_>>(), expected.clone());
            prop_assert_eq!(fixed.find(topic, event.as_slice()).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(webhooks in webhooks(), topic in topic(), event in attributes()) {
        let arrived = table::<Growing>(&webhooks);
        let mut sorted = webhooks;
        sorted.sort_by_key(|(number, _)| *number);
        let sorted = table::<Growing>(&sorted);
        prop_assert!(arrived.find(&topic, event.as_slice()).eq(sorted.find(&topic, event.as_slice())));
    }

    #[test]
    fn explanations_agree_with_what_is_found(webhooks in webhooks(), topic in topic(), event in attributes()) {
        let table = table::<Growing>(&webhooks);
        let (event, found) = (event.as_slice(), table.find(&topic, event.as_slice()).collect::<Vec<_>>());
        for (number, webhook) in &webhooks {
            match table.explain(*number, &topic, event) {
                Verdict::Matched { pattern } => {
                    prop_assert!(found.contains(number));
                    prop_assert!(webhook.patterns.contains(&pattern) && pattern.matches(&topic));
                }
                Verdict::NoPattern => prop_assert!(!webhook.patterns.iter().any(|pattern| pattern.matches(&topic))),
                Verdict::FilterFailed { number: failed, filter, actual } => {
                    prop_assert!(!found.contains(number));
                    prop_assert_eq!(filter.doc(), webhook.filters[failed].doc);
                    prop_assert_eq!(filter.negated(), webhook.filters[failed].negated);
                    prop_assert_eq!(actual, event.iter().find(|(doc, _)| *doc == filter.doc()).map(|(_, value)| *value));
                }
                Verdict::UnknownWebhook => prop_assert!(false, "webhook {} is there", number),
            }
        }
        prop_assert_eq!(table.explain(40, &topic, event), Verdict::UnknownWebhook);
    }

    #[test]
    fn a_refused_webhook_leaves_the_table_as_it_was(webhooks in webhooks(), topic in topic(), event in attributes()) {
        let mut builder = TableBuilder::<Fixed<12, 8, 24>, _>::new(RegexCrate::default());
        let mut kept = Vec::new();
        for (number, webhook) in webhooks {
            if builder.add(number, &webhook.patterns, &webhook.filters).is_ok() {
                kept.push((number, webhook));
            }
        }
        let table = builder.build();
        prop_assert_eq!(table.find(&topic, event.as_slice()).collect::<Vec<_>>(), expected(&kept, &topic, &event));
    }
}
