//! What the disk is given: the details of a call, and what an event owes to very many webhooks.

use std::hint::black_box;
use std::time::Duration;

use bellwire::store::record::{
    CallDetailsRecord, OwedKey, OwedRecord, ResponseRecord, TimingRecord, decode_details, encode,
    encode_details,
};
use bellwire::store::{Batch, Durability, FjallStore, Store, Table};
use bellwire_benches::payload::payload;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Webhooks that an event is owed to.
const FAN_OUTS: [u64; 3] = [16, 128, 1_024];

fn details(body: String) -> CallDetailsRecord {
    CallDetailsRecord {
        method: "POST".to_owned(),
        request_headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        request_body: "{}".to_owned(),
        request_cut: false,
        timeout_ms: 30_000,
        response: Some(ResponseRecord { status: 200, headers: Vec::new(), body, cut: false }),
        error: None,
        timing: TimingRecord::default(),
    }
}

fn call_details(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("call details");
    let random = |length| String::from_utf8(payload(length)).expect("printable");
    let rows = [
        ("random letters/1024", random(1_024)),
        ("random letters/200000", random(200_000)),
        ("one letter/200000", "a".repeat(200_000)),
    ];
    for (name, body) in rows {
        group.throughput(Throughput::Bytes(body.len() as u64));
        let details = details(body);
        group.bench_function(BenchmarkId::new("write", name), |bencher| {
            bencher.iter(|| encode_details(black_box(&details)).len());
        });
        let written = encode_details(&details);
        group.bench_function(BenchmarkId::new("read", name), |bencher| {
            bencher.iter(|| decode_details(black_box(&written)).map(|details| details.timeout_ms));
        });
    }
}

/// Without a sync: what a commit takes of the time in which nobody else's is written.
fn fan_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("deliveries owed");
    let dir = tempfile::tempdir().expect("a directory");
    let store = FjallStore::open(&dir.path().join("data")).expect("a store");
    let mut event_id = 0;
    for webhooks in FAN_OUTS {
        group.throughput(Throughput::Elements(webhooks));
        group.bench_function(BenchmarkId::new("commit", webhooks), |bencher| {
            bencher.iter(|| {
                event_id += 1;
                store.commit(&owed(event_id, webhooks), Durability::Buffered).expect("a commit");
            });
        });
    }
}

fn owed(event_id: u128, webhooks: u64) -> Batch {
    let mut batch = Batch::new();
    let record = encode(&OwedRecord { space_uid: 1, attempt: 1, claim: 1, ..OwedRecord::default() });
    for webhook_uid in 0..webhooks {
        let key = OwedKey { webhook_uid, due_ms: event_id as u64, event_id };
        batch.put(Table::Owed, key.to_bytes(), record.clone());
    }
    batch
}

criterion_group! {
    name = log;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = call_details, fan_out
}
criterion_main!(log);
