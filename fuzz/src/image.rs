//! Images of match tables that come from the fuzzer: mended up to the check that is to be reached, and then used.

use std::cell::Cell;

use bellwire_core::filter::{Attributes, NoRegexps, Value};
use bellwire_core::table::{Growing, MatchTable, TableBuilder, TableRef, Verdict};
use xxhash_rust::xxh32::xxh32;

use crate::webhooks::Event;

/// Where the checksum stands, and where what it is made of begins.
const CHECKSUM_AT: usize = 4;
const CHECKED_FROM: usize = 8;
/// Where the head says how many bytes there are.
const BYTES_AT: usize = 12;

/// Gives an image the length and the checksum that it should have, so that the checks behind them are reached.
pub fn mend(image: &mut [u8]) {
    let length = image.len() as u32;
    if let Some(place) = image.get_mut(BYTES_AT..BYTES_AT + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    if let Some((head, checked)) = image.split_at_mut_checked(CHECKED_FROM) {
        head[CHECKSUM_AT..].copy_from_slice(&xxh32(checked, 0).to_le_bytes());
    }
}

/// Loads an image, and if that goes well uses all of it.
pub fn load_and_use(image: &[u8], events: &[Event]) {
    let Ok(table) = MatchTable::load(image) else { return };
    assert_eq!(table.image(), image);
    events.iter().for_each(|event| use_with(&table, event));
    // It may name something twice, which no builder does.
    if let Ok(copy) = TableBuilder::<Growing, _>::copy(&table, NoRegexps, Some).and_then(TableBuilder::build)
    {
        assert_eq!(copy.len(), table.len());
    }
}

/// Whatever the table finds, it is within the table, in order, and within the table's own bounds.
fn use_with(table: &TableRef<'_>, event: &Event) {
    let (topic, asked) = (event.topic(), Asked { event, times: Cell::new(0) });
    let mut lists = 0;
    table.for_each_list(&topic, |rows| {
        lists += 1;
        rows.for_each(|row| assert!(table.webhook(row).is_some()));
    });
    assert!(lists <= table.visits_max());
    let found: Vec<u32> = table.find(&topic, &asked).collect();
    assert!(found.is_sorted_by(|a, b| a < b) && found.len() <= table.len());
    assert!(asked.times.get() <= table.steps_max());
    for webhook in (0..table.len() as u32).filter_map(|row| table.webhook(row)) {
        let verdict = table.explain(webhook, &topic, &asked);
        assert_ne!(verdict, Verdict::UnknownWebhook);
        let _ = format!("{verdict:?}");
    }
}

/// An event that counts how often it is asked for an attribute.
struct Asked<'e> {
    event: &'e Event,
    times: Cell<u32>,
}

impl Attributes for Asked<'_> {
    fn attribute(&self, doc: &str) -> Option<Value<'_>> {
        self.times.set(self.times.get() + 1);
        self.event.attribute(doc)
    }
}
