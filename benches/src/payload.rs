//! Payloads and events of a given size.

use bellwire_core::event::Event;
use bellwire_core::filter::CONTENTFUL_DOCS;
use bellwire_core::topic::Topic;
use oorandom::Rand32;

const SEED: u64 = 0x0bad_cafe;

/// `length` bytes of printable ASCII, as a body of JSON has them: no byte is zero, none repeats for long.
pub fn payload(length: usize) -> Vec<u8> {
    let mut random = Rand32::new(SEED);
    (0..length).map(|_| random.rand_range(0x20..0x7f) as u8).collect()
}

/// An event with a usual topic, the attributes that Contentful's filters look at, and this payload.
///
/// # Panics
/// When the payload is larger than an event allows.
pub fn event(payload: &[u8]) -> Event<'_> {
    let topic = Topic::parse("Entry.publish").expect("a topic");
    let event = Event::new(0x0192_f0c1_7b6e_7d3a_9c1e, topic, 1_603_379_941_037, payload);
    CONTENTFUL_DOCS
        .iter()
        .fold(event, |event, doc| event.with_attribute(doc, "2xNAz23UZhPpcvfxCBBF9k").expect("within limits"))
}
