//! Any text as pattern and topic: what is accepted, what is written back and what matches is what the texts say.
#![no_main]

use bellwire_core::limits::{ACTION_BYTES_MAX, TYPE_BYTES_MAX};
use bellwire_core::topic::{Topic, TopicError, TopicPattern};
use libfuzzer_sys::fuzz_target;

const HEADER_PREFIXES: [&str; 3] = ["ContentManagement.", "SpaceManagement.", "AppManagement."];

// The pattern, a space, the topic.
fuzz_target!(|text: &str| {
    let (pattern_text, topic_text) = text.split_once(' ').unwrap_or((text, text));
    let (pattern, topic) = (TopicPattern::parse(pattern_text), Topic::parse(topic_text));
    check_pattern(pattern_text, pattern);
    check_topic(topic_text, topic);
    if let (Ok(pattern), Ok(topic)) = (pattern, topic) {
        assert_eq!(pattern.matches(&topic), matches(pattern_text, topic.as_str()));
    }
});

fn check_pattern(text: &str, parsed: Result<TopicPattern<'_>, TopicError>) {
    match parsed {
        Ok(pattern) => assert_eq!(pattern.to_string(), text),
        Err(error) => assert!(text.is_char_boundary(error.offset), "{error}"),
    }
    assert_eq!(parsed.is_ok(), is_of_form(text, |kind| kind == "*", |action| action == "*"));
}

fn check_topic(text: &str, parsed: Result<Topic<'_>, TopicError>) {
    let bare = without_prefix(text);
    match parsed {
        Ok(topic) => assert_eq!(topic.to_string(), bare),
        Err(error) => assert!(text.is_char_boundary(error.offset), "{error}"),
    }
    assert_eq!(parsed.is_ok(), is_of_form(bare, |_| false, |_| false));
}

/// A header prefix stands before a whole topic, so a dot follows its own.
fn without_prefix(text: &str) -> &str {
    let rests = HEADER_PREFIXES.iter().filter_map(|prefix| text.strip_prefix(prefix));
    rests.into_iter().find(|rest| rest.contains('.')).unwrap_or(text)
}

/// `[A-Za-z][A-Za-z0-9]*\.[a-z][a-z_]*` within the limits, or a side that `any_kind` or `any_action` takes.
fn is_of_form(text: &str, any_kind: fn(&str) -> bool, any_action: fn(&str) -> bool) -> bool {
    let Some((kind, action)) = text.split_once('.') else { return false };
    let kind_is_plain = kind.starts_with(|c: char| c.is_ascii_alphabetic())
        && kind.chars().all(|c| c.is_ascii_alphanumeric())
        && kind.len() <= TYPE_BYTES_MAX;
    let action_is_plain = action.starts_with(|c: char| c.is_ascii_lowercase())
        && action.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        && action.len() <= ACTION_BYTES_MAX;
    (kind_is_plain || any_kind(kind)) && (action_is_plain || any_action(action))
}

/// Each side is `*` or the same text.
fn matches(pattern: &str, topic: &str) -> bool {
    let (pattern, topic) = (pattern.split('.'), topic.split('.'));
    pattern.zip(topic).all(|(wanted, side)| wanted == "*" || wanted == side)
}
