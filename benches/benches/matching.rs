//! How long it takes to find the webhooks of an event, beside the least that any way could take.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::hint::black_box;
use std::time::Duration;

use bellwire_benches::workload::{EVENTS, Event, Workload, filtered, plain};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

const PLAIN: [usize; 4] = [16, 256, 4_096, 65_536];
const FILTERED: [usize; 3] = [16, 256, 4_096];
const NAIVE: [usize; 2] = [16, 256];

/// The floor: any index by topic has to hash or compare the topic once.
fn floor(criterion: &mut Criterion) {
    each_event(criterion, "floor/hash the topic", 1, &plain(1), |event| {
        let mut hasher = DefaultHasher::new();
        event.topic.as_str().hash(&mut hasher);
        hasher.finish() as usize
    });
}

/// Patterns alone: finding where the matches are, then walking through all of them.
fn patterns(criterion: &mut Criterion) {
    for count in PLAIN {
        let workload = plain(count);
        let table = workload.table();
        each_event(criterion, "patterns/find", count, &workload, |event| {
            black_box(table.find(&event.topic, &event.attributes.as_slice()));
            0
        });
        each_event(criterion, "patterns/find and enumerate", count, &workload, |event| {
            table.find(&event.topic, event.attributes.as_slice()).count()
        });
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
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = floor, patterns, filters, naive
}
criterion_main!(matching);
