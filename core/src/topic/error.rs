//! What is wrong with a topic or a pattern, and where.

use core::error::Error;
use core::fmt;

use crate::limits::{ACTION_BYTES_MAX, TYPE_BYTES_MAX};

/// Why a text is no topic or no pattern. `Display` writes one sentence with the position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicError {
    /// What is wrong.
    pub kind: TopicErrorKind,
    /// Offset of the first wrong byte in the text that was parsed.
    pub offset: usize,
}

/// What is wrong with a topic or a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TopicErrorKind {
    /// A type starts with a letter.
    TypeStart,
    /// Letters and digits make a type, and a dot ends it.
    TypeEnd,
    /// The type has more than [`TYPE_BYTES_MAX`] bytes.
    TypeTooLong,
    /// An action starts with a lower-case letter.
    ActionStart,
    /// Lower-case letters and `_` make an action.
    ActionEnd,
    /// The action has more than [`ACTION_BYTES_MAX`] bytes.
    ActionTooLong,
    /// A `*` in a topic, or as a part of a pattern's side.
    Wildcard,
    /// A pattern with the prefix that belongs to the header of a delivered request.
    HeaderPrefix,
}

impl fmt::Display for TopicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        match self.kind {
            TopicErrorKind::TypeStart => write!(f, "expected a letter at byte {offset}"),
            TopicErrorKind::TypeEnd => write!(f, "expected a letter, a digit or the dot at byte {offset}"),
            TopicErrorKind::TypeTooLong => {
                write!(f, "the type is longer than {TYPE_BYTES_MAX} bytes, expected the dot at byte {offset}")
            }
            TopicErrorKind::ActionStart => write!(f, "expected a lower-case letter at byte {offset}"),
            TopicErrorKind::ActionEnd => write!(f, "expected a lower-case letter or `_` at byte {offset}"),
            TopicErrorKind::ActionTooLong => {
                write!(
                    f,
                    "the action is longer than {ACTION_BYTES_MAX} bytes, expected the end at byte {offset}"
                )
            }
            TopicErrorKind::Wildcard => {
                write!(
                    f,
                    "`*` stands for a whole side of a pattern and for nothing else, but is at byte {offset}"
                )
            }
            TopicErrorKind::HeaderPrefix => {
                write!(f, "the prefix at byte {offset} belongs to a header, a pattern starts with the type")
            }
        }
    }
}

impl Error for TopicError {}
