//! The match table beside its rows: limits, what remains after an error, explanations, lists.

use bellwire_core::filter::{Filter, NoRegexps, RegexpError, Regexps, Test, Value};
use bellwire_core::table::{
    Counts, Fixed, Growing, Image, MatchTable, Operator, TableBuilder, TableError, TableRef, Verdict,
};
use bellwire_core::topic::{Topic, TopicPattern};

type Small = Fixed<9, 8, 320>;

fn pattern(text: &str) -> TopicPattern<'_> {
    TopicPattern::parse(text).unwrap()
}

fn topic(text: &str) -> Topic<'_> {
    Topic::parse(text).unwrap()
}

fn equals<'a>(doc: &'a str, value: &'a str) -> Filter<'a> {
    Filter::equals(doc, value)
}

fn builder() -> TableBuilder<Small, NoRegexps> {
    TableBuilder::new(NoRegexps)
}

/// The table of webhooks with one pattern each and no filters.
fn table_of(patterns: &[(u32, &str)]) -> MatchTable<Vec<u8>> {
    let mut builder = TableBuilder::<Growing, NoRegexps>::default();
    for (webhook, text) in patterns {
        builder.add(*webhook, &[pattern(text)], &[]).unwrap();
    }
    builder.build().unwrap()
}

#[test]
fn an_empty_table_can_be_a_static() {
    static EMPTY: MatchTable<Image<64>> = MatchTable::empty(Image::new());
    assert!(EMPTY.is_empty());
    assert_eq!(EMPTY.find(&topic("Entry.publish"), &[]).next(), None);
    assert_eq!(EMPTY.explain(1, &topic("Entry.publish"), &[]), Verdict::UnknownWebhook);
}

#[test]
fn a_table_of_no_webhook_has_an_image() {
    let table = builder().build().unwrap();
    let loaded: TableRef<'_> = MatchTable::load(table.image()).unwrap();
    assert!(loaded.is_empty() && loaded.visits_max() == 0);
    assert_eq!(loaded.find(&topic("Entry.publish"), &[]).next(), None);
}

#[test]
fn the_order_of_arrival_does_not_show() {
    let table = table_of(&[9, 2, 7, u32::MAX].map(|webhook| (webhook, "Entry.*")));
    assert_eq!(table.len(), 4);
    assert!(table.find(&topic("Entry.save"), &[]).eq([2, 7, 9, u32::MAX]));
}

#[test]
fn a_webhook_comes_once_however_many_patterns_match() {
    let mut builder = builder();
    let all = ["*.*", "Entry.*", "*.publish", "Entry.publish", "*.*"].map(pattern);
    builder.add(1, &all, &[]).unwrap();
    let table = builder.build().unwrap();
    assert!(table.find(&topic("Entry.publish"), &[]).eq([1]));
    // Each pattern has one row, which needs no list.
    assert_eq!(table.counts().postings, 0);
    assert_eq!(table.visits_max(), 7);
}

#[test]
fn the_most_specific_pattern_explains() {
    let mut builder = TableBuilder::<Growing, _>::new(NoRegexps);
    let all = ["**", "*.*", "Entry.*", "Entry.**", "*.publish", "Entry.publish", "*.**", "a.*.c", "a.b.*"];
    builder.add(1, &all.map(pattern), &[]).unwrap();
    let table = builder.build().unwrap();
    for (topic_text, wanted) in [
        ("Entry.publish", "Entry.publish"),
        ("Entry.save", "Entry.*"),
        ("Asset.publish", "*.publish"),
        ("Asset.save", "*.*"),
        ("Entry.x.y", "Entry.**"),
        ("a.b.c", "a.b.*"),
        ("a.x.c", "a.*.c"),
        ("x.y.z", "*.**"),
    ] {
        match table.explain(1, &topic(topic_text), &[]) {
            Verdict::Matched { pattern: found } => assert_eq!(found.to_string(), wanted),
            verdict => panic!("{topic_text}: {verdict:?}"),
        }
    }
}

#[test]
fn an_explanation_shows_the_filter_and_the_value() {
    let mut builder = builder();
    let not_in = Filter::new("sys.id", Test::In(&[Value::Text("a"), Value::Text("b")])).not();
    builder.add(1, &[pattern("*.*")], &[equals("x", "1"), not_in]).unwrap();
    let table = builder.build().unwrap();
    let (published, event) = (topic("Entry.publish"), [("x", "1"), ("sys.id", "b")]);
    let Verdict::FilterFailed { number, filter, actual } = table.explain(1, &published, &event) else {
        panic!("a filter fails");
    };
    assert_eq!((number, actual), (1, Some(Value::Text("b"))));
    assert_eq!((filter.doc(), filter.negated(), filter.operator()), ("sys.id", true, Operator::In));
    assert!(filter.values().eq(["a", "b"].map(Value::Text)));
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
    let nothing = Filter::new("a", Test::In(&[]));
    builder.add(1, &[pattern("*.*")], &[nothing]).unwrap();
    builder.add(2, &[pattern("*.*")], &[nothing.not()]).unwrap();
    let table = builder.build().unwrap();
    assert!(table.find(&topic("Entry.save"), &[("a", "")]).eq([2]));
    assert!(table.find(&topic("Entry.save"), &[]).eq([]));
}

#[test]
fn lists_hold_the_rows_of_each_pattern() {
    let table = table_of(&[(5, "Entry.*"), (6, "*.*"), (7, "Entry.*"), (8, "Asset.*")]);
    let mut lists = Vec::new();
    table.for_each_list(&topic("Entry.save"), |rows| {
        let mut list = Vec::new();
        rows.for_each(|row| list.extend(table.webhook(row)));
        assert_eq!(list.len(), rows.len());
        lists.push(list);
    });
    lists.sort();
    assert_eq!(lists, [vec![5, 7], vec![6]]);
}

#[test]
fn errors_name_the_limit() {
    let long = "v".repeat(257);
    let filters = |filter| [filter];
    let one = [pattern("Entry.publish")];
    let (deep, values) = ([pattern("a.b.c.d.e.f.g.h"), pattern("b.b")], [Value::Text(""); 257]);
    for (expected, patterns, filters) in [
        (TableError::NoPatterns, &[][..], &[][..]),
        (TableError::TooManyPatterns, &[one[0]; 257][..], &[][..]),
        (TableError::TooManyFilters, &one[..], &[equals("a", "b"); 33][..]),
        (TableError::PatternsFull { capacity: 9 }, &deep[..], &[][..]),
        (TableError::ClausesFull { capacity: 8 }, &one[..], &[equals("a", "b"); 5][..]),
        (
            TableError::TextFull { capacity: 320 },
            &one[..],
            &[equals("a", &long[..200]), equals("a", &long[..201])][..],
        ),
        (TableError::EmptyDoc, &one[..], &filters(equals("", "b"))[..]),
        (TableError::DocTooLong, &one[..], &filters(equals(&long[..65], "b"))[..]),
        (TableError::ValueTooLong, &one[..], &filters(equals("a", &long))[..]),
        (TableError::TooManyValues, &one[..], &filters(Filter::new("a", Test::In(&values)))[..]),
        (
            TableError::Regexp(RegexpError::Unsupported),
            &one[..],
            &filters(Filter::new("a", Test::Regexp(".")))[..],
        ),
        (
            TableError::Regexp(RegexpError::TooLong),
            &one[..],
            &filters(Filter::new("a", Test::Regexp(&long.repeat(4))))[..],
        ),
    ] {
        let error = builder().add(1, patterns, filters).unwrap_err();
        assert_eq!(error, expected);
        assert!(!error.to_string().is_empty());
    }
    assert_eq!(TableError::TextFull { capacity: 40 }.to_string(), "the table holds at most 40 bytes");
}

#[test]
fn an_image_that_does_not_fit_is_refused() {
    let mut builder = TableBuilder::<Fixed<9, 8, 100>, _>::new(NoRegexps);
    builder.add(1, &[pattern("Entry.publish")], &[]).unwrap();
    assert_eq!(builder.build().unwrap_err(), TableError::TextFull { capacity: 100 });
}

#[test]
fn a_table_names_a_bounded_number_of_attributes() {
    let docs: Vec<String> = (0..255).map(|number| format!("doc{number}")).collect();
    let mut builder = TableBuilder::<Growing, _>::new(NoRegexps);
    for (webhook, doc) in (0..).zip(&docs[..254]) {
        builder.add(webhook, &[pattern("*.*")], &[equals(doc, "a")]).unwrap();
    }
    let refused = builder.add(254, &[pattern("*.*")], &[equals(&docs[254], "a")]);
    assert_eq!(refused, Err(TableError::TooManyDocs));
    let table = builder.build().unwrap();
    for webhook in [0, 15, 16, 253] {
        assert!(table.find(&topic("a.b"), &[(docs[webhook as usize].as_str(), "a")]).eq([webhook]));
    }
}

#[test]
fn a_webhook_that_does_not_fit_leaves_nothing() {
    let mut builder = TableBuilder::<Fixed<8, 8, 512>, _>::new(NoRegexps);
    builder.add(5, &[pattern("Entry.publish")], &[equals("a", "b")]).unwrap();
    let too_much = [equals("c", "d"), equals("e", "f"), equals("g", "h"), equals("i", "j")];
    for webhook in [1, 5, 9] {
        builder.add(webhook, &[pattern("Entry.*"), pattern("*.*")], &too_much).unwrap_err();
    }
    // The room of the failed ones is free.
    for webhook in [1, 9] {
        builder.add(webhook, &[pattern("Entry.publish")], &[equals("c", "d")]).unwrap();
    }
    assert_eq!(builder.add(9, &[pattern("*.*")], &[]), Err(TableError::DuplicateWebhook));
    assert_eq!(builder.add(1, &[pattern("*.*")], &[]), Err(TableError::DuplicateWebhook));
    let table = builder.build().unwrap();
    assert!(table.find(&topic("Entry.publish"), &[("a", "b")]).eq([5]));
    assert!(table.find(&topic("Entry.publish"), &[("c", "d")]).eq([1, 9]));
    assert!(table.find(&topic("Asset.publish"), &[("c", "d")]).eq([]));
}

#[test]
fn without_a_compiler_nothing_is_a_regular_expression() {
    assert_eq!(NoRegexps.compile("."), Err(RegexpError::Unsupported));
}

#[test]
fn the_size_follows_from_the_counts() {
    let patterns: Vec<String> = (0..300).map(|number| format!("t{}.a", number % 200)).collect();
    let webhooks: Vec<(u32, &str)> = (0..).zip(patterns.iter().map(String::as_str)).collect();
    for webhooks in [&webhooks[..20], &webhooks] {
        let table = table_of(webhooks);
        assert_eq!(table.counts().image_bytes(table.word_bytes()), table.image().len() as u64);
    }
}

#[test]
fn patterns_need_no_more_than_was_calculated() {
    for patterns in [1_u32, 2, 16, 300, 5_000] {
        // Names of two bytes, and few that are alike.
        let name = |number: u32| format!("{}{}", char::from(b'a' + (number / 26 % 26) as u8), number % 10);
        let text = |number: u32| [number, number / 7, number * 3].map(name).join(".");
        let texts: Vec<String> = (0..patterns).map(text).collect();
        let webhooks: Vec<(u32, &str)> = (0..).zip(texts.iter().map(String::as_str)).collect();
        let table = table_of(&webhooks);
        let calculated = Counts::of_patterns(patterns, 3, table.counts().segments, 2);
        assert!(table.image().len() as u64 <= calculated.image_bytes(table.word_bytes()));
    }
}

#[test]
fn a_copied_table_keeps_what_it_is_told_to() {
    let before = table_of(&[(1, "A.a"), (4, "A.*"), (7, "**")]);
    let shifted =
        TableBuilder::<Growing, _>::copy(&before, NoRegexps, |webhook| (webhook != 4).then_some(webhook + 1));
    let after = shifted.unwrap().build().unwrap();
    assert!(after.find(&topic("A.a"), &[]).eq([2, 8]));
    assert!(after.find(&topic("A.b"), &[]).eq([8]));
    assert_eq!(after.counts(), table_of(&[(2, "A.a"), (8, "**")]).counts(), "nothing is left of the third");

    let none = TableBuilder::<Growing, _>::copy(&MatchTable::empty([0; 0]), NoRegexps, Some).unwrap();
    assert_eq!(none.build().unwrap().image(), table_of(&[]).image());
}

#[test]
fn a_copied_table_keeps_its_order_and_its_room() {
    let before = table_of(&[(1, "A.a"), (2, "B.b"), (3, "C.c")]);
    for number in [|webhook| Some(4 - webhook), |_| Some(1)] {
        let error = TableBuilder::<Growing, _>::copy(&before, NoRegexps, number).map(|_| ()).unwrap_err();
        assert!(matches!(error, TableError::Disordered | TableError::DuplicateWebhook), "{error}");
    }
    let mut small = TableBuilder::<Small, _>::copy(&before, NoRegexps, Some).unwrap();
    assert_eq!(small.add(2, &[pattern("A.*")], &[]), Err(TableError::DuplicateWebhook));
    small.add(0, &[pattern("A.*")], &[]).unwrap();
    assert!(small.build().unwrap().find(&topic("A.a"), &[]).eq([0, 1]));
    let tiny = TableBuilder::<Fixed<5, 8, 320>, _>::copy(&before, NoRegexps, Some).map(|_| ());
    assert_eq!(tiny.unwrap_err(), TableError::PatternsFull { capacity: 5 });
}

#[test]
fn a_table_too_large_for_short_words_has_long_ones() {
    let mut builder = TableBuilder::<Growing, _>::new(NoRegexps);
    for webhook in 0..70_000 {
        let text = ["a.b", "a.*", "*.b", "*.*", "b.c"][webhook as usize % 5];
        builder.add(webhook, &[pattern(text)], &[]).unwrap();
    }
    let table = builder.build().unwrap();
    assert_eq!(table.word_bytes(), 4);
    let loaded = MatchTable::load(table.image()).unwrap();
    assert!(loaded.find(&topic("a.b"), &[]).eq((0..70_000).filter(|webhook| webhook % 5 != 4)));
    assert!(loaded.find(&topic("b.c"), &[]).eq((0..70_000).filter(|webhook| webhook % 5 >= 3)));
}
