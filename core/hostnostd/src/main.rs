//! The core on bare x86-64 Linux: no std, no C library, no allocator. Exit code 0 when every step is right.
//!
//! This is the one program of the project with `unsafe`: without a C library it has to enter and leave by itself.
#![no_std]
#![no_main]

mod bare;

use bellwire_core::event::Event;
use bellwire_core::filter::{Filter, NoRegexps, Test, Value};
use bellwire_core::sign::{Request, sign};
use bellwire_core::table::{Fixed, MatchTable, TableBuilder, Verdict};
use bellwire_core::topic::{Topic, TopicPattern};
use bellwire_core::wire::{FrameDecoder, decode, encode, encode_frame};

/// The steps in order; the number of the first wrong one is the exit code.
const STEPS: [fn() -> Option<bool>; 4] = [matches, encodes, decodes, signs];

fn run() -> u8 {
    let wrong = STEPS.iter().zip(1..).find(|(step, _)| step() != Some(true));
    wrong.map_or(0, |(_, number)| number)
}

fn event() -> Option<Event<'static>> {
    let topic = Topic::parse("Entry.publish").ok()?;
    let event = Event::new(300, topic, 1_603_379_941_037, b"{}").with_attribute("sys.id", "a").ok()?;
    event.with_attribute("celsius", -5).ok()?.with_attribute("alarm", true).ok()
}

fn matches() -> Option<bool> {
    let mut builder = TableBuilder::<Fixed<8, 8, 512>, NoRegexps>::new(NoRegexps);
    let filters = [
        Filter::new("sys.id", Test::In(&[Value::Text("a"), Value::Text("b")])),
        Filter::new("celsius", Test::Lt(0)),
    ];
    builder.add(2, &[TopicPattern::parse("*.publish").ok()?], &filters).ok()?;
    builder.add(1, &[TopicPattern::parse("Entry.*").ok()?], &[]).ok()?;
    builder.add(3, &[TopicPattern::parse("Asset.*").ok()?], &[]).ok()?;
    let (table, event) = (builder.build().ok()?, event()?);
    let loaded = MatchTable::load(table.image()).ok()?;
    let unwanted = loaded.explain(3, &event.topic, &event) == Verdict::NoPattern;
    Some(unwanted && loaded.find(&event.topic, &event).eq([1, 2]))
}

fn encodes() -> Option<bool> {
    let (event, mut buffer) = (event()?, [0; 192]);
    let round = decode(encode(&event, &mut buffer).ok()?).ok()? == event;
    Some(round && encode_frame(&event, &mut buffer).ok()?.ends_with(&[0x55, 0x33, 0x4a, 0xe5, 0]))
}

fn decodes() -> Option<bool> {
    let (event, mut scratch, mut buffer) = (event()?, [0; 128], [0; 64]);
    let frame = encode_frame(&event, &mut scratch).ok()?;
    let mut decoder = FrameDecoder::new(&mut buffer);
    // What came before a frame does not cost the frame.
    let garbage = decoder.push(b"garbage\0").1?.is_err();
    Some(garbage && decoder.push(frame).1? == Ok(event))
}

fn signs() -> Option<bool> {
    let request = Request { method: "GET", path: "/api/resources/1", headers: &[], body: b"" };
    let secret = core::str::from_utf8(&[b'a'; 64]).ok()?;
    let mut names = [0; 128];
    let signed = sign(secret, &request, 1_603_379_941_037, &mut names).ok()?;
    Some(signed.signature.as_str() == "3b21d63c31a2a92d38945394da0b1a2a0dc2d9bf13ef4dfd91b9f3fa1440b404")
}
