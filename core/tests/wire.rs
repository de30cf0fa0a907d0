//! The wire format: the documented bytes, the limits, and streams that are damaged or cut.

use bellwire_core::event::Event;
use bellwire_core::limits::{EVENT_OVERHEAD_BYTES_MAX, EVENT_PAYLOAD_BYTES_MAX};
use bellwire_core::topic::Topic;
use bellwire_core::wire::{
    DecodeError, EncodeError, FrameDecoder, FrameError, ReadFrameError, WriteFrameError, decode, encode,
    encode_frame, frame_bytes_max, read_frame, scratch_bytes_max, write_frame,
};

const DOCUMENT: &str = include_str!("../docs/wire-format.md");

fn event() -> Event<'static> {
    let topic = Topic::parse("Entry.publish").unwrap();
    let event = Event::new(300, topic, 1_603_379_941_037, b"{}").with_attribute("sys.id", "a").unwrap();
    event.with_attribute("celsius", -5).unwrap().with_attribute("alarm", true).unwrap()
}

/// The bytes of worked example number `number`: the two-digit words before the comment of each line.
fn documented(number: usize) -> Vec<u8> {
    let example = DOCUMENT.split("### Worked example").nth(number).unwrap();
    let block = example.split("```").nth(1).unwrap();
    let words = |line: &'static str| line.split("  ").next().unwrap().split_whitespace();
    block.lines().flat_map(words).map(|word| u8::from_str_radix(word, 16).unwrap()).collect()
}

#[test]
fn the_packet_is_as_documented() {
    let mut buffer = [0; 96];
    assert_eq!(encode(&event(), &mut buffer).unwrap(), documented(1));
    assert_eq!(decode(&documented(1)), Ok(event()));
}

#[test]
fn the_frame_is_as_documented() {
    let mut scratch = [0; 192];
    assert_eq!(encode_frame(&event(), &mut scratch).unwrap(), documented(2));
    let mut buffer = [0; 96];
    assert_eq!(read_frame(&mut documented(2).as_slice(), &mut buffer), Ok(Some(event())));
}

#[test]
fn the_largest_event_fits_the_stated_bounds() {
    let (payload, value) = (vec![0; EVENT_PAYLOAD_BYTES_MAX], "v".repeat(256));
    let topic = vec!["s".repeat(64); 8].join(".");
    let names: Vec<String> = (10..26).map(|number| format!("{}{number}", "n".repeat(62))).collect();
    let event = Event::new(u128::MAX, Topic::parse(&topic).unwrap(), u64::MAX, &payload);
    let event = names.iter().fold(event, |event, name| event.with_attribute(name, value.as_str()).unwrap());
    let mut scratch = vec![0; scratch_bytes_max(payload.len())];
    let encoded = encode(&event, &mut scratch).unwrap().len();
    assert_eq!(encoded, payload.len() + EVENT_OVERHEAD_BYTES_MAX);
    let frame = encode_frame(&event, &mut scratch).unwrap().to_vec();
    assert!(frame.len() <= frame_bytes_max(encoded), "{} bytes", frame.len());
    let mut buffer = vec![0; encoded + 4];
    assert_eq!(read_frame(&mut frame.as_slice(), &mut buffer), Ok(Some(event.clone())));

    let too_long = vec![0; EVENT_PAYLOAD_BYTES_MAX + 1];
    let event = Event::new(0, event.topic, 0, &too_long);
    assert_eq!(encode(&event, &mut scratch), Err(EncodeError::PayloadTooLong));
}

#[test]
fn a_buffer_one_byte_too_small_is_an_error() {
    let (packet, frame) = (documented(1), documented(2));
    let mut buffer = vec![0; packet.len() - 1];
    assert_eq!(encode(&event(), &mut buffer), Err(EncodeError::BufferTooSmall));
    let mut scratch = vec![0; packet.len() + 4 + frame.len() - 1];
    assert_eq!(encode_frame(&event(), &mut scratch), Err(EncodeError::BufferTooSmall));
    assert_eq!(encode(&event(), &mut []), Err(EncodeError::BufferTooSmall));
    let mut content = vec![0; packet.len() + 3];
    let read = read_frame(&mut frame.as_slice(), &mut content);
    assert_eq!(read, Err(ReadFrameError::Frame(FrameError::TooLong)));
}

#[test]
fn a_writer_gets_the_frame_or_its_error_comes_back() {
    let (mut scratch, mut written) = ([0; 192], [0; 192]);
    let mut room = written.as_mut_slice();
    write_frame(&event(), &mut scratch, &mut room).unwrap();
    let left = room.len();
    assert_eq!(&written[..192 - left], documented(2));

    let mut room = &mut [0; 3][..];
    assert!(matches!(write_frame(&event(), &mut scratch, &mut room), Err(WriteFrameError::Io(_))));
    let encode_error = WriteFrameError::Encode(EncodeError::BufferTooSmall);
    assert_eq!(write_frame(&event(), &mut scratch[..9], &mut &mut [0; 192][..]), Err(encode_error));
}

#[test]
fn a_damaged_frame_costs_itself_and_no_other() {
    let frame = documented(2);
    for at in 0..frame.len() - 1 {
        let mut stream = frame.clone();
        stream[at] ^= 0x55;
        stream.extend(&frame);
        let mut reader = stream.as_slice();
        let (mut buffer, mut last) = ([0; 96], None);
        while !reader.is_empty() {
            last = read_frame(&mut reader, &mut buffer).ok().flatten().map(|event| event.id);
        }
        assert_eq!(last, Some(300), "byte {at}");
    }
}

#[test]
fn a_stream_ends_between_frames_or_within_one() {
    let (frame, mut buffer) = (documented(2), [0; 96]);
    assert_eq!(read_frame(&mut [].as_slice(), &mut buffer), Ok(None));
    assert_eq!(read_frame(&mut [0, 0, 0].as_slice(), &mut buffer), Ok(None));
    let cut = read_frame(&mut &frame[..frame.len() - 1], &mut buffer);
    assert_eq!(cut, Err(ReadFrameError::Frame(FrameError::Cut)));
}

#[test]
fn a_decoder_says_what_was_wrong_with_a_frame() {
    let mut buffer = [0; 96];
    let mut decoder = FrameDecoder::new(&mut buffer);
    let mut end = |bytes: &[u8]| decoder.push(bytes).1.and_then(Result::err);
    assert_eq!(end(&[5, 1, 0]), Some(FrameError::Cobs));
    assert_eq!(end(&[3, 1, 2, 0]), Some(FrameError::Short));
    assert_eq!(end(&[1, 0]), Some(FrameError::Short));
    assert_eq!(end(&[6, 1, 2, 3, 4, 5, 0]), Some(FrameError::Checksum));
    // The checksum of nothing is zero.
    assert_eq!(end(&[1, 1, 1, 1, 1, 0]), Some(FrameError::Packet(DecodeError::Empty)));
    assert_eq!(end(&[[7; 100].as_slice(), &[0]].concat()), Some(FrameError::TooLong));
    assert!(decoder.push(&documented(2)).1.unwrap().is_ok());
    assert!(!decoder.is_inside_frame());
    assert!(decoder.push(&[1]).1.is_none() && decoder.is_inside_frame());
}
