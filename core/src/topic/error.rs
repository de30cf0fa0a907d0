//! What is wrong with a topic or a pattern, and where.

use core::error::Error;
use core::fmt;

use crate::limits::{ACTION_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENTS_MAX, TYPE_BYTES_MAX};

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
    /// A `*` in a topic, or as a part of a pattern's segment.
    Wildcard,
    /// A `**` that is not the last segment of a pattern.
    TailWildcard,
    /// Letters, digits, `_` and `-` make a segment of a topic that has more than two.
    SegmentByte,
    /// There is nothing between two dots, or before or after one.
    SegmentEmpty,
    /// The segment has more than [`SEGMENT_BYTES_MAX`] bytes.
    SegmentTooLong,
    /// There are more than [`SEGMENTS_MAX`] segments.
    TooManySegments,
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
                    "`*` stands for a whole segment of a pattern and for nothing else, but is at byte {offset}"
                )
            }
            TopicErrorKind::TailWildcard => {
                write!(f, "`**` is the last segment of a pattern or none, but is at byte {offset}")
            }
            TopicErrorKind::SegmentByte => {
                write!(f, "expected a letter, a digit, `_`, `-` or the dot at byte {offset}")
            }
            TopicErrorKind::SegmentEmpty => write!(f, "expected a segment at byte {offset}"),
            TopicErrorKind::SegmentTooLong => {
                write!(
                    f,
                    "the segment is longer than {SEGMENT_BYTES_MAX} bytes, expected the dot at byte {offset}"
                )
            }
            TopicErrorKind::TooManySegments => {
                write!(f, "there are more than {SEGMENTS_MAX} segments, one more starts at byte {offset}")
            }
            TopicErrorKind::HeaderPrefix => {
                write!(f, "the prefix at byte {offset} belongs to a header, the type comes first here")
            }
        }
    }
}

impl Error for TopicError {}
