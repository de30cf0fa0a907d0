//! How long it takes to find the webhooks of an event, beside the least that any way could take.

use std::hash::{DefaultHasher, Hasher};
use std::hint::black_box;
use std::time::Duration;

use bellwire_benches::workload::{EVENTS, Event, Workload, edge, filtered, plain};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

const PLAIN: [usize; 5] = [16, 256, 4_096, 65_536, 1_048_576];
const EDGE: [usize; 4] = [16, 256, 4_096, 65_536];
const FILTERED: [usize; 4] = [16, 256, 4_096, 65_536];
const NAIVE: [usize; 2] = [16, 256];
/// The largest table whose matches are walked through one by one.
const ENUMERATED: usize = 4_096;

/// The floor: any index has to hash or compare what decides once, which is the topic, and with filters the values.
fn floor(criterion: &mut Criterion) {
    for (what, workload) in
        [("topic", plain(1)), ("longer topic", edge(1)), ("topic and values", filtered(1))]
    {
        each_event(criterion, &format!("floor/hash the {what}"), 1, &workload, |event| {
            let mut hasher = DefaultHasher::new();
            hasher.write(event.topic.as_str().as_bytes());
            event.attributes.iter().for_each(|(_, value)| hasher.write(value.as_bytes()));
            hasher.finish() as usize
        });
    }
}

/// Patterns alone: finding the lists of rows, then walking through all webhooks.
fn patterns(criterion: &mut Criterion) {
    for (name, workload, counts) in
        [("patterns", plain as fn(usize) -> Workload, &PLAIN[..]), ("longer patterns", edge, &EDGE[..])]
    {
        for count in counts {
            let workload = workload(*count);
            let table = workload.table();
            each_event(criterion, &format!("{name}/find"), *count, &workload, |event| {
                let mut rows = 0;
                table.for_each_list(&event.topic, |list| rows += list.len());
                rows
            });
            if *count <= ENUMERATED {
                each_event(criterion, &format!("{name}/find and enumerate"), *count, &workload, |event| {
                    table.find(&event.topic, event.attributes.as_slice()).count()
                });
            }
        }
    }
}

/// Patterns with filters, which are judged while the matches are enumerated.
fn filters(criterion: &mut Criterion) {
    for count in FILTERED {
        let workload = filtered(count);
        let table = workload.table();
        each_event(criterion, "filters/find and enumerate", count, &workload, |event| {
            table.find(&event.topic, event.attributes.as_slice()).count()
        });
    }
}

/// Looking at every webhook.
fn naive(criterion: &mut Criterion) {
    for count in NAIVE {
        let (plain, filtered) = (plain(count), filtered(count));
        each_event(criterion, "naive/patterns", count, &plain, |event| plain.naive(event));
        each_event(criterion, "naive/filters", count, &filtered, |event| filtered.naive(event));
    }
}

/// Measures `one`, an event at a time.
fn each_event(
    criterion: &mut Criterion,
    group: &str,
    webhooks: usize,
    workload: &Workload,
    mut one: impl FnMut(&Event) -> usize,
) {
    let mut events = workload.events.iter().cycle();
    assert_eq!(workload.events.len(), EVENTS);
    criterion.benchmark_group(group).bench_function(BenchmarkId::from_parameter(webhooks), |bencher| {
        bencher.iter(|| events.next().map(|event| one(black_box(event))));
    });
}

criterion_group! {
    name = matching;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = floor, patterns, filters, naive
}
criterion_main!(matching);
