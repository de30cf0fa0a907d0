//! Any text as pattern and topic: what is accepted, what is written back and what matches is what the texts say.
#![no_main]

use bellwire_core::limits::{ACTION_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENTS_MAX, TYPE_BYTES_MAX};
use bellwire_core::topic::{Topic, TopicError, TopicPattern};
use libfuzzer_sys::fuzz_target;

const HEADER_PREFIXES: [&str; 3] = ["ContentManagement", "SpaceManagement", "AppManagement"];

// The pattern, a space, the topic.
fuzz_target!(|text: &str| {
    let (pattern_text, topic_text) = text.split_once(' ').unwrap_or((text, text));
    let (pattern, topic) = (TopicPattern::parse(pattern_text), Topic::parse(topic_text));
    check_pattern(pattern_text, pattern);
    check_topic(topic_text, topic);
    if let (Ok(pattern), Ok(topic)) = (pattern, topic) {
        let (pattern_parts, topic_parts) = (parts(pattern_text), parts(topic.as_str()));
        assert_eq!(pattern.matches(&topic), matches(&pattern_parts, &topic_parts));
    }
});

fn check_pattern(text: &str, parsed: Result<TopicPattern<'_>, TopicError>) {
    match parsed {
        Ok(pattern) => assert_eq!(pattern.to_string(), text),
        Err(error) => assert!(text.is_char_boundary(error.offset), "{error}"),
    }
    assert_eq!(parsed.is_ok(), !has_prefix(text) && is_pattern(&parts(text)));
}

fn check_topic(text: &str, parsed: Result<Topic<'_>, TopicError>) {
    let bare = if has_prefix(text) { text.split_once('.').map_or("", |(_, rest)| rest) } else { text };
    match parsed {
        Ok(topic) => {
            assert_eq!(topic.to_string(), bare);
            assert!(topic.segments().eq(bare.split('.')));
            assert_eq!(Some(topic.kind()), topic.segments().next());
            assert_eq!(Some(topic.action()), topic.segments().last());
        }
        Err(error) => assert!(text.is_char_boundary(error.offset), "{error}"),
    }
    assert_eq!(parsed.is_ok(), is_topic(&parts(bare)));
}

fn parts(text: &str) -> Vec<&str> {
    text.split('.').collect()
}

/// A header prefix stands before a type and an action.
fn has_prefix(text: &str) -> bool {
    matches!(parts(text).as_slice(), [prefix, _, _] if HEADER_PREFIXES.contains(prefix))
}

fn is_pattern(parts: &[&str]) -> bool {
    let is_wanted = |part: &&str| *part == "*" || is_segment(part);
    match parts {
        [wanted @ .., "**"] => wanted.len() < SEGMENTS_MAX && wanted.iter().all(is_wanted),
        [kind, action] => (*kind == "*" || is_type(kind)) && (*action == "*" || is_action(action)),
        _ => (3..=SEGMENTS_MAX).contains(&parts.len()) && parts.iter().all(is_wanted),
    }
}

fn is_topic(parts: &[&str]) -> bool {
    match parts {
        [kind, action] => is_type(kind) && is_action(action),
        _ => (3..=SEGMENTS_MAX).contains(&parts.len()) && parts.iter().all(|part| is_segment(part)),
    }
}

/// `[A-Za-z][A-Za-z0-9]*` within its limit.
fn is_type(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric())
        && text.len() <= TYPE_BYTES_MAX
}

/// `[a-z][a-z_]*` within its limit.
fn is_action(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        && text.len() <= ACTION_BYTES_MAX
}

/// `[A-Za-z0-9_-]+` within its limit.
fn is_segment(text: &str) -> bool {
    let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=SEGMENT_BYTES_MAX).contains(&text.len()) && text.chars().all(belongs)
}

fn matches(pattern: &[&str], topic: &[&str]) -> bool {
    match (pattern, topic) {
        ([], []) => true,
        (["**"], [_, ..]) => true,
        ([wanted, pattern @ ..], [given, topic @ ..]) => {
            (*wanted == "*" || wanted == given) && matches(pattern, topic)
        }
        _ => false,
    }
}
