//! The obvious version of matching one webhook, for tests, fuzzing and benches to compare the table with.

use crate::filter::{Attributes, Filter, Test, Value};
use crate::topic::{Topic, TopicPattern};

/// Whether an event is for a webhook: any pattern and all filters.
///
/// `finds` says whether the regular expression that comes first is found in the text that comes second.
pub fn matches<A: Attributes + ?Sized>(
    patterns: &[TopicPattern<'_>],
    filters: &[Filter<'_>],
    topic: &Topic<'_>,
    attributes: &A,
    mut finds: impl FnMut(&str, &str) -> bool,
) -> bool {
    patterns.iter().any(|pattern| pattern.matches(topic))
        && filters.iter().all(|filter| holds(filter, attributes, &mut finds))
}

fn holds<A: Attributes + ?Sized>(
    filter: &Filter<'_>,
    attributes: &A,
    finds: &mut impl FnMut(&str, &str) -> bool,
) -> bool {
    let Some(actual) = attributes.attribute(filter.doc) else {
        return filter.negated && filter.test == Test::Exists;
    };
    tests(&filter.test, actual, finds) != filter.negated
}

fn tests(test: &Test<'_>, actual: Value<'_>, finds: &mut impl FnMut(&str, &str) -> bool) -> bool {
    match (*test, actual) {
        (Test::Exists, _) => true,
        (Test::Equals(value), _) => actual == value,
        (Test::In(values), _) => values.contains(&actual),
        (Test::Prefix(prefix), Value::Text(text)) => text.starts_with(prefix),
        (Test::Regexp(pattern), Value::Text(text)) => finds(pattern, text),
        (Test::Lt(limit), Value::Integer(integer)) => integer < limit,
        (Test::Lte(limit), Value::Integer(integer)) => integer <= limit,
        (Test::Gt(limit), Value::Integer(integer)) => integer > limit,
        (Test::Gte(limit), Value::Integer(integer)) => integer >= limit,
        (Test::Range { min, max }, Value::Integer(integer)) => min <= integer && integer <= max,
        _ => false,
    }
}
