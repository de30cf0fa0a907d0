//! Any bytes as a packet: decoding never panics, and an event that was decoded is the same after another round.
#![no_main]

use bellwire_core::limits::EVENT_OVERHEAD_BYTES_MAX;
use bellwire_core::wire::{VERSION, decode, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&[&[VERSION], bytes].concat());
});

fn check(bytes: &[u8]) {
    let Ok(event) = decode(bytes) else { return };
    let mut buffer = vec![0; event.payload.len() + EVENT_OVERHEAD_BYTES_MAX];
    let again = encode(&event, &mut buffer).expect("an event never needs more than the limit says");
    assert_eq!(decode(again), Ok(event));
}
