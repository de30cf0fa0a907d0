//! Webhooks and events: every row of `testdata/filters.json`, through the table, the obvious version and `explain`.

#[path = "support/filters.rs"]
mod filters;
#[path = "support/finds.rs"]
mod finds;
#[path = "support/regexps.rs"]
mod regexps;

use bellwire_core::filter::{Filter, Value};
use bellwire_core::table::{Fixed, Growing, MatchTable, Storage, TableBuilder, Verdict, naive};
use bellwire_core::topic::{Topic, TopicPattern};
use filters::text;
use finds::finds;
use regexps::Dfas;
use serde_json::Value as Json;

struct Row {
    name: &'static str,
    patterns: Vec<TopicPattern<'static>>,
    filters: Vec<Filter<'static>>,
    topic: Topic<'static>,
    attributes: Vec<(&'static str, Value<'static>)>,
    expected: bool,
    failed: Option<usize>,
}

impl Row {
    fn read(json: &Json) -> Self {
        let topics = json["topics"].as_array().unwrap().iter();
        Self {
            name: text(&json["name"]),
            patterns: topics.map(|topic| TopicPattern::parse(text(topic)).unwrap()).collect(),
            filters: filters::filters(&json["filters"]),
            topic: Topic::parse(text(&json["topic"])).unwrap(),
            attributes: filters::attributes(&json["attributes"]),
            expected: json["expected"].as_bool().unwrap(),
            failed: json.get("failed").map(|number| number.as_u64().unwrap() as usize),
        }
    }

    fn table<S: Storage>(&self) -> MatchTable<S::Bytes> {
        let mut builder = TableBuilder::<S, _>::new(Dfas::default());
        builder.add(5, &self.patterns, &self.filters).unwrap();
        builder.build().unwrap()
    }

    fn check<S: Storage>(&self) {
        let (table, event) = (self.table::<S>(), self.attributes.as_slice());
        let found: Vec<u32> = table.find(&self.topic, event).collect();
        assert_eq!(found, if self.expected { vec![5] } else { vec![] }, "{}", self.name);
        let loaded = MatchTable::load(table.image()).unwrap();
        assert!(loaded.find(&self.topic, event).eq(found), "{}", self.name);
        match (table.explain(5, &self.topic, event), self.failed) {
            (Verdict::Matched { pattern }, None) => {
                assert!(self.expected && self.patterns.iter().any(|own| pattern == *own));
            }
            (Verdict::NoPattern, None) => assert!(!self.expected),
            (Verdict::FilterFailed { number, .. }, Some(failed)) => {
                assert_eq!(number, failed, "{}", self.name);
            }
            (verdict, failed) => panic!("{}: {verdict:?}, expected failure of {failed:?}", self.name),
        }
    }
}

fn rows() -> Vec<Row> {
    let rows: Json = serde_json::from_str(include_str!("../testdata/filters.json")).unwrap();
    let sections = ["rows", "edge_rows"].into_iter().flat_map(|section| rows[section].as_array().unwrap());
    sections.map(Row::read).collect()
}

#[test]
fn a_fixed_table_matches_as_the_rows_say() {
    rows().iter().for_each(Row::check::<Fixed<32, 320, 65536>>);
}

#[test]
fn a_growing_table_matches_as_the_rows_say() {
    rows().iter().for_each(Row::check::<Growing>);
}

#[test]
fn the_obvious_version_matches_as_the_rows_say() {
    for row in rows() {
        let event = row.attributes.as_slice();
        let found = naive::matches(&row.patterns, &row.filters, &row.topic, event, finds);
        assert_eq!(found, row.expected, "{}", row.name);
    }
}

#[test]
fn one_table_of_all_rows_matches_as_the_rows_say() {
    let rows = rows();
    let mut builder = TableBuilder::<Growing, _>::new(Dfas::default());
    for (webhook, row) in (0..rows.len() as u32).zip(&rows).rev() {
        builder.add(webhook, &row.patterns, &row.filters).unwrap();
    }
    let table = builder.build().unwrap();
    for (webhook, row) in (0..).zip(&rows) {
        let found = table.find(&row.topic, row.attributes.as_slice()).any(|found| found == webhook);
        assert_eq!(found, row.expected, "{}", row.name);
    }
}

#[test]
fn names_of_rows_are_unique() {
    let mut names: Vec<&str> = rows().iter().map(|row| row.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn verdicts_are_said_in_words() {
    for (filters, said) in [
        (r#"{"equals": [{"doc": "v"}, "master"]}"#, r#"filter 0: v is "staging", wanted "master""#),
        (
            r#"{"not": {"equals": [{"doc": "v"}, "staging"]}}"#,
            r#"filter 0: v is "staging", wanted not "staging""#,
        ),
        (
            r#"{"in": [{"doc": "v"}, ["a", 5, true]]}"#,
            r#"filter 0: v is "staging", wanted one of "a", 5, true"#,
        ),
        (
            r#"{"not": {"in": [{"doc": "v"}, ["staging"]]}}"#,
            r#"filter 0: v is "staging", wanted none of "staging""#,
        ),
        (
            r#"{"prefix": [{"doc": "v"}, "qa-"]}"#,
            r#"filter 0: v is "staging", wanted a text that starts with "qa-""#,
        ),
        (
            r#"{"regexp": [{"doc": "v"}, {"pattern": "^a"}]}"#,
            r#"filter 0: v is "staging", wanted a text that has a match of "^a""#,
        ),
        (r#"{"exists": [{"doc": "w"}]}"#, "filter 0: w is absent, wanted anything"),
        (r#"{"not": {"exists": [{"doc": "v"}]}}"#, r#"filter 0: v is "staging", wanted absent"#),
        (r#"{"lt": [{"doc": "n"}, 5]}"#, "filter 0: n is 7, wanted less than 5"),
        (r#"{"lte": [{"doc": "n"}, 5]}"#, "filter 0: n is 7, wanted at most 5"),
        (r#"{"gt": [{"doc": "n"}, 7]}"#, "filter 0: n is 7, wanted more than 7"),
        (r#"{"gte": [{"doc": "n"}, 8]}"#, "filter 0: n is 7, wanted at least 8"),
        (r#"{"range": [{"doc": "n"}, {"min": -1, "max": 5}]}"#, "filter 0: n is 7, wanted -1 to 5"),
        (
            r#"{"not": {"range": [{"doc": "n"}, {"min": 5, "max": 9}]}}"#,
            "filter 0: n is 7, wanted not 5 to 9",
        ),
        (r#"{"exists": [{"doc": "n"}]}"#, "Entry.* takes the topic in"),
    ] {
        let filters = filters::filters(&Json::Array(vec![serde_json::from_str(filters).unwrap()]));
        let mut builder = TableBuilder::<Growing, _>::new(Dfas::default());
        builder.add(1, &[TopicPattern::parse("Entry.*").unwrap()], &filters).unwrap();
        let table = builder.build().unwrap();
        let event = [("v", Value::Text("staging")), ("n", Value::Integer(7))];
        let topic = Topic::parse("Entry.publish").unwrap();
        assert_eq!(table.explain(1, &topic, &event[..]).to_string(), said);
        let other = table.explain(1, &Topic::parse("Asset.publish").unwrap(), &event[..]);
        assert_eq!(other.to_string(), "no pattern takes the topic in");
    }
}
