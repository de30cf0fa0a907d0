//! Automata against the `regex` crate: both find the same, whatever the pattern and the text.

#[path = "support/finds.rs"]
mod finds;
#[path = "support/regexps.rs"]
mod regexps;

use bellwire_core::filter::{Filter, RegexpError, Regexps, Test};
use bellwire_core::table::{Growing, TableBuilder, TableError};
use bellwire_core::topic::{Topic, TopicPattern};
use finds::finds;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use regexps::Dfas;

const ATOMS: [&str; 21] = [
    "a",
    "b",
    "ä",
    ".",
    "^",
    "$",
    "[ab]",
    "[^a]",
    "\\d",
    "\\w",
    "\\s",
    "(?-u:\\b)",
    "\\A",
    "\\z",
    "\\pL",
    "(?i)",
    "(?m)",
    "(?s)",
    "é",
    "\\x61",
    "()",
];

/// Patterns of what patterns are made of; most of them are valid.
fn pattern() -> impl Strategy<Value = String> {
    let leaf = select(&ATOMS[..]).prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            3 => vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            2 => vec(inner.clone(), 2..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
            1 => (inner, select(&["*", "+", "?", "{2}", "{1,3}", "*?"][..]))
                .prop_map(|(part, repeat)| format!("(?:{part}){repeat}")),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    vec(select(&["a", "b", "ab", "A", "ä", "é", "1", " ", "\n", "_", "日"][..]), 0..10)
        .prop_map(|parts| parts.concat())
}

/// Whether the table finds a pattern in a text.
fn table_finds(pattern: &str, texts: &[String]) -> Result<Vec<bool>, TableError> {
    let mut builder = TableBuilder::<Growing, _>::new(Dfas::default());
    let any = TopicPattern::parse("**").unwrap();
    builder.add(0, &[any], &[Filter::new("v", Test::Regexp(pattern))])?;
    let (table, topic) = (builder.build()?, Topic::parse("a.b").unwrap());
    let find = |text: &String| table.find(&topic, &[("v", text.as_str())]).next() == Some(0);
    Ok(texts.iter().map(find).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn an_automaton_finds_what_the_regex_crate_finds(pattern in pattern(), texts in vec(text(), 40)) {
        match table_finds(&pattern, &texts) {
            Ok(found) => {
                let expected: Vec<bool> = texts.iter().map(|text| finds(&pattern, text)).collect();
                for ((found, expected), text) in found.iter().zip(&expected).zip(&texts) {
                    prop_assert_eq!(found, expected, "{:?} in {:?}", pattern, text);
                }
            }
            Err(error) => prop_assert_eq!(error, TableError::Regexp(RegexpError::TooLarge)),
        }
    }
}

#[test]
fn what_no_automaton_can_do_is_refused() {
    for (pattern, error) in [
        ("(", RegexpError::Syntax),
        ("a(?=b)", RegexpError::Syntax),
        (r"(a)\1", RegexpError::Syntax),
        (r"\bnews\b", RegexpError::UnicodeWordBoundary),
        (r"\Bnews", RegexpError::UnicodeWordBoundary),
        (r"\pL{300}", RegexpError::TooLarge),
        ("[ab]*a[ab]{20}", RegexpError::TooLarge),
    ] {
        assert_eq!(Dfas::default().compile(pattern).unwrap_err(), error, "{pattern}");
    }
}

#[test]
fn automata_are_small() {
    for (pattern, bytes_max) in [("^staging$", 600), ("^(staging|qa-.*)$", 1100), (r"^\pL+$", 64 << 10)] {
        let bytes = Dfas::default().compile(pattern).unwrap().len();
        assert!(bytes <= bytes_max, "{pattern}: {bytes}");
    }
}

#[test]
fn damaged_automata_are_refused() {
    struct Given(Vec<u8>);
    impl Regexps for Given {
        fn compile(&mut self, _pattern: &str) -> Result<&[u8], RegexpError> {
            Ok(&self.0)
        }
    }
    let whole = Dfas::default().compile("^a|b$").unwrap().to_vec();
    let (any, topic) = (TopicPattern::parse("**").unwrap(), Topic::parse("a.b").unwrap());
    for at in 0..whole.len() {
        for byte in [0, 1, 2, 0x7f, 0xff] {
            let mut dfa = whole.clone();
            dfa[at] = byte;
            let mut builder = TableBuilder::<Growing, _>::new(Given(dfa));
            match builder.add(0, &[any], &[Filter::new("v", Test::Regexp("x"))]) {
                Ok(()) => {
                    let table = builder.build().unwrap();
                    let _ = table.find(&topic, &[("v", "ab")][..]).count();
                }
                Err(error) => assert_eq!(error, TableError::Regexp(RegexpError::Malformed)),
            }
        }
    }
}
