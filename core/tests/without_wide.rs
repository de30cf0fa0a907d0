//! A program without the feature `wide`: it refuses tables whose words have four bytes, and matches the others.
#![cfg(not(feature = "wide"))]

use bellwire_core::filter::NoRegexps;
use bellwire_core::table::{Growing, LoadError, MatchTable, TableBuilder, TableError};
use bellwire_core::topic::{Topic, TopicPattern};
use xxhash_rust::xxh32::xxh32;

fn build(webhooks: u32) -> Result<MatchTable<Vec<u8>>, TableError> {
    let mut builder = TableBuilder::<Growing, _>::new(NoRegexps);
    let patterns = [TopicPattern::parse("*.*").unwrap(), TopicPattern::parse("Entry.*").unwrap()];
    (0..webhooks).try_for_each(|webhook| builder.add(webhook, &patterns, &[]))?;
    builder.build()
}

#[test]
fn a_table_that_needs_words_of_four_bytes_is_not_built() {
    let table = build(1_000).unwrap();
    assert_eq!(
        table.find(&Topic::parse("Entry.publish").unwrap(), &[][..] as &[(&str, &str)]).count(),
        1_000
    );
    let error = build(40_000).unwrap_err();
    assert_eq!(error, TableError::WideUnsupported);
    assert_eq!(error.to_string(), "the table needs words of four bytes, which are not supported here");
}

#[test]
fn an_image_with_words_of_four_bytes_is_not_loaded() {
    let table = build(0).unwrap();
    let mut image = table.image().to_vec();
    image.resize(table.counts().image_bytes(4) as usize, 0);
    image[9] = 4;
    image[12] = image.len() as u8;
    let checksum = xxh32(&image[8..], 0);
    image[4..8].copy_from_slice(&checksum.to_le_bytes());
    let error = MatchTable::load(image.as_slice()).unwrap_err();
    assert_eq!(error, LoadError::WideUnsupported);
    assert_eq!(error.to_string(), "the match table has words of four bytes, which are not supported here");
}
