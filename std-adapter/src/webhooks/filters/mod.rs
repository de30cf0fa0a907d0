//! The filters of a definition, read and compiled once.

mod read;

use bellwire_core::filter::{Filter, Test, Value};

pub use self::read::{Dialect, parse_filters, stored_filters};

/// One filter of a definition, owning its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterSpec {
    negated: bool,
    doc: String,
    test: TestSpec,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum TestSpec {
    Equals(ValueSpec),
    In(Vec<ValueSpec>),
    Prefix(String),
    Regexp { pattern: String, dfa: Vec<u8> },
    Exists,
    Lt(i64),
    Lte(i64),
    Gt(i64),
    Gte(i64),
    Range { min: i64, max: i64 },
}

/// A value that a filter compares with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ValueSpec {
    Text(String),
    Integer(i64),
    Boolean(bool),
}

impl ValueSpec {
    fn as_value(&self) -> Value<'_> {
        match self {
            ValueSpec::Text(text) => Value::Text(text),
            ValueSpec::Integer(integer) => Value::Integer(*integer),
            ValueSpec::Boolean(boolean) => Value::Boolean(*boolean),
        }
    }
}

impl FilterSpec {
    /// The filter as the core takes it. `values` lends the room for the values of an `in`.
    pub fn as_filter<'a>(&'a self, values: &'a mut Vec<Value<'a>>) -> Filter<'a> {
        let test = match &self.test {
            TestSpec::Equals(value) => Test::Equals(value.as_value()),
            TestSpec::In(specs) => {
                values.extend(specs.iter().map(ValueSpec::as_value));
                Test::In(values)
            }
            TestSpec::Prefix(prefix) => Test::Prefix(prefix),
            TestSpec::Regexp { pattern, .. } => Test::Regexp(pattern),
            TestSpec::Exists => Test::Exists,
            TestSpec::Lt(limit) => Test::Lt(*limit),
            TestSpec::Lte(limit) => Test::Lte(*limit),
            TestSpec::Gt(limit) => Test::Gt(*limit),
            TestSpec::Gte(limit) => Test::Gte(*limit),
            TestSpec::Range { min, max } => Test::Range { min: *min, max: *max },
        };
        Filter { negated: self.negated, doc: &self.doc, test }
    }

    /// The pattern and the automaton of a regexp.
    pub fn regexp(&self) -> Option<(&str, &[u8])> {
        match &self.test {
            TestSpec::Regexp { pattern, dfa } => Some((pattern, dfa)),
            _ => None,
        }
    }
}
