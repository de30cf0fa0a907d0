//! What matching costs as multiples of what no index can do without, in one table with the targets.
//!
//! The floor is hashing what decides once, with the standard library's hash: the topic, and where there are filters also
//! the values of the six attributes. Floor and search take turns, pass by pass, and the best pass of each counts: so a
//! machine that is busy now and then does not spoil the ratio. Run it with
//! `cargo run --release -p bellwire-benches --no-default-features --bin ratios`.

use std::hash::{DefaultHasher, Hasher};
use std::hint::black_box;
use std::time::{Duration, Instant};

use bellwire_benches::workload::{Event, Workload, edge, filtered, plain};
use bellwire_core::table::MatchTable;

type Table = MatchTable<Vec<u8>>;
/// A way to spend time on an event, which gives a number that depends on all it did.
type One<'a> = &'a dyn Fn(&Event) -> u64;

const SIZES: [usize; 5] = [16, 256, 4_096, 65_536, 1_048_576];
/// Passes over the events of which the best counts.
const PASSES: usize = 25;
/// Matches that are walked through in a pass, about.
const MATCHES: usize = 1 << 20;

fn main() {
    println!("{:<44} {:>9} {:>9}  {:>9}", "", "measured", "target", "ns");
    two_segments();
    longer();
    filters();
}

/// W1: patterns of two segments.
fn two_segments() {
    let mut found = Vec::new();
    for (count, target) in SIZES.into_iter().zip([3.5; 5]) {
        let (workload, table) = build("W1", plain, count);
        let [floor, find] = best(&workload.events, [&floor, &|event| lists(&table, event)]);
        row(&format!("W1 find, {count} patterns / floor"), find / floor, Some(target), find);
        found.push(find / floor);
        if count == 256 {
            row("W1 image of 256 patterns, bytes", table.image().len() as f64, Some(2600.0), 0.0);
        }
        if count >= 65_536 {
            enumerate(&workload, &table, find);
        }
    }
    if let (Some(first), Some(last)) = (found.first(), found.last()) {
        row("W1 find, 1048576 patterns / 16 patterns", last / first, Some(1.3), 0.0);
    }
}

/// W2: patterns of three to eight segments.
fn longer() {
    for (count, target) in SIZES.into_iter().zip([None, None, Some(12.0), None, None]) {
        let (workload, table) = build("W2", edge, count);
        let [floor, find] = best(&workload.events, [&floor, &|event| lists(&table, event)]);
        row(&format!("W2 find, {count} patterns / floor"), find / floor, target, find);
    }
}

/// W3: two segments, and two filters a pattern.
fn filters() {
    let mut before = None;
    for (count, target) in SIZES.into_iter().zip([Some(3.0), Some(10.0), Some(30.0), None]) {
        let (workload, table) = build("W3", filtered, count);
        let events = &workload.events[..(MATCHES / count).clamp(64, workload.events.len())];
        let [floor, find] = best(events, [&floor, &|event| all(&table, event)]);
        row(&format!("W3 find and judge, {count} patterns / floor"), find / floor, target, find);
        if count > 4_096
            && let Some((smaller, least)) = before
        {
            let growth = count as f64 / smaller as f64;
            row(&format!("W3 time, {count} / {smaller} patterns"), find / least, Some(growth), 0.0);
        }
        before = Some((count, find));
    }
}

/// Builds and loads a workload's table, and says what that costs.
fn build(name: &str, workload: fn(usize) -> Workload, count: usize) -> (Workload, Table) {
    let workload = workload(count);
    let started = Instant::now();
    let table = workload.table();
    let took = started.elapsed();
    let bytes = table.image().len() as f64;
    let target = match (name, count) {
        ("W1", 1_048_576) => Some(8.5),
        ("W2", 256) => Some(22.0),
        _ => None,
    };
    row(&format!("{name} image, {count} patterns, bytes a pattern"), bytes / count as f64, target, 0.0);
    if count == 1_048_576 {
        row(&format!("{name} build, {count} patterns, s"), took.as_secs_f64(), Some(2.0), 0.0);
    }
    let load = || {
        let started = Instant::now();
        black_box(MatchTable::load(black_box(table.image())).is_ok());
        started.elapsed()
    };
    let least = (0..7).map(|_| load()).min().unwrap_or(Duration::MAX);
    let rate = least.as_nanos() as f64 / bytes;
    row(&format!("{name} load, {count} patterns, ns a byte"), rate, Some(1.0), least.as_nanos() as f64);
    (workload, table)
}

/// Walking through all matches, above reading as many words that stand in a row.
fn enumerate(workload: &Workload, table: &Table, find: f64) {
    let mut rows = Vec::new();
    table.for_each_list(&workload.events[0].topic, |list| list.for_each(|row| rows.push(row)));
    let events = &workload.events[..1];
    let read = |_: &Event| rows.iter().fold(0_u64, |sum, row| sum.wrapping_add(u64::from(*row)));
    let [read, walk] = best(events, [&read, &|event| sum(table, event)]);
    let each = (walk - find - read) / rows.len() as f64;
    row(&format!("W1 walking {} matches, ns each above reading", rows.len()), each, Some(0.2), walk);
}

fn row(name: &str, measured: f64, target: Option<f64>, ns: f64) {
    let missed = target.is_some_and(|target| measured > target);
    let (target, ns) = (target.map(|target| format!("<= {target}")), (ns > 0.0).then(|| format!("{ns:.1}")));
    let (target, ns) = (target.unwrap_or_default(), ns.unwrap_or_default());
    println!("{name:<44} {measured:>9.2} {target:>9}  {ns:>9}{}", if missed { "  missed" } else { "" });
}

/// Nanoseconds an event of each way, the best of many passes in which they take turns.
fn best<const N: usize>(events: &[Event], ways: [One<'_>; N]) -> [f64; N] {
    let mut best = [f64::MAX; N];
    for _ in 0..PASSES {
        for (best, way) in best.iter_mut().zip(ways) {
            *best = best.min(pass(events, way));
        }
    }
    best
}

fn pass(events: &[Event], way: One<'_>) -> f64 {
    let started = Instant::now();
    let sum = events.iter().fold(0_u64, |sum, event| sum.wrapping_add(way(black_box(event))));
    black_box(sum);
    started.elapsed().as_nanos() as f64 / events.len() as f64
}

fn floor(event: &Event) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(event.topic.as_str().as_bytes());
    event.attributes.iter().for_each(|(_, value)| hasher.write(value.as_bytes()));
    hasher.finish()
}

fn lists(table: &Table, event: &Event) -> u64 {
    let mut rows = 0;
    table.for_each_list(&event.topic, |list| rows += list.len() as u64);
    rows
}

fn sum(table: &Table, event: &Event) -> u64 {
    let mut sum = 0_u64;
    table.for_each_list(&event.topic, |list| list.for_each(|row| sum = sum.wrapping_add(row.into())));
    sum
}

fn all(table: &Table, event: &Event) -> u64 {
    table.find(&event.topic, event.attributes.as_slice()).count() as u64
}
