//! Verdicts and filters in words, for people who ask why.

use core::fmt;

use crate::filter::Value;

use super::explain::{FilterView, Verdict};
use super::program::Operator;

/// What decided, in a few words; filters count from 0, as they stand in the definition.
impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matched { pattern } => write!(f, "{pattern} takes the topic in"),
            Self::NoPattern => f.write_str("no pattern takes the topic in"),
            Self::UnknownWebhook => f.write_str("the table holds no such webhook"),
            Self::FilterFailed { number, filter, actual: None } => {
                write!(f, "filter {number}: {} is absent, wanted {}", filter.doc(), Wanted(filter))
            }
            Self::FilterFailed { number, filter, actual: Some(actual) } => {
                write!(f, "filter {number}: {} is {actual}, wanted {}", filter.doc(), Wanted(filter))
            }
        }
    }
}

/// What a filter lets through.
impl fmt::Display for FilterView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}", self.doc(), Wanted(self))
    }
}

/// What a filter wants an attribute to be.
struct Wanted<'f, 't>(&'f FilterView<'t>);

impl fmt::Display for Wanted<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (operator, negated) = (self.0.operator(), self.0.negated());
        match (operator, negated) {
            (Operator::Exists, false) => return f.write_str("anything"),
            (Operator::Exists, true) => return f.write_str("absent"),
            (Operator::In, true) => f.write_str("none of ")?,
            (Operator::In, false) => f.write_str("one of ")?,
            (_, true) => f.write_str("not ")?,
            (_, false) => {}
        }
        f.write_str(match operator {
            Operator::Prefix => "a text that starts with ",
            Operator::Regexp => "a text that has a match of ",
            Operator::Lt => "less than ",
            Operator::Lte => "at most ",
            Operator::Gt => "more than ",
            Operator::Gte => "at least ",
            Operator::Equals | Operator::In | Operator::Exists | Operator::Range => "",
        })?;
        let between = if operator == Operator::Range { " to " } else { ", " };
        joined(f, between, self.0.values())
    }
}

fn joined<'t>(
    f: &mut fmt::Formatter<'_>,
    between: &str,
    values: impl Iterator<Item = Value<'t>>,
) -> fmt::Result {
    for (number, value) in values.enumerate() {
        f.write_str(if number == 0 { "" } else { between })?;
        write!(f, "{value}")?;
    }
    Ok(())
}
