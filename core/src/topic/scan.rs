//! Reading the segments of topics and patterns, with the position of what is wrong.

use core::ops::Range;

use crate::limits::{ACTION_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENTS_MAX, TYPE_BYTES_MAX};

use super::error::{TopicError, TopicErrorKind};

const HEADER_PREFIXES: [&str; 3] = ["ContentManagement.", "SpaceManagement.", "AppManagement."];

/// The segment of a pattern that takes in any one segment.
pub(super) const ANY: &str = "*";
/// The last segment of a pattern that takes in one segment or more.
pub(super) const TAIL: &str = "**";

/// Length of the header prefix of `text`, dot included; 0 without one.
///
/// Only a text of three segments has a prefix: `AppManagement.publish` is a type of that name, and
/// `AppManagement.a.b.c` a topic of four segments.
pub(super) fn prefix_bytes(text: &str) -> usize {
    let two_segments = |rest: &str| rest.bytes().filter(|byte| *byte == b'.').count() == 1;
    let prefixed = |prefix: &&&str| text.strip_prefix(**prefix).is_some_and(two_segments);
    HEADER_PREFIXES.iter().find(prefixed).map_or(0, |prefix| prefix.len())
}

/// Whether `text` is read by the rules for two segments; more dots make it one of more segments.
pub(super) fn is_short(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'.').nth(1).is_none()
}

/// The type that starts at byte `start`, and where the dot after it is.
pub(super) fn kind_at(text: &str, start: usize) -> Result<(&str, usize), TopicError> {
    let rest = text.get(start..).unwrap_or_default();
    if !rest.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Err(wrong_byte(rest, start, 0, TopicErrorKind::TypeStart));
    }
    let bytes = rest.as_bytes();
    let length = bytes.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(bytes.len());
    match rest.split_at_checked(length) {
        Some((kind, after)) if after.starts_with('.') => {
            within(kind, start, TYPE_BYTES_MAX, TopicErrorKind::TypeTooLong)
                .map(|kind| (kind, start.saturating_add(length)))
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
    match rest.as_bytes().iter().position(|byte| !matches!(byte, b'a'..=b'z' | b'_')) {
        Some(length) => Err(wrong_byte(rest, start, length, TopicErrorKind::ActionEnd)),
        None => within(rest, start, ACTION_BYTES_MAX, TopicErrorKind::ActionTooLong),
    }
}

/// Checks all segments of a topic or pattern of more than two, and gives where its first and its last dot are. `wild`
/// says whether a segment may be `*`, and the last one `**`.
pub(super) fn check_segments(text: &str, wild: bool) -> Result<Range<usize>, TopicError> {
    let (mut dots, mut start) = (0..0, 0_usize);
    for number in 0..SEGMENTS_MAX {
        let rest = text.get(start..).unwrap_or_default();
        let length = segment_bytes(rest);
        let end = start.saturating_add(match rest.as_bytes().get(length) {
            None | Some(b'.') if (1..=SEGMENT_BYTES_MAX).contains(&length) => length,
            _ => check_other(rest, start, wild)?,
        });
        if end >= text.len() {
            return Ok(dots);
        }
        dots = if number == 0 { end..end } else { dots.start..end };
        start = end.saturating_add(1);
    }
    Err(TopicError { kind: TopicErrorKind::TooManySegments, offset: start })
}

/// Checks a segment that may be a wildcard, or is none, and gives its length.
fn check_other(rest: &str, start: usize, wild: bool) -> Result<usize, TopicError> {
    let segment = Segments::of(rest).next().unwrap_or_default();
    match segment {
        ANY if wild => {}
        TAIL if wild && segment.len() == rest.len() => {}
        TAIL if wild => return Err(TopicError { kind: TopicErrorKind::TailWildcard, offset: start }),
        _ => check_segment(segment, start)?,
    }
    Ok(segment.len())
}

/// A segment of a topic that is read by the rules for more than two.
pub(super) fn check_segment(segment: &str, start: usize) -> Result<(), TopicError> {
    match segment_bytes(segment) {
        length if length < segment.len() => {
            Err(wrong_byte(segment, start, length, TopicErrorKind::SegmentByte))
        }
        0 => Err(TopicError { kind: TopicErrorKind::SegmentEmpty, offset: start }),
        _ => within(segment, start, SEGMENT_BYTES_MAX, TopicErrorKind::SegmentTooLong).map(|_| ()),
    }
}

/// How many bytes of a segment a text starts with.
fn segment_bytes(text: &str) -> usize {
    let belongs = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.as_bytes().iter().position(|byte| !belongs(*byte)).unwrap_or(text.len())
}

fn within(side: &str, start: usize, bytes_max: usize, kind: TopicErrorKind) -> Result<&str, TopicError> {
    if side.len() > bytes_max {
        Err(TopicError { kind, offset: start.saturating_add(bytes_max) })
    } else {
        Ok(side)
    }
}

/// A `*` among other characters, or out of place, is the likeliest slip: it has a message of its own.
fn wrong_byte(rest: &str, start: usize, length: usize, kind: TopicErrorKind) -> TopicError {
    let kind = if rest.as_bytes().get(length) == Some(&b'*') { TopicErrorKind::Wildcard } else { kind };
    TopicError { kind, offset: start.saturating_add(length) }
}

/// The parts of a text between its dots.
#[derive(Clone)]
pub(super) struct Segments<'a> {
    /// What was not given yet; `None` behind the last.
    rest: Option<&'a str>,
}

impl<'a> Segments<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { rest: Some(text) }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        let dot = rest.as_bytes().iter().position(|byte| *byte == b'.');
        self.rest = dot.and_then(|dot| rest.get(dot.saturating_add(1)..));
        rest.get(..dot.unwrap_or(rest.len()))
    }
}
