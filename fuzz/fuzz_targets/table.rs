//! Random webhooks over small alphabets: the table, the obvious version and the explanations agree.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bellwire_core::filter::{Filter, RegexpError, Regexps, Test};
use bellwire_core::table::{Fixed, MatchTable, Storage, TableBuilder, Verdict, naive};
use bellwire_core::topic::{Topic, TopicPattern};
use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;

// Texts that are parts of each other, so that shared text and order are put to the test.
const KINDS: [&str; 6] = ["A", "AA", "Ab", "B", "a", "*"];
const ACTIONS: [&str; 6] = ["a", "aa", "b", "a_", "c", "*"];
const DOCS: [&str; 3] = ["a", "sys.id", "b"];
const VALUES: [&str; 6] = ["", "a", "aa", "A", "ä", "sys.id"];

const WEBHOOKS_MAX: usize = 12;
const PATTERNS_MAX: usize = 4;
const FILTERS_MAX: usize = 3;
/// More than a byte of the fuzzer's can say, so no webhook has it.
const UNKNOWN: u32 = 256;

/// Room for everything that a case can hold.
type Roomy = Fixed<{ WEBHOOKS_MAX * PATTERNS_MAX }, { WEBHOOKS_MAX * FILTERS_MAX * VALUES.len() }, 4096>;
/// Room for some of it, so that webhooks are refused halfway.
type Tight = Fixed<12, 8, 24>;

/// Every pattern there is; those without `*` are topics.
static PATTERNS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let sides = KINDS.iter().flat_map(|kind| ACTIONS.map(|action| (kind, action)));
    sides.map(|(kind, action)| format!("{kind}.{action}")).collect()
});

/// What the fuzzer chooses: webhooks in the order they arrive, and one event.
#[derive(Debug)]
struct Case {
    webhooks: Vec<(u32, Webhook)>,
    topic: Topic<'static>,
    event: Vec<(&'static str, &'static str)>,
}

#[derive(Debug)]
struct Webhook {
    patterns: Vec<TopicPattern<'static>>,
    filters: Vec<Filter<'static>>,
}

/// Webhooks by number.
type Added<'c> = BTreeMap<u32, &'c Webhook>;

fuzz_target!(|case: Case| {
    let arrived = || case.webhooks.iter().map(|(number, webhook)| (*number, webhook));
    let (table, added) = build::<Roomy>(arrived());
    let expected_now = expected(&added, &case);
    assert_eq!(found(&table, &case), expected_now);
    added.iter().for_each(|(number, webhook)| check_verdict(&table, *number, webhook, &case));
    assert_eq!(table.explain(UNKNOWN, &case.topic, case.event.as_slice()), Verdict::UnknownWebhook);

    let (descending, _) = build::<Roomy>(added.iter().rev().map(|(number, webhook)| (*number, *webhook)));
    assert_eq!(found(&descending, &case), expected_now);

    let (tight, kept) = build::<Tight>(arrived());
    assert_eq!(found(&tight, &case), expected(&kept, &case));
});

/// The table, and the webhooks that it took.
fn build<'c, S: Storage>(
    webhooks: impl Iterator<Item = (u32, &'c Webhook)>,
) -> (MatchTable<S, Substrings>, Added<'c>) {
    let (mut builder, mut added) = (TableBuilder::<S, Substrings>::default(), BTreeMap::new());
    for (number, webhook) in webhooks {
        if builder.add(number, &webhook.patterns, &webhook.filters).is_ok() {
            assert!(added.insert(number, webhook).is_none(), "webhook {number} was added twice");
        }
    }
    (builder.build(), added)
}

fn found<S: Storage>(table: &MatchTable<S, Substrings>, case: &Case) -> Vec<u32> {
    table.find(&case.topic, case.event.as_slice()).collect()
}

fn expected(webhooks: &Added<'_>, case: &Case) -> Vec<u32> {
    webhooks.iter().filter(|(_, webhook)| wants(webhook, case)).map(|(number, _)| *number).collect()
}

fn wants(webhook: &Webhook, case: &Case) -> bool {
    let (event, mut regexps) = (case.event.as_slice(), Substrings::default());
    naive::matches(&webhook.patterns, &webhook.filters, &case.topic, event, &mut regexps)
}

fn check_verdict(table: &MatchTable<Roomy, Substrings>, number: u32, webhook: &Webhook, case: &Case) {
    let any_pattern = webhook.patterns.iter().any(|pattern| pattern.matches(&case.topic));
    let event = case.event.as_slice();
    match table.explain(number, &case.topic, event) {
        Verdict::Matched { pattern } => {
            assert!(wants(webhook, case));
            assert!(webhook.patterns.contains(&pattern) && pattern.matches(&case.topic));
        }
        Verdict::NoPattern => assert!(!any_pattern),
        Verdict::FilterFailed { number: failed, filter, actual } => {
            assert!(any_pattern && !wants(webhook, case));
            assert_eq!(filter.doc(), webhook.filters[failed].doc);
            assert_eq!(actual, event.iter().find(|(doc, _)| *doc == filter.doc()).map(|(_, value)| *value));
        }
        Verdict::UnknownWebhook => panic!("webhook {number} is in the table"),
    }
}

/// An engine whose expressions are plain texts: found in what contains them.
#[derive(Default)]
struct Substrings(Vec<String>);

impl Regexps for Substrings {
    fn compile(&mut self, pattern: &str) -> Result<u16, RegexpError> {
        let number = u16::try_from(self.0.len()).map_err(|_| RegexpError::Full)?;
        self.0.push(pattern.to_owned());
        Ok(number)
    }

    fn is_match(&self, number: u16, value: &str) -> bool {
        self.0.get(usize::from(number)).is_some_and(|pattern| value.contains(pattern))
    }
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(source: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let topics: Vec<&String> = PATTERNS.iter().filter(|pattern| !pattern.contains('*')).collect();
        let topic = Topic::parse(source.choose(&topics)?).expect("a topic");
        let event =
            some(source, 0, DOCS.len(), |source| Ok((*source.choose(&DOCS)?, *source.choose(&VALUES)?)))?;
        let webhooks =
            some(source, 0, WEBHOOKS_MAX, |source| Ok((u8::arbitrary(source)?.into(), webhook(source)?)))?;
        Ok(Self { webhooks, topic, event })
    }
}

fn webhook(source: &mut Unstructured<'_>) -> arbitrary::Result<Webhook> {
    let pattern = |source: &mut Unstructured<'_>| {
        Ok(TopicPattern::parse(source.choose(&PATTERNS)?).expect("a pattern"))
    };
    Ok(Webhook {
        patterns: some(source, 1, PATTERNS_MAX, pattern)?,
        filters: some(source, 0, FILTERS_MAX, filter)?,
    })
}

fn filter(source: &mut Unstructured<'_>) -> arbitrary::Result<Filter<'static>> {
    let test = match source.int_in_range(0..=2)? {
        0 => Test::Equals(source.choose(&VALUES)?),
        1 => Test::Regexp(source.choose(&VALUES)?),
        _ => {
            let end = source.int_in_range(0..=VALUES.len())?;
            Test::In(&VALUES.as_slice()[source.int_in_range(0..=end)?..end])
        }
    };
    Ok(Filter { negated: bool::arbitrary(source)?, doc: source.choose(&DOCS)?, test })
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
