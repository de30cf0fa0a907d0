//! Images from elsewhere: what is damaged is refused or harmless, and what one event costs stays within its bound.

#[path = "support/regexps.rs"]
mod regexps;
#[path = "support/webhooks.rs"]
mod webhooks;

use bellwire_core::filter::{Filter, NoRegexps, Value};
use bellwire_core::table::{Growing, LoadError, MatchTable, TableBuilder, TableRef};
use bellwire_core::topic::{Topic, TopicPattern};
use proptest::collection::vec;
use proptest::prelude::*;
use regexps::Dfas;
use webhooks::{Event, Webhook, attributes, crowd, topic, webhooks};
use xxhash_rust::xxh32::xxh32;

fn image(webhooks: &[(u32, Webhook)]) -> Vec<u8> {
    let mut builder = TableBuilder::<Growing, _>::new(Dfas::default());
    for (number, webhook) in webhooks {
        builder.add(*number, &webhook.patterns, &webhook.filters).unwrap();
    }
    builder.build().unwrap().image().to_vec()
}

/// Gives the image the checksum that it should have, so that the checks behind it are reached.
fn seal(image: &mut [u8]) {
    if let Some((head, rest)) = image.split_at_mut_checked(8) {
        head[4..].copy_from_slice(&xxh32(rest, 0).to_le_bytes());
    }
}

/// Uses all of a table. Whatever it gives, it comes to an end.
fn exercise(table: &TableRef<'_>, topics: &[Topic<'_>], events: &[Event]) {
    for (topic, event) in topics.iter().zip(events) {
        let event = event.as_slice();
        assert!(table.find(topic, event).count() <= table.len());
        table.for_each_list(topic, |rows| rows.for_each(|row| assert!((row as usize) < table.len())));
        for webhook in (0..table.len().min(40) as u32).filter_map(|row| table.webhook(row)) {
            let _ = format!("{:?}", table.explain(webhook, topic, event));
        }
    }
    // What loading let through may be more than a builder takes, such as a name that comes twice.
    let copy = TableBuilder::<Growing, _>::copy(table, NoRegexps, Some).and_then(TableBuilder::build);
    assert!(copy.ok().is_none_or(|copy| copy.len() == table.len()));
}

proptest! {
    #[test]
    fn a_damaged_image_does_no_harm(
        webhooks in prop_oneof![3 => webhooks(), 1 => crowd()],
        damages in vec(vec((any::<usize>(), any::<u8>()), 1..4), 64),
        topics in vec(topic(), 4), events in vec(attributes(), 4)
    ) {
        let whole = image(&webhooks);
        for damage in damages {
            let mut image = whole.clone();
            for (at, byte) in damage {
                let at = at % image.len();
                image[at] = if byte & 1 == 0 { byte } else { image[at] ^ 1 << (byte >> 5) };
            }
            if image != whole {
                let unsealed = MatchTable::load(image.as_slice()).map(|_| ());
                prop_assert!(unsealed.is_err(), "the checksum does not see it");
            }
            seal(&mut image);
            if let Ok(table) = MatchTable::load(image.as_slice()) {
                exercise(&table, &topics, &events);
            }
        }
    }

    #[test]
    fn a_cut_image_is_refused(webhooks in webhooks(), at in any::<usize>(), more in vec(any::<u8>(), 1..9)) {
        let whole = image(&webhooks);
        let mut cut = whole[..at % whole.len()].to_vec();
        seal(&mut cut);
        prop_assert!(MatchTable::load(cut.as_slice()).is_err());
        let mut longer = [whole, more].concat();
        seal(&mut longer);
        prop_assert!(MatchTable::load(longer.as_slice()).is_err());
    }

    #[test]
    fn no_bytes_make_loading_panic(bytes in vec(any::<u8>(), 0..400)) {
        prop_assert!(MatchTable::load(bytes.as_slice()).is_err());
        let mut image = [b"BWMT\0\0\0\0\x01\x02\0\0".as_slice(), &bytes].concat();
        seal(&mut image);
        let _ = MatchTable::load(image.as_slice());
    }
}

#[test]
fn every_byte_counts() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let webhooks = proptest::strategy::ValueTree::current(&crowd().new_tree(&mut runner).unwrap());
    let whole = image(&webhooks);
    let topics = ["A.a", "a.A.aa.-"].map(|text| Topic::parse(text).unwrap());
    let events = [vec![("a", Value::Text("a"))], vec![("sys.id", Value::Integer(1))]];
    for at in 0..whole.len() {
        for byte in [0, 1, 0x7f, 0xff, whole[at].wrapping_add(1), whole[at].wrapping_sub(1)] {
            let mut image = whole.clone();
            image[at] = byte;
            seal(&mut image);
            if let Ok(table) = MatchTable::load(image.as_slice()) {
                exercise(&table, &topics, &events);
            }
        }
    }
}

#[test]
fn what_is_wrong_is_said() {
    let whole = image(&[]);
    let with = |at: usize, byte: u8| {
        let mut image = whole.clone();
        image[at] = byte;
        if at > 7 {
            seal(&mut image);
        }
        MatchTable::load(image).map(|_| ())
    };
    assert_eq!(MatchTable::load(&whole[..79]).unwrap_err(), LoadError::TooShort);
    assert_eq!(with(0, b'X'), Err(LoadError::NotAnImage));
    assert_eq!(with(4, !whole[4]), Err(LoadError::Checksum));
    assert_eq!(with(8, 2), Err(LoadError::Version { found: 2 }));
    assert_eq!(with(9, 3), Err(LoadError::Malformed { offset: 8 }));
    assert_eq!(with(12, 81), Err(LoadError::Length { expected: 81 }));
    // More segments than there are powers of two for their buckets.
    assert_eq!(with(35, 0x81), Err(LoadError::Malformed { offset: 8 }));
    assert_eq!(LoadError::Length { expected: 81 }.to_string(), "the match table should have 81 bytes");
}

/// A webhook that is not listed takes no byte of its own: four billion of them were believed once.
#[test]
fn an_image_cannot_claim_more_webhooks_than_it_has_rows() {
    let mut image = image(&[]);
    image[28..32].copy_from_slice(&u32::MAX.to_le_bytes());
    seal(&mut image);
    assert_eq!(MatchTable::load(image.as_slice()).unwrap_err(), LoadError::Malformed { offset: 8 });
}

/// Groups that all have the same keys, and keys that all have the same rows, made loading take the cube of the image's
/// size.
#[test]
fn groups_that_share_keys_or_rows_are_refused() {
    let mut builder = TableBuilder::<Growing, _>::new(NoRegexps);
    for webhook in 0..64 {
        let pattern = TopicPattern::parse(if webhook < 40 { "A.*" } else { "B.*" }).unwrap();
        let value = format!("v{webhook}");
        builder.add(webhook, &[pattern], &[Filter::equals("a", value.as_str())]).unwrap();
    }
    let table = builder.build().unwrap();
    let counts = table.counts();
    assert_eq!((counts.groups, counts.group_keys, table.word_bytes()), (2, 64, 2));
    // Only texts come behind the keys of groups.
    let texts = (counts.segment_bytes + counts.value_bytes) as usize;
    let keys = table.image().len() - texts - 64 * 12;
    let groups = keys - 2 * 16;
    let with = |from: std::ops::Range<usize>, to: usize| {
        let mut image = table.image().to_vec();
        image.copy_within(from, to);
        seal(&mut image);
        MatchTable::load(image.as_slice()).map(|_| ()).unwrap_err()
    };
    // The smaller group gets the keys of the larger one, the second key the rows of the first.
    let first_is_larger = table.image()[groups + 8] - table.image()[groups + 4] == 40;
    let (larger, smaller) = if first_is_larger { (groups, groups + 16) } else { (groups + 16, groups) };
    assert_eq!(with(larger + 4..larger + 12, smaller + 4), LoadError::Malformed { offset: groups });
    assert_eq!(with(keys + 4..keys + 12, keys + 16), LoadError::Malformed { offset: groups });
}

/// The bytes of the worked example in the document.
fn documented() -> Vec<u8> {
    let example = include_str!("../docs/match-table.md").split("## Worked example").nth(1).unwrap();
    let block = example.split("```").nth(1).unwrap().lines().skip(1);
    let words = |line: &'static str| line.split("  ").nth(1).unwrap().split_whitespace();
    block.flat_map(words).map(|word| u8::from_str_radix(word, 16).unwrap()).collect()
}

#[test]
fn the_image_is_as_documented() {
    let mut builder = TableBuilder::<Growing, _>::new(NoRegexps);
    let pattern = |text| [TopicPattern::parse(text).unwrap()];
    builder.add(0, &pattern("Entry.publish"), &[]).unwrap();
    builder.add(1, &pattern("Entry.*"), &[Filter::equals("sys.id", "a")]).unwrap();
    let table = builder.build().unwrap();
    assert_eq!(table.image(), documented());
    assert_eq!((table.visits_max(), table.steps_max(), table.word_bytes()), (4, 23, 2));

    let (image, topic) = (documented(), Topic::parse("Entry.publish").unwrap());
    let loaded = MatchTable::load(image.as_slice()).unwrap();
    assert!(loaded.find(&topic, &[("sys.id", "a")]).eq([0, 1]));
    assert!(loaded.find(&topic, &[("sys.id", "b")]).eq([0]));
}

/// The seed that a builder starts with.
const SEED: u32 = 0x811c_9dc5;

/// FNV-1a in two lanes that take turns, as the document has it.
fn bucket(name: &str, buckets: u32) -> u32 {
    let turn = |(this, that): (u32, u32), byte| (that, (this ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let (this, that) = name.bytes().fold((SEED, SEED), turn);
    let hash = this ^ that.rotate_left(16);
    (hash ^ (hash >> 15)) & (buckets - 1)
}

#[test]
fn names_chosen_to_collide_get_another_seed() {
    let chosen = (0_u32..).map(|number| format!("n{number}")).filter(|name| bucket(name, 1024) == 7);
    let chosen: Vec<String> = chosen.take(1000).collect();
    let mut builder = TableBuilder::<Growing, _>::new(NoRegexps);
    for (webhook, name) in (0..).zip(&chosen) {
        builder.add(webhook, &[TopicPattern::parse(&format!("{name}.*")).unwrap()], &[]).unwrap();
    }
    let table = builder.build().unwrap();
    let (largest_bucket, seed) = (table.image()[11], &table.image()[16..20]);
    assert!(largest_bucket <= 8, "{largest_bucket}");
    assert_ne!(seed, SEED.to_le_bytes(), "with this seed they share one bucket");
    for (webhook, name) in (0..).zip(&chosen) {
        let topic = format!("{name}.x");
        assert!(table.find(&Topic::parse(&topic).unwrap(), &[]).eq([webhook]));
    }
}

#[test]
fn the_deepest_fan_out_stays_within_its_bound() {
    let mut builder = TableBuilder::<Growing, _>::new(NoRegexps);
    for stars in 0..256_u32 {
        let segment = |level: u32| if stars >> level & 1 == 1 { "*" } else { "a" };
        let whole = (0..8).map(segment).collect::<Vec<_>>().join(".");
        let tail = (0..7).map(segment).chain(["**"]).collect::<Vec<_>>().join(".");
        let patterns = [&whole, &tail].map(|text| TopicPattern::parse(text).unwrap());
        builder.add(stars, &patterns, &[]).unwrap();
    }
    let table = builder.build().unwrap();
    // A node for each shape of up to eight segments, and one for each of seven that goes on.
    assert_eq!(table.visits_max(), 511 + 128);
    let topic = Topic::parse("a.a.a.a.a.a.a.a").unwrap();
    let mut lists = 0;
    table.for_each_list(&topic, |rows| lists += u32::from(!rows.is_empty()));
    assert_eq!(lists, 256 + 128);
    assert!(table.find(&topic, &[]).eq(0..256));
}

/// Topics as long as they may be, that differ from what is wanted in the last byte.
#[test]
fn the_longest_topics_cost_no_more_than_others() {
    let segment = |end: char| format!("{}{end}", "a".repeat(63));
    let path = |ends: &str| ends.chars().map(segment).collect::<Vec<_>>().join(".");
    let mut builder = TableBuilder::<Growing, _>::new(NoRegexps);
    for webhook in 0..256_u32 {
        let ends: String = (0..8).map(|level| if webhook >> level & 1 == 1 { 'a' } else { 'b' }).collect();
        builder.add(webhook, &[TopicPattern::parse(&path(&ends)).unwrap()], &[]).unwrap();
    }
    let table = builder.build().unwrap();
    assert_eq!(table.visits_max(), 9);
    for (ends, found) in
        [("aaaaaaaa", Some(255)), ("bbbbbbbb", Some(0)), ("aaaaaaac", None), ("cccccccc", None)]
    {
        let mut lists = 0;
        let topic = path(ends);
        let topic = Topic::parse(&topic).unwrap();
        table.for_each_list(&topic, |rows| lists += u32::from(!rows.is_empty()));
        assert!(table.find(&topic, &[]).eq(found));
        assert_eq!(lists, u32::from(found.is_some()));
    }
}

/// An event that counts how often it is asked.
struct Counting(std::cell::Cell<u32>);

impl bellwire_core::filter::Attributes for Counting {
    fn attribute(&self, _doc: &str) -> Option<Value<'_>> {
        self.0.set(self.0.get() + 1);
        Some(Value::Text("x"))
    }
}

#[test]
fn an_attribute_is_asked_for_once_an_event() {
    let mut builder = TableBuilder::<Growing, _>::new(NoRegexps);
    let any = [TopicPattern::parse("**").unwrap()];
    for webhook in 0..500 {
        let value = format!("v{}", webhook % 7);
        builder
            .add(webhook, &any, &[Filter::equals("a", "x"), Filter::equals("b", value.as_str()).not()])
            .unwrap();
    }
    let (table, event) = (builder.build().unwrap(), Counting(std::cell::Cell::new(0)));
    assert_eq!(table.find(&Topic::parse("a.b").unwrap(), &event).count(), 500);
    assert_eq!(event.0.get(), 2);
}
