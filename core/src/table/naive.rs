//! The obvious version of matching one webhook, for tests, fuzzing and benches to compare the table with.

use crate::filter::{Attributes, Filter, Regexps, Test};
use crate::topic::{Topic, TopicPattern};

/// Whether an event is for a webhook: any pattern and all filters.
///
/// Expressions are compiled on the spot; one that the engine refuses makes its filter false.
pub fn matches<A: Attributes + ?Sized, R: Regexps>(
    patterns: &[TopicPattern<'_>],
    filters: &[Filter<'_>],
    topic: &Topic<'_>,
    attributes: &A,
    regexps: &mut R,
) -> bool {
    patterns.iter().any(|pattern| pattern.matches(topic))
        && filters.iter().all(|filter| holds(filter, attributes, regexps))
}

fn holds<A: Attributes + ?Sized, R: Regexps>(filter: &Filter<'_>, attributes: &A, regexps: &mut R) -> bool {
    let Some(actual) = attributes.attribute(filter.doc) else { return false };
    let hit = match filter.test {
        Test::Equals(value) => actual == value,
        Test::In(values) => values.contains(&actual),
        Test::Regexp(pattern) => match regexps.compile(pattern) {
            Ok(number) => regexps.is_match(number, actual),
            Err(_) => return false,
        },
    };
    hit != filter.negated
}
