//! Reading the two sides of a topic, with the position of what is wrong.

use crate::limits::{ACTION_BYTES_MAX, TYPE_BYTES_MAX};

use super::error::{TopicError, TopicErrorKind};

const HEADER_PREFIXES: [&str; 3] = ["ContentManagement.", "SpaceManagement.", "AppManagement."];

/// Length of the header prefix of `text`, dot included; 0 without one.
///
/// Only a text with a second dot has a prefix: `AppManagement.publish` is a type of that name.
pub(super) fn prefix_bytes(text: &str) -> usize {
    let prefixed = |prefix: &&&str| text.strip_prefix(**prefix).is_some_and(|rest| rest.contains('.'));
    HEADER_PREFIXES.iter().find(prefixed).map_or(0, |prefix| prefix.len())
}

/// The type that starts at byte `start`, and where the dot after it is.
pub(super) fn kind_at(text: &str, start: usize) -> Result<(&str, usize), TopicError> {
    let rest = text.get(start..).unwrap_or_default();
    if !rest.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Err(wrong_byte(rest, start, 0, TopicErrorKind::TypeStart));
    }
    let length = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
    match rest.split_at_checked(length) {
        Some((kind, after)) if after.starts_with('.') => {
            within(kind, start, TYPE_BYTES_MAX, TopicErrorKind::TypeTooLong)
                .map(|kind| (kind, start + length))
        }
        _ => Err(wrong_byte(rest, start, length, TopicErrorKind::TypeEnd)),
    }
}

/// The action that starts at byte `start` and ends with the text.
pub(super) fn action_at(text: &str, start: usize) -> Result<&str, TopicError> {
    let rest = text.get(start..).unwrap_or_default();
    if !rest.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Err(wrong_byte(rest, start, 0, TopicErrorKind::ActionStart));
    }
    match rest.bytes().position(|byte| !matches!(byte, b'a'..=b'z' | b'_')) {
        Some(length) => Err(wrong_byte(rest, start, length, TopicErrorKind::ActionEnd)),
        None => within(rest, start, ACTION_BYTES_MAX, TopicErrorKind::ActionTooLong),
    }
}

fn within(side: &str, start: usize, bytes_max: usize, kind: TopicErrorKind) -> Result<&str, TopicError> {
    if side.len() > bytes_max { Err(TopicError { kind, offset: start + bytes_max }) } else { Ok(side) }
}

/// A `*` among other characters, or out of place, is the likeliest slip: it has a message of its own.
fn wrong_byte(rest: &str, start: usize, length: usize, kind: TopicErrorKind) -> TopicError {
    let kind = if rest.as_bytes().get(length) == Some(&b'*') { TopicErrorKind::Wildcard } else { kind };
    TopicError { kind, offset: start + length }
}
