//! Any bytes as a stream of frames, in any portions: nothing panics, and the frame after them is received.
#![no_main]

use bellwire_core::event::Event;
use bellwire_core::topic::Topic;
use bellwire_core::wire::{FrameDecoder, FrameError, encode_frame, scratch_bytes_max};
use libfuzzer_sys::fuzz_target;

/// Largest payload that the receiver has room for.
const PAYLOAD_BYTES_MAX: usize = 64;
/// The end of a frame.
const TERMINATOR: u8 = 0;

// The first byte says how large the portions are; it is also the payload of the frame that is sent after the others.
fuzz_target!(|bytes: &[u8]| {
    let Some((portion, garbage)) = bytes.split_first() else { return };
    let payload = vec![*portion; usize::from(*portion) % (PAYLOAD_BYTES_MAX + 1)];
    let sent = Event::new(u128::MAX, Topic::parse("Entry.publish").expect("a topic"), 0, &payload);
    let mut scratch = [0; scratch_bytes_max(PAYLOAD_BYTES_MAX)];
    let frame = encode_frame(&sent, &mut scratch).expect("a frame within its limit");
    let stream = [garbage, &[TERMINATOR], frame].concat();
    let mut last = None;
    receive(&stream, usize::from(*portion) + 1, |received| {
        last = Some(received.is_ok_and(|event| event == sent));
    });
    assert_eq!(last, Some(true));
});

/// Hands everything that ends in `stream` to `sink`.
fn receive(stream: &[u8], portion: usize, mut sink: impl FnMut(Result<Event<'_>, FrameError>)) {
    let mut buffer = [0; scratch_bytes_max(PAYLOAD_BYTES_MAX)];
    let mut decoder = FrameDecoder::new(&mut buffer);
    for mut rest in stream.chunks(portion) {
        while !rest.is_empty() {
            let (taken, end) = decoder.push(rest);
            if let Some(received) = end {
                assert_eq!(rest[taken - 1], TERMINATOR);
                sink(received);
            }
            rest = &rest[taken..];
        }
    }
    assert!(!decoder.is_inside_frame());
}
