//! A program without the feature `regexp`: it refuses what it could not match.
#![cfg(not(feature = "regexp"))]

use bellwire_core::filter::{Filter, RegexpError, Regexps, Test};
use bellwire_core::table::{Growing, LoadError, MatchTable, TableBuilder, TableError};
use bellwire_core::topic::TopicPattern;
use xxhash_rust::xxh32::xxh32;

/// A compiler that gives anything.
struct Anything;

impl Regexps for Anything {
    fn compile(&mut self, _pattern: &str) -> Result<&[u8], RegexpError> {
        Ok(&[0; 300])
    }
}

#[test]
fn an_image_with_an_automaton_is_refused() {
    let mut image = TableBuilder::<Growing, _>::new(Anything).build().unwrap().image().to_vec();
    // One automaton of no bytes; what it would be is not looked at.
    image.extend([0; 8]);
    (image[12], image[56]) = (88, 1);
    let checksum = xxh32(&image[8..], 0);
    image[4..8].copy_from_slice(&checksum.to_le_bytes());
    let error = MatchTable::load(image.as_slice()).unwrap_err();
    assert_eq!(error, LoadError::RegexpsUnsupported);
    assert_eq!(error.to_string(), "the match table holds regular expressions, which are not supported here");
}

#[test]
fn a_regexp_is_refused_when_a_table_is_built() {
    let mut builder = TableBuilder::<Growing, _>::new(Anything);
    let any = [TopicPattern::parse("**").unwrap()];
    let refused = builder.add(0, &any, &[Filter::new("a", Test::Regexp("."))]);
    assert_eq!(refused, Err(TableError::Regexp(RegexpError::Unsupported)));
}
