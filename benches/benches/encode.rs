//! How long an event takes to become a packet or a frame, and to come back.

use std::hint::black_box;
use std::time::Duration;

use bellwire_benches::payload::{event, payload};
use bellwire_core::event::Event;
use bellwire_core::wire::{FrameDecoder, decode, encode, encode_frame, scratch_bytes_max};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Bytes of payload.
const SIZES: [usize; 3] = [100, 1_024, 65_536];

fn wire(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire");
    for size in SIZES {
        let payload = payload(size);
        group.throughput(Throughput::Bytes(size as u64));
        packet(&mut group, &event(&payload), size);
        frame(&mut group, &event(&payload), size);
    }
}

fn packet(group: &mut BenchmarkGroup<'_, WallTime>, event: &Event<'_>, size: usize) {
    let mut buffer = vec![0; scratch_bytes_max(size)];
    group.bench_function(BenchmarkId::new("encode a packet", size), |bencher| {
        bencher.iter(|| encode(black_box(event), &mut buffer).map(|packet| packet.len()));
    });
    let packet = encode(event, &mut buffer).expect("room for the packet").to_vec();
    group.bench_function(BenchmarkId::new("decode a packet", size), |bencher| {
        bencher.iter(|| decode(black_box(&packet)).map(|event| event.id));
    });
}

fn frame(group: &mut BenchmarkGroup<'_, WallTime>, event: &Event<'_>, size: usize) {
    let mut scratch = vec![0; scratch_bytes_max(size)];
    group.bench_function(BenchmarkId::new("encode a frame", size), |bencher| {
        bencher.iter(|| encode_frame(black_box(event), &mut scratch).map(<[u8]>::len));
    });
    let frame = encode_frame(event, &mut scratch).expect("room for the frame").to_vec();
    let mut decoder = FrameDecoder::new(&mut scratch);
    group.bench_function(BenchmarkId::new("decode a frame", size), |bencher| {
        bencher.iter(|| decoder.push(black_box(&frame)).1.map(|event| event.map(|event| event.id)));
    });
}

criterion_group! {
    name = encoding;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = wire
}
criterion_main!(encoding);
