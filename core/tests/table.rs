//! The match table beside its rows: limits, what remains after an error, explanations.

use bellwire_core::filter::{Filter, NoRegexps, RegexpError, Regexps, Test};
use bellwire_core::table::{Fixed, MatchTable, Operator, TableBuilder, TableError, Verdict};
use bellwire_core::topic::{Topic, TopicPattern};

type Small = Fixed<4, 4, 40>;

fn pattern(text: &str) -> TopicPattern<'_> {
    TopicPattern::parse(text).unwrap()
}

fn topic(text: &str) -> Topic<'_> {
    Topic::parse(text).unwrap()
}

fn equals<'a>(doc: &'a str, value: &'a str) -> Filter<'a> {
    Filter { negated: false, doc, test: Test::Equals(value) }
}

fn builder() -> TableBuilder<Small, NoRegexps> {
    TableBuilder::new(NoRegexps)
}

#[test]
fn an_empty_table_can_be_a_static() {
    static EMPTY: MatchTable<Small, NoRegexps> = MatchTable::empty(NoRegexps);
    assert!(EMPTY.is_empty());
    assert_eq!(EMPTY.find(&topic("Entry.publish"), &[]).next(), None);
    assert_eq!(EMPTY.explain(1, &topic("Entry.publish"), &[]), Verdict::UnknownWebhook);
}

#[test]
fn the_order_of_arrival_does_not_show() {
    let mut builder = builder();
    for webhook in [9, 2, 7, u32::MAX] {
        builder.add(webhook, &[pattern("Entry.*")], &[]).unwrap();
    }
    let table = builder.build();
    assert_eq!(table.len(), 4);
    assert!(table.find(&topic("Entry.save"), &[]).eq([2, 7, 9, u32::MAX]));
}

#[test]
fn a_webhook_comes_once_however_many_patterns_match() {
    let mut builder = builder();
    let all = ["*.*", "Entry.*", "*.publish", "Entry.publish"].map(pattern);
    builder.add(1, &all, &[]).unwrap();
    let table = builder.build();
    assert!(table.find(&topic("Entry.publish"), &[]).eq([1]));
}

#[test]
fn the_most_specific_pattern_explains() {
    let mut builder = builder();
    builder.add(1, &["*.*", "Entry.*", "*.publish", "Entry.publish"].map(pattern), &[]).unwrap();
    let table = builder.build();
    for (topic_text, wanted) in [
        ("Entry.publish", "Entry.publish"),
        ("Entry.save", "Entry.*"),
        ("Asset.publish", "*.publish"),
        ("Asset.save", "*.*"),
    ] {
        let verdict = table.explain(1, &topic(topic_text), &[]);
        assert_eq!(verdict, Verdict::Matched { pattern: pattern(wanted) });
    }
}

#[test]
fn an_explanation_shows_the_filter_and_the_value() {
    let mut builder = builder();
    let not_in = Filter { negated: true, doc: "sys.id", test: Test::In(&["a", "b"]) };
    builder.add(1, &[pattern("*.*")], &[equals("x", "1"), not_in]).unwrap();
    let table = builder.build();
    let (published, event) = (topic("Entry.publish"), [("x", "1"), ("sys.id", "b")]);
    let Verdict::FilterFailed { number, filter, actual } = table.explain(1, &published, &event) else {
        panic!("a filter fails");
    };
    assert_eq!((number, actual), (1, Some("b")));
    assert_eq!((filter.doc(), filter.negated(), filter.operator()), ("sys.id", true, Operator::In));
    assert!(filter.values().eq(["a", "b"]));
    assert_eq!(format!("{filter:?}"), r#"not "sys.id" In "a" "b""#);
    assert!(matches!(
        table.explain(1, &published, &[]),
        Verdict::FilterFailed { number: 0, actual: None, .. }
    ));
    assert_eq!(table.explain(2, &published, &[]), Verdict::UnknownWebhook);
}

#[test]
fn an_empty_list_holds_for_nothing_and_under_not_for_everything_present() {
    let mut builder = builder();
    let nothing = Filter { negated: false, doc: "a", test: Test::In(&[]) };
    builder.add(1, &[pattern("*.*")], &[nothing]).unwrap();
    builder.add(2, &[pattern("*.*")], &[Filter { negated: true, ..nothing }]).unwrap();
    let table = builder.build();
    assert!(table.find(&topic("Entry.save"), &[("a", "")]).eq([2]));
    assert!(table.find(&topic("Entry.save"), &[]).eq([]));
}

#[test]
fn errors_name_the_limit() {
    let long = "v".repeat(257);
    let filters = |filter| [filter];
    let one = [pattern("Entry.publish")];
    let values = [""; 257];
    for (expected, patterns, filters) in [
        (TableError::NoPatterns, &[][..], &[][..]),
        (TableError::TooManyPatterns, &[one[0]; 257][..], &[][..]),
        (TableError::TooManyFilters, &one[..], &[equals("a", "b"); 33][..]),
        (TableError::PatternsFull { capacity: 4 }, &[one[0]; 5][..], &[][..]),
        (TableError::ClausesFull { capacity: 4 }, &one[..], &[equals("a", "b"); 5][..]),
        (TableError::TextFull { capacity: 40 }, &one[..], &filters(equals("a", &long[..100]))[..]),
        (TableError::EmptyDoc, &one[..], &filters(equals("", "b"))[..]),
        (TableError::DocTooLong, &one[..], &filters(equals(&long[..65], "b"))[..]),
        (TableError::ValueTooLong, &one[..], &filters(equals("a", &long))[..]),
        (
            TableError::TooManyValues,
            &one[..],
            &filters(Filter { negated: false, doc: "a", test: Test::In(&values) })[..],
        ),
        (
            TableError::Regexp(RegexpError::Unsupported),
            &one[..],
            &filters(Filter { negated: false, doc: "a", test: Test::Regexp(".") })[..],
        ),
        (
            TableError::Regexp(RegexpError::TooLong),
            &one[..],
            &filters(Filter { negated: false, doc: "a", test: Test::Regexp(&long.repeat(4)) })[..],
        ),
    ] {
        let error = builder().add(1, patterns, filters).unwrap_err();
        assert_eq!(error, expected);
        assert!(!error.to_string().is_empty());
    }
    assert_eq!(TableError::TextFull { capacity: 40 }.to_string(), "the table holds at most 40 bytes of text");
}

#[test]
fn a_webhook_that_does_not_fit_leaves_nothing() {
    let mut builder = builder();
    builder.add(5, &[pattern("Entry.publish")], &[equals("a", "b")]).unwrap();
    let too_much = [equals("c", "d"), equals("e", "f"), equals("g", "h"), equals("i", "j")];
    for webhook in [1, 5, 9] {
        builder.add(webhook, &[pattern("Entry.*"), pattern("*.*")], &too_much).unwrap_err();
    }
    // The room of the failed ones is free: three patterns, three clauses and the text.
    for webhook in [1, 9] {
        builder.add(webhook, &[pattern("Entry.publish")], &[equals("c", "d")]).unwrap();
    }
    assert_eq!(builder.add(9, &[pattern("*.*")], &[]), Err(TableError::DuplicateWebhook));
    assert_eq!(builder.add(1, &[pattern("*.*")], &[]), Err(TableError::DuplicateWebhook));
    let table = builder.build();
    assert!(table.find(&topic("Entry.publish"), &[("a", "b")]).eq([5]));
    assert!(table.find(&topic("Entry.publish"), &[("c", "d")]).eq([1, 9]));
    assert!(table.find(&topic("Asset.publish"), &[("c", "d")]).eq([]));
}

#[test]
fn a_name_takes_room_once() {
    let mut builder = TableBuilder::<Fixed<4, 0, 15>, _>::new(NoRegexps);
    for (webhook, text) in [(1, "Entry.publish"), (2, "Entry.publish"), (3, "Entry.pub"), (4, "Entry.*")] {
        builder.add(webhook, &[pattern(text)], &[]).unwrap();
    }
    let table = builder.build();
    assert!(table.find(&topic("Entry.publish"), &[]).eq([1, 2, 4]));
    assert!(table.find(&topic("Entry.pub"), &[]).eq([3, 4]));
}

#[test]
fn without_an_engine_nothing_is_a_regular_expression() {
    assert_eq!(NoRegexps.compile("."), Err(RegexpError::Unsupported));
    assert!(!NoRegexps.is_match(0, ""));
}
