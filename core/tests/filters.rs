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
