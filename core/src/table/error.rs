//! Why a webhook does not fit a table.

use core::error::Error;
use core::fmt;

use crate::filter::RegexpError;
use crate::limits::{
    ATTRIBUTE_NAME_BYTES_MAX, ATTRIBUTE_VALUE_BYTES_MAX, FILTER_VALUES_MAX, FILTERS_PER_WEBHOOK_MAX,
    PATTERNS_PER_WEBHOOK_MAX,
};

/// Why a webhook was not added. The table is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableError {
    /// The webhook is in the table already.
    DuplicateWebhook,
    /// The webhook has no pattern, so nothing would ever match it.
    NoPatterns,
    /// The webhook has more than [`PATTERNS_PER_WEBHOOK_MAX`] patterns.
    TooManyPatterns,
    /// The webhook has more than [`FILTERS_PER_WEBHOOK_MAX`] filters.
    TooManyFilters,
    /// An `in` lists more than [`FILTER_VALUES_MAX`] values.
    TooManyValues,
    /// A filter's `doc` is empty.
    EmptyDoc,
    /// A filter's `doc` has more than [`ATTRIBUTE_NAME_BYTES_MAX`] bytes.
    DocTooLong,
    /// A value has more than [`ATTRIBUTE_VALUE_BYTES_MAX`] bytes.
    ValueTooLong,
    /// A regular expression was refused.
    Regexp(RegexpError),
    /// The table has no room for the webhook's patterns.
    PatternsFull {
        /// How many it can hold.
        capacity: usize,
    },
    /// The table has no room for the webhook's filters.
    ClausesFull {
        /// How many clauses it can hold: one for each value that a filter compares with.
        capacity: usize,
    },
    /// The table has no room for the texts of the webhook.
    TextFull {
        /// How many bytes it can hold.
        capacity: usize,
    },
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateWebhook => f.write_str("the webhook is in the table already"),
            Self::NoPatterns => f.write_str("a webhook needs at least one topic"),
            Self::TooManyPatterns => write!(f, "a webhook has at most {PATTERNS_PER_WEBHOOK_MAX} topics"),
            Self::TooManyFilters => write!(f, "a webhook has at most {FILTERS_PER_WEBHOOK_MAX} filters"),
            Self::TooManyValues => write!(f, "the list of an `in` has at most {FILTER_VALUES_MAX} values"),
            Self::EmptyDoc => f.write_str("the `doc` of a filter must not be empty"),
            Self::DocTooLong => {
                write!(f, "the `doc` of a filter has at most {ATTRIBUTE_NAME_BYTES_MAX} bytes")
            }
            Self::ValueTooLong => {
                write!(f, "a value in a filter has at most {ATTRIBUTE_VALUE_BYTES_MAX} bytes")
            }
            Self::Regexp(error) => error.fmt(f),
            Self::PatternsFull { capacity } => write!(f, "the table holds at most {capacity} topic patterns"),
            Self::ClausesFull { capacity } => {
                write!(f, "the table holds at most {capacity} values in filters")
            }
            Self::TextFull { capacity } => write!(f, "the table holds at most {capacity} bytes of text"),
        }
    }
}

impl Error for TableError {}

impl From<RegexpError> for TableError {
    fn from(error: RegexpError) -> Self {
        Self::Regexp(error)
    }
}
