//! Why a webhook does not fit a table, and why bytes are no image.

use core::error::Error;
use core::fmt;

use crate::filter::RegexpError;
use crate::limits::{
    ATTRIBUTE_NAME_BYTES_MAX, ATTRIBUTE_VALUE_BYTES_MAX, FILTER_VALUES_MAX, FILTERS_PER_WEBHOOK_MAX,
    PATTERNS_PER_WEBHOOK_MAX, TABLE_BUCKET_MAX, TABLE_BYTES_MAX, TABLE_DOCS_MAX, TABLE_STEPS_MAX,
    TABLE_VALUES_MAX,
};

/// Why a webhook was not added, or a table not built. A webhook that was refused leaves the builder as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableError {
    /// The webhook is in the table already.
    DuplicateWebhook,
    /// The webhooks of a copied table were given numbers that do not ascend as theirs do.
    Disordered,
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
    /// The filters of the table name more than [`TABLE_DOCS_MAX`] attributes.
    TooManyDocs,
    /// The filters of the table name more than [`TABLE_VALUES_MAX`] values.
    TooManyTableValues,
    /// The builder has no room for the webhook's patterns.
    PatternsFull {
        /// How many nodes, and webhooks' patterns, it can hold.
        capacity: usize,
    },
    /// The builder has no room for the webhook's filters.
    ClausesFull {
        /// How many words of filters it can hold.
        capacity: usize,
    },
    /// The builder has no room for the texts of the webhook, or the image has none for all of it.
    TextFull {
        /// How many bytes it can hold.
        capacity: usize,
    },
    /// The image would have more than [`TABLE_BYTES_MAX`] bytes.
    TooLarge,
    /// The table needs words of four bytes, and this program was built without the feature `wide`.
    WideUnsupported,
    /// More than [`TABLE_BUCKET_MAX`] names share a bucket whatever the hash starts from.
    Collisions,
    /// One event may cost more than [`TABLE_STEPS_MAX`] steps.
    TooManySteps,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateWebhook => f.write_str("the webhook is in the table already"),
            Self::Disordered => f.write_str("the webhooks of a copied table must keep their order"),
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
            Self::TooManyDocs => write!(f, "the filters of a table name at most {TABLE_DOCS_MAX} attributes"),
            Self::TooManyTableValues => {
                write!(f, "the filters of a table name at most {TABLE_VALUES_MAX} values")
            }
            Self::PatternsFull { capacity } => {
                write!(f, "the table holds at most {capacity} nodes of topic patterns")
            }
            Self::ClausesFull { capacity } => {
                write!(f, "the table holds at most {capacity} words of filters")
            }
            Self::TextFull { capacity } => write!(f, "the table holds at most {capacity} bytes"),
            Self::TooLarge => write!(f, "the image of a table has at most {TABLE_BYTES_MAX} bytes"),
            Self::WideUnsupported => {
                f.write_str("the table needs words of four bytes, which are not supported here")
            }
            Self::Collisions => {
                write!(f, "more than {TABLE_BUCKET_MAX} names of the table fall into one bucket")
            }
            Self::TooManySteps => {
                write!(f, "one event could cost the table more than {TABLE_STEPS_MAX} steps")
            }
        }
    }
}

impl Error for TableError {}

impl From<RegexpError> for TableError {
    fn from(error: RegexpError) -> Self {
        Self::Regexp(error)
    }
}

/// Why bytes are no image that this version can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// There are fewer bytes than a head has.
    TooShort,
    /// The bytes do not start as an image does.
    NotAnImage,
    /// The image has a version of the format that is not known here.
    Version {
        /// Its version.
        found: u8,
    },
    /// The number of bytes is not what the head says.
    Length {
        /// How many the head says.
        expected: u32,
    },
    /// The bytes are not those that the checksum was made of.
    Checksum,
    /// The image has words of four bytes, and this program was built without the feature `wide`.
    WideUnsupported,
    /// The image holds regular expressions, and this program was built without the feature `regexp`.
    RegexpsUnsupported,
    /// One event may cost more than [`TABLE_STEPS_MAX`] steps.
    TooManySteps {
        /// So many.
        steps: u32,
    },
    /// A part of the image holds what it must not.
    Malformed {
        /// Where the part starts.
        offset: usize,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => f.write_str("too few bytes for a match table"),
            Self::NotAnImage => f.write_str("this is no match table"),
            Self::Version { found } => write!(f, "version {found} of match tables is not known here"),
            Self::Length { expected } => write!(f, "the match table should have {expected} bytes"),
            Self::Checksum => f.write_str("the match table is damaged: its checksum is wrong"),
            Self::WideUnsupported => {
                f.write_str("the match table has words of four bytes, which are not supported here")
            }
            Self::RegexpsUnsupported => {
                f.write_str("the match table holds regular expressions, which are not supported here")
            }
            Self::TooManySteps { steps } => {
                write!(f, "one event may take {steps} steps, more than {TABLE_STEPS_MAX}")
            }
            Self::Malformed { offset } => {
                write!(f, "the part of the match table at byte {offset} is malformed")
            }
        }
    }
}

impl Error for LoadError {}
