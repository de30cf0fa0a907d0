//! How long it takes to sign a request, and to verify one.

use std::hint::black_box;
use std::time::Duration;

use bellwire_benches::payload::payload;
use bellwire_core::sign::{Request, SIGNATURE, SIGNED_HEADERS, Signature, TIMESTAMP, sign, verify};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Bytes of body.
const SIZES: [usize; 3] = [0, 1_024, 65_536];
const NOW_MS: u64 = 1_603_379_941_037;
const TTL_MS: u64 = 30_000;
/// What a delivered event brings along.
const HEADERS: [(&str, &str); 3] = [
    ("content-type", "application/vnd.contentful.management.v1+json"),
    ("x-contentful-topic", "ContentManagement.Entry.publish"),
    ("x-contentful-webhook-name", "rebuild the site"),
];

fn signing(criterion: &mut Criterion) {
    let secret = "a".repeat(64);
    let mut group = criterion.benchmark_group("request");
    for size in SIZES {
        let body = payload(size);
        let request =
            Request { method: "POST", path: "/hooks/rebuild?site=1", headers: &HEADERS, body: &body };
        let mut names = [0; 256];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("sign", size), |bencher| {
            bencher.iter(|| {
                sign(&secret, black_box(&request), NOW_MS, &mut names).map(|signed| signed.signature)
            });
        });
        let signed = sign(&secret, &request, NOW_MS, &mut names).expect("a request that can be signed");
        let headers = received(&signed);
        let received = Request { headers: &headers, ..request };
        assert_eq!(verify(&secret, &received, NOW_MS, TTL_MS), Ok(()));
        group.bench_function(BenchmarkId::new("verify", size), |bencher| {
            bencher.iter(|| verify(&secret, black_box(&received), NOW_MS, TTL_MS));
        });
    }
}

/// The headers of a signed request.
fn received<'a>(signed: &'a Signature<'_>) -> Vec<(&'a str, &'a str)> {
    let own = [
        (SIGNATURE, signed.signature.as_str()),
        (SIGNED_HEADERS, signed.signed_headers),
        (TIMESTAMP, signed.timestamp.as_str()),
    ];
    HEADERS.into_iter().chain(own).collect()
}

criterion_group! {
    name = requests;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = signing
}
criterion_main!(requests);
