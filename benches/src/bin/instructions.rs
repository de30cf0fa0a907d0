//! One pass over the events of a workload, for `benches/instructions.sh` to count instructions in.
//!
//! It prints how many events the pass had. Only what [`measured`] does is counted.

use std::hint::black_box;

use bellwire_benches::workload::{Event, Workload, edge, filtered, plain};
use bellwire_core::table::MatchTable;

/// Webhooks of each workload.
const WEBHOOKS: usize = 256;

/// One way to match one event, which gives a number that depends on all that it found.
type One = fn(&MatchTable<Vec<u8>>, &Event) -> usize;

fn main() {
    let row = std::env::args().nth(1).unwrap_or_default();
    let (workload, one): (Workload, One) = match row.as_str() {
        "two-segments/lists" => (plain(WEBHOOKS), lists),
        "two-segments/first" => (plain(WEBHOOKS), first),
        "edge/lists" => (edge(WEBHOOKS), lists),
        "edge/all" => (edge(WEBHOOKS), all),
        "filters/all" => (filtered(WEBHOOKS), all),
        _ => panic!("expected two-segments/lists, two-segments/first, edge/lists, edge/all or filters/all"),
    };
    let table = workload.table();
    let found = measured(&table, &workload.events, one);
    println!("events {} found {found}", workload.events.len());
}

#[inline(never)]
fn measured(table: &MatchTable<Vec<u8>>, events: &[Event], one: One) -> usize {
    events.iter().fold(0, |sum, event| sum + one(black_box(table), black_box(event)))
}

/// Which lists of rows the topic leads to.
fn lists(table: &MatchTable<Vec<u8>>, event: &Event) -> usize {
    let mut rows = 0;
    table.for_each_list(&event.topic, |list| rows += list.len());
    rows
}

/// The first webhook.
fn first(table: &MatchTable<Vec<u8>>, event: &Event) -> usize {
    table.find(&event.topic, event.attributes.as_slice()).next().map_or(0, |webhook| webhook as usize)
}

/// All webhooks.
fn all(table: &MatchTable<Vec<u8>>, event: &Event) -> usize {
    table.find(&event.topic, event.attributes.as_slice()).count()
}
