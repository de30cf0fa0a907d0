//! Any event survives the wire, no bytes make a decoder panic, and garbage costs no frame after it.

#[path = "support/events.rs"]
mod events;

use bellwire_core::wire::{FrameDecoder, decode, encode, encode_frame, scratch_bytes_max};
use events::parts;
use proptest::collection::vec;
use proptest::prelude::*;

const PAYLOAD_MAX: usize = 600;

fn frame(parts: &events::Parts) -> Vec<u8> {
    encode_frame(&parts.event(), &mut vec![0; scratch_bytes_max(PAYLOAD_MAX)]).unwrap().to_vec()
}

/// Feeds `bytes` in portions and gives the ids of the events that came out.
fn received(bytes: &[u8], portion: usize, buffer: &mut [u8]) -> Vec<u128> {
    let (mut decoder, mut ids) = (FrameDecoder::new(buffer), Vec::new());
    for mut portion in bytes.chunks(portion) {
        while !portion.is_empty() {
            let (taken, end) = decoder.push(portion);
            ids.extend(end.and_then(Result::ok).map(|event| event.id));
            portion = &portion[taken..];
        }
    }
    ids
}

proptest! {
    #[test]
    fn an_event_comes_back_from_its_packet(parts in parts()) {
        let mut buffer = vec![0; scratch_bytes_max(PAYLOAD_MAX)];
        let bytes = encode(&parts.event(), &mut buffer).unwrap();
        prop_assert_eq!(decode(bytes), Ok(parts.event()));
    }

    #[test]
    fn a_frame_has_no_zero_but_its_last_byte(parts in parts()) {
        let frame = frame(&parts);
        prop_assert_eq!(frame.iter().position(|byte| *byte == 0), Some(frame.len() - 1));
    }

    #[test]
    fn frames_come_through_whatever_the_portions(sent in vec(parts(), 1..4), portion in 1..400_usize) {
        let stream: Vec<u8> = sent.iter().flat_map(frame).collect();
        let ids: Vec<u128> = sent.iter().map(|parts| parts.event().id).collect();
        prop_assert_eq!(received(&stream, portion, &mut vec![0; scratch_bytes_max(PAYLOAD_MAX)]), ids);
    }

    #[test]
    fn a_frame_after_garbage_is_received(mut garbage in vec(any::<u8>(), 0..2000), parts in parts()) {
        // The terminator of the last, broken frame.
        garbage.push(0);
        garbage.extend(frame(&parts));
        let mut buffer = vec![0; scratch_bytes_max(PAYLOAD_MAX)];
        prop_assert_eq!(received(&garbage, 64, &mut buffer).last().copied(), Some(parts.event().id));
    }

    #[test]
    fn a_small_buffer_loses_large_frames_only(garbage in vec(1..255_u8, 0..400), parts in parts(), room in 0..64_usize) {
        let stream = [garbage.as_slice(), &[0], &frame(&parts)].concat();
        prop_assert!(received(&stream, 7, &mut vec![0; room]).len() <= 1);
    }

    #[test]
    fn no_bytes_make_decode_panic(bytes in vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes);
        let _ = decode(&[&[1], bytes.as_slice()].concat());
    }

    #[test]
    fn a_packet_with_one_byte_changed_is_refused_or_sound(parts in parts(), at in any::<usize>(), with in any::<u8>()) {
        let mut buffer = vec![0; scratch_bytes_max(PAYLOAD_MAX)];
        let bytes = encode(&parts.event(), &mut buffer).unwrap();
        let at = at % bytes.len();
        bytes[at] = with;
        if let Ok(event) = decode(bytes) {
            let mut again = vec![0; scratch_bytes_max(PAYLOAD_MAX)];
            prop_assert_eq!(decode(encode(&event, &mut again).unwrap()), Ok(event));
        }
    }
}
