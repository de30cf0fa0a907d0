//! Filters with any texts: compiling refuses them or keeps them, judging is the obvious version's, automata do no harm.
#![no_main]

use bellwire_core::filter::{Filter, RegexpError, Regexps, Test, Value};
use bellwire_core::limits::{
    ATTRIBUTE_NAME_BYTES_MAX, ATTRIBUTE_VALUE_BYTES_MAX, DFA_BYTES_MAX, FILTER_VALUES_MAX, REGEXP_BYTES_MAX,
};
use bellwire_core::table::{Growing, MatchTable, TableBuilder, TableError, Verdict, naive};
use bellwire_core::topic::{Topic, TopicPattern};
use bellwire_fuzz::regexps::compile;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use regex::Regex;

/// Longest expression that is compiled: a longer one only takes longer.
const PATTERN_BYTES_MAX: usize = 48;

/// A filter's test, as the fuzzer chooses it.
#[derive(Arbitrary, Debug)]
enum Asked<'a> {
    Equals(Given<'a>),
    In(Vec<Given<'a>>),
    Prefix(&'a str),
    Regexp(&'a str),
    Exists,
    Lt(i64),
    Lte(i64),
    Gt(i64),
    Gte(i64),
    Range(i64, i64),
}

/// A value, as the fuzzer chooses it.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Given<'a> {
    Text(&'a str),
    Integer(i64),
    Boolean(bool),
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    negated: bool,
    doc: &'a str,
    asked: Asked<'a>,
    actual: Given<'a>,
    /// Changes of the automaton: where, and the byte.
    damages: Vec<(u16, u8)>,
    automaton: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let values: Vec<Value<'_>> = match &input.asked {
        Asked::In(values) => values.iter().map(|given| value(*given)).collect(),
        _ => Vec::new(),
    };
    let filter = Filter { negated: input.negated, doc: input.doc, test: test(&input.asked, &values) };
    match input.asked {
        Asked::Regexp(pattern) => check_regexp(pattern, filter, &input),
        _ => check(filter, &[], &input),
    }
    // Whatever a compiler gives for an automaton.
    let _ = try_table(Filter::new("a", Test::Regexp("")), input.automaton)
        .map(|table| judge(&table, "a", &input));
});

fn value(given: Given<'_>) -> Value<'_> {
    match given {
        Given::Text(text) => Value::Text(text),
        Given::Integer(integer) => Value::Integer(integer),
        Given::Boolean(boolean) => Value::Boolean(boolean),
    }
}

fn test<'v>(asked: &Asked<'v>, values: &'v [Value<'v>]) -> Test<'v> {
    match *asked {
        Asked::Equals(given) => Test::Equals(value(given)),
        Asked::In(_) => Test::In(values),
        Asked::Prefix(prefix) => Test::Prefix(prefix),
        Asked::Regexp(pattern) => Test::Regexp(pattern),
        Asked::Exists => Test::Exists,
        Asked::Lt(limit) => Test::Lt(limit),
        Asked::Lte(limit) => Test::Lte(limit),
        Asked::Gt(limit) => Test::Gt(limit),
        Asked::Gte(limit) => Test::Gte(limit),
        Asked::Range(min, max) => Test::Range { min, max },
    }
}

/// A compiler that gives the same automaton for every expression.
struct Same<'d>(&'d [u8]);

impl Regexps for Same<'_> {
    fn compile(&mut self, _pattern: &str) -> Result<&[u8], RegexpError> {
        Ok(self.0)
    }
}

/// The table of one webhook that wants every topic, with one filter.
fn try_table(filter: Filter<'_>, dfa: &[u8]) -> Result<MatchTable<Vec<u8>>, TableError> {
    let mut builder = TableBuilder::<Growing, _>::new(Same(dfa));
    builder.add(0, &[TopicPattern::parse("**").expect("a pattern")], &[filter])?;
    builder.build()
}

/// Whether an event whose attribute `doc` is the input's gets to the webhook.
fn judge<B: AsRef<[u8]>>(table: &MatchTable<B>, doc: &str, input: &Input<'_>) -> bool {
    let (topic, event) = (Topic::parse("a.b").expect("a topic"), [(doc, value(input.actual))]);
    let found = table.find(&topic, &event[..]).next().is_some();
    let verdict = table.explain(0, &topic, &event[..]);
    assert_eq!(matches!(verdict, Verdict::Matched { .. }), found, "{verdict:?}");
    found
}

fn check(filter: Filter<'_>, dfa: &[u8], input: &Input<'_>) {
    let table = match try_table(filter, dfa) {
        Ok(table) => table,
        Err(error) => return assert!(is_beyond_limits(&filter), "{error}"),
    };
    assert!(!is_beyond_limits(&filter));
    let table = MatchTable::load(table.image()).expect("what was built can be loaded");
    let (patterns, topic) =
        ([TopicPattern::parse("**").expect("a pattern")], Topic::parse("a.b").expect("a topic"));
    let event = [(filter.doc, value(input.actual))];
    let finds = |pattern: &str, text: &str| Regex::new(pattern).is_ok_and(|regex| regex.is_match(text));
    let expected = naive::matches(&patterns, &[filter], &topic, &event[..], finds);
    assert_eq!(judge(&table, filter.doc, input), expected);
}

fn is_beyond_limits(filter: &Filter<'_>) -> bool {
    let is_long =
        |value: &Value<'_>| matches!(value, Value::Text(text) if text.len() > ATTRIBUTE_VALUE_BYTES_MAX);
    let doc_is_none = !(1..=ATTRIBUTE_NAME_BYTES_MAX).contains(&filter.doc.len());
    doc_is_none
        || match filter.test {
            Test::Equals(value) => is_long(&value),
            Test::In(values) => values.iter().any(is_long) || values.len() > FILTER_VALUES_MAX,
            Test::Prefix(prefix) => is_long(&Value::Text(prefix)),
            Test::Regexp(pattern) => pattern.len() > REGEXP_BYTES_MAX,
            _ => false,
        }
}

fn check_regexp(pattern: &str, filter: Filter<'_>, input: &Input<'_>) {
    if pattern.len() > PATTERN_BYTES_MAX {
        return;
    }
    match compile(pattern) {
        Ok(dfa) => {
            assert!(dfa.len() <= DFA_BYTES_MAX);
            check(filter, &dfa, input);
            check_damaged(dfa, filter, input);
        }
        Err(RegexpError::Syntax) => assert!(Regex::new(pattern).is_err()),
        Err(error) => {
            assert!(matches!(error, RegexpError::TooLarge | RegexpError::UnicodeWordBoundary), "{error}");
        }
    }
}

fn check_damaged(mut dfa: Vec<u8>, filter: Filter<'_>, input: &Input<'_>) {
    for (at, byte) in &input.damages {
        let at = usize::from(*at) % dfa.len();
        dfa[at] = *byte;
    }
    match try_table(filter, &dfa) {
        Ok(table) => _ = judge(&table, filter.doc, input),
        Err(TableError::Regexp(error)) => assert_eq!(error, RegexpError::Malformed),
        Err(_) => assert!(is_beyond_limits(&filter)),
    }
}
