//! Random webhooks over small alphabets: the table, the obvious version and the explanations agree.
#![no_main]

use std::collections::BTreeMap;

use bellwire_core::table::{
    Fixed, Growing, MatchTable, Storage, TableBuilder, TableError, TableRef, Verdict, naive,
};
use bellwire_core::topic::Topic;
use bellwire_fuzz::regexps::{Compiled, finds};
use bellwire_fuzz::webhooks::{Case, Event, FILTERS_MAX, PATTERNS_MAX, WEBHOOKS_MAX, Webhook};
use libfuzzer_sys::fuzz_target;

const NODES_MAX: usize = 1 + WEBHOOKS_MAX * PATTERNS_MAX * 8;
/// A filter has a head and at most one word for each of twelve values and their number.
const WORDS_MAX: usize = WEBHOOKS_MAX * FILTERS_MAX * 14;

/// Room for everything that a case can hold.
type Roomy = Fixed<NODES_MAX, WORDS_MAX, { 64 << 10 }>;
/// Room for some of it, so that webhooks are refused halfway.
type Tight = Fixed<24, 12, 2048>;

/// Webhooks by number.
type Added<'c> = BTreeMap<u32, &'c Webhook>;

fuzz_target!(|case: Case| {
    let arrived = || case.webhooks.iter().map(|(number, webhook)| (*number, webhook));
    let (growing, added) = build::<Growing>(case.seed, arrived());
    let growing = growing.expect("a small table is within all limits");
    let (fixed, _) = build::<Roomy>(case.seed, arrived());
    assert_eq!(fixed.expect("there is room").image(), growing.image());
    let loaded = MatchTable::load(growing.image()).expect("what was built can be loaded");
    let descending = added.iter().rev().map(|(number, webhook)| (*number, *webhook));
    let descending = build::<Growing>(!case.seed, descending).0.expect("the same webhooks");
    let copied = changed(&loaded, &added);
    for event in &case.events {
        let expected = expected(&added, event);
        assert_eq!(found(&loaded, event), expected);
        assert_eq!(found(&descending, event), expected);
        assert_eq!(found(&copied, event), expected);
        added.iter().for_each(|(number, webhook)| check_verdict(&loaded, *number, webhook, event));
        let unknown = (0..).find(|number| !added.contains_key(number)).unwrap_or_default();
        let verdict = loaded.explain(unknown, &event.topic(), event.attributes.as_slice());
        assert_eq!(verdict, Verdict::UnknownWebhook);
    }
    refused_halfway(&case);
});

/// A copy of the table with one webhook in the middle taken out and put in again.
fn changed(table: &TableRef<'_>, webhooks: &Added<'_>) -> MatchTable<Vec<u8>> {
    let changed = webhooks.iter().nth(webhooks.len() / 2);
    let keep = |webhook: u32| changed.is_none_or(|(number, _)| *number != webhook).then_some(webhook);
    let mut builder = TableBuilder::<Growing, _>::copy(table, Compiled, keep).expect("the same webhooks");
    if let Some((number, webhook)) = changed {
        builder.add(*number, &webhook.patterns(), &webhook.filters).expect("it was there before");
    }
    builder.build().expect("the same webhooks")
}

/// Webhooks that find no room leave the others as they are.
fn refused_halfway(case: &Case) {
    let arrived = case.webhooks.iter().map(|(number, webhook)| (*number, webhook));
    match build::<Tight>(case.seed, arrived) {
        (Ok(table), kept) => {
            case.events.iter().for_each(|event| assert_eq!(found(&table, event), expected(&kept, event)));
        }
        (Err(error), _) => assert!(matches!(error, TableError::TextFull { .. }), "{error}"),
    }
}

/// The table, and the webhooks that it took.
fn build<'c, S: Storage>(
    seed: u32,
    webhooks: impl Iterator<Item = (u32, &'c Webhook)>,
) -> (Result<MatchTable<S::Bytes>, TableError>, Added<'c>) {
    let (mut builder, mut added) = (TableBuilder::<S, _>::new(Compiled).with_seed(seed), BTreeMap::new());
    for (number, webhook) in webhooks {
        match builder.add(number, &webhook.patterns(), &webhook.filters) {
            Ok(()) => assert!(added.insert(number, webhook).is_none(), "webhook {number} was added twice"),
            Err(error) => assert_ne!(error == TableError::DuplicateWebhook, !added.contains_key(&number)),
        }
    }
    (builder.build(), added)
}

fn found<B: AsRef<[u8]>>(table: &MatchTable<B>, event: &Event) -> Vec<u32> {
    table.find(&event.topic(), event.attributes.as_slice()).collect()
}

fn expected(webhooks: &Added<'_>, event: &Event) -> Vec<u32> {
    let topic = event.topic();
    webhooks.iter().filter(|(_, webhook)| wants(webhook, &topic, event)).map(|(number, _)| *number).collect()
}

fn wants(webhook: &Webhook, topic: &Topic<'_>, event: &Event) -> bool {
    naive::matches(&webhook.patterns(), &webhook.filters, topic, event.attributes.as_slice(), finds)
}

fn check_verdict<B: AsRef<[u8]>>(table: &MatchTable<B>, number: u32, webhook: &Webhook, event: &Event) {
    let (topic, patterns) = (event.topic(), webhook.patterns());
    let any_pattern = patterns.iter().any(|pattern| pattern.matches(&topic));
    match table.explain(number, &topic, event.attributes.as_slice()) {
        Verdict::Matched { pattern } => {
            assert!(wants(webhook, &topic, event));
            assert!(patterns.iter().any(|own| pattern == *own && own.matches(&topic)));
        }
        Verdict::NoPattern => assert!(!any_pattern),
        Verdict::FilterFailed { number: failed, filter, actual } => {
            assert!(any_pattern && !wants(webhook, &topic, event));
            let holds =
                |filter| naive::matches(&patterns, &[filter], &topic, event.attributes.as_slice(), finds);
            assert!(webhook.filters[..failed].iter().all(|filter| holds(*filter)));
            assert!(!holds(webhook.filters[failed]));
            assert_eq!(
                (filter.doc(), filter.negated()),
                (webhook.filters[failed].doc, webhook.filters[failed].negated)
            );
            assert_eq!(actual, event.attribute(filter.doc()));
        }
        Verdict::UnknownWebhook => panic!("webhook {number} is in the table"),
    }
}
