//! Images from elsewhere: what is damaged is refused or harmless, and what one event costs stays within its bound.

#[path = "support/regexps.rs"]
mod regexps;
#[path = "support/webhooks.rs"]
mod webhooks;

use bellwire_core::filter::Value;
use bellwire_core::table::{Growing, LoadError, MatchTable, TableBuilder, TableRef};
use bellwire_core::topic::Topic;
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
