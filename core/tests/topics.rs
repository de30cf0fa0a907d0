//! Topics and patterns: every row of `testdata/topics.json`.

use bellwire_core::filter::NoRegexps;
use bellwire_core::table::{Fixed, TableBuilder, Verdict, naive};
use bellwire_core::topic::{Topic, TopicError, TopicErrorKind, TopicPattern};
use serde_json::Value;

fn rows(section: &str) -> Vec<Value> {
    let rows: Value = serde_json::from_str(include_str!("../testdata/topics.json")).unwrap();
    rows[section].as_array().unwrap().clone()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap()
}

#[test]
fn patterns_match_as_the_rows_say() {
    for row in rows("matches") {
        let pattern = TopicPattern::parse(text(&row, "pattern")).unwrap();
        let topic = Topic::parse(text(&row, "topic")).unwrap();
        let expected = row["expected"].as_bool().unwrap();
        assert_eq!(pattern.matches(&topic), expected, "{row}");
        assert_eq!(naive::matches(&[pattern], &[], &topic, &[], |_, _| false), expected, "{row}");

        let mut builder = TableBuilder::<Fixed<9, 0, 1024>, _>::new(NoRegexps);
        builder.add(9, &[pattern], &[]).unwrap();
        let table = builder.build().unwrap();
        assert_eq!(
            table.find(&topic, &[]).collect::<Vec<_>>(),
            if expected { vec![9] } else { vec![] },
            "{row}"
        );
        match table.explain(9, &topic, &[]) {
            Verdict::Matched { pattern: found } => assert!(expected && found == pattern, "{row}"),
            verdict => assert!(!expected && verdict == Verdict::NoPattern, "{row}"),
        }
    }
}

#[test]
fn what_is_no_pattern_is_refused_with_its_place() {
    for row in rows("refused_patterns") {
        refused(&row, TopicPattern::parse(text(&row, "text")).map(|pattern| pattern.to_string()));
    }
}

#[test]
fn what_is_no_topic_is_refused_with_its_place() {
    for row in rows("refused_topics") {
        refused(&row, Topic::parse(text(&row, "text")).map(|topic| topic.to_string()));
    }
}

fn refused(row: &Value, parsed: Result<String, TopicError>) {
    let error = parsed.expect_err(text(row, "text"));
    assert_eq!(error.to_string(), text(row, "message"), "{row}");
    assert_eq!(error.offset as u64, row["offset"].as_u64().unwrap(), "{row}");
}

#[test]
fn the_header_prefix_depends_on_the_type() {
    for row in rows("header_prefixes") {
        let topic = Topic::parse(text(&row, "topic")).unwrap();
        assert_eq!(topic.header_prefix(), text(&row, "prefix"), "{row}");
        let header = format!("{}{topic}", topic.header_prefix());
        assert_eq!(Topic::parse(&header), Ok(topic), "{row}");
    }
}

#[test]
fn display_writes_what_parse_reads() {
    for text in ["Entry.publish", "Entry.*", "*.publish", "*.*", "site.*.press.**", "**"] {
        assert_eq!(TopicPattern::parse(text).unwrap().to_string(), text);
    }
    let topic = Topic::parse("ContentManagement.Entry.auto_save").unwrap();
    assert_eq!((topic.to_string().as_str(), topic.as_str()), ("Entry.auto_save", "Entry.auto_save"));
    assert_eq!(TopicPattern::parse("AppManagement.A.b").unwrap_err().kind, TopicErrorKind::HeaderPrefix);
}
