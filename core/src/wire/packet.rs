//! The packet: a version byte, then the event in postcard. No other file knows the layout.

use serde::Deserialize;

use crate::event::Event;
use crate::filter::Value;
use crate::limits::{ATTRIBUTES_MAX, EVENT_PAYLOAD_BYTES_MAX};
use crate::topic::{Topic, TopicError, TopicErrorKind};

use super::error::{DecodeError, EncodeError};
use super::writer::Writer;

/// First byte of every packet of this layout. Another layout gets another number.
pub const VERSION: u8 = 1;

/// The fields in order, as they are read.
#[derive(Deserialize)]
struct Packet<'a> {
    id: u128,
    topic: &'a str,
    occurred_at_ms: u64,
    #[serde(borrow)]
    attributes: heapless::Vec<(&'a str, PacketValue<'a>), ATTRIBUTES_MAX>,
    payload: &'a [u8],
}

/// The value of an attribute, as it is read. The order of the types is their number.
#[derive(Clone, Copy, Deserialize)]
enum PacketValue<'a> {
    Text(&'a str),
    Integer(i64),
    Boolean(bool),
}

const TEXT: u8 = 0;
const INTEGER: u8 = 1;
const BOOLEAN: u8 = 2;

/// Writes an event to the start of `buffer` and gives the part that was written.
///
/// An event never needs more than its payload and [`EVENT_OVERHEAD_BYTES_MAX`](crate::limits::EVENT_OVERHEAD_BYTES_MAX).
///
/// # Errors
/// [`EncodeError`] when the buffer is too small or the payload is larger than
/// [`EVENT_PAYLOAD_BYTES_MAX`]; the buffer's content is undefined then.
///
/// ```
/// use bellwire_core::event::Event;
/// use bellwire_core::topic::Topic;
/// use bellwire_core::wire::{decode, encode};
///
/// let event = Event::new(7, Topic::parse("Entry.publish").unwrap(), 1_603_379_941_037, b"{}");
/// let mut buffer = [0; 64];
/// let bytes = encode(&event, &mut buffer).unwrap();
/// assert_eq!(decode(bytes).unwrap(), event);
/// ```
pub fn encode<'b>(event: &Event<'_>, buffer: &'b mut [u8]) -> Result<&'b mut [u8], EncodeError> {
    if event.payload.len() > EVENT_PAYLOAD_BYTES_MAX {
        return Err(EncodeError::PayloadTooLong);
    }
    let room = buffer.len();
    let mut writer = Writer::new(buffer);
    write(event, &mut writer)?;
    let written = room.saturating_sub(writer.left());
    buffer.get_mut(..written).ok_or(EncodeError::BufferTooSmall)
}

fn write(event: &Event<'_>, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
    writer.byte(VERSION)?;
    writer.number(event.id)?;
    writer.bytes(event.topic.as_str().as_bytes())?;
    writer.number(event.occurred_at_ms)?;
    writer.number(event.attributes().len() as u64)?;
    for (name, value) in event.attributes() {
        writer.bytes(name.as_bytes())?;
        write_value(*value, writer)?;
    }
    writer.bytes(event.payload)
}

fn write_value(value: Value<'_>, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
    match value {
        Value::Text(text) => writer.byte(TEXT).and_then(|()| writer.bytes(text.as_bytes())),
        Value::Integer(integer) => writer.byte(INTEGER).and_then(|()| writer.signed(integer)),
        Value::Boolean(boolean) => writer.byte(BOOLEAN).and_then(|()| writer.byte(boolean.into())),
    }
}

/// Reads an event from a whole packet. It borrows its texts and its payload from `bytes`.
///
/// # Errors
/// [`DecodeError`] when the version is unknown, a byte is left over or missing, or the event breaks a limit.
pub fn decode(bytes: &[u8]) -> Result<Event<'_>, DecodeError> {
    let (version, rest) = bytes.split_first().ok_or(DecodeError::Empty)?;
    if *version != VERSION {
        return Err(DecodeError::Version { found: *version });
    }
    let (packet, left) = postcard::take_from_bytes::<Packet<'_>>(rest).map_err(|_| DecodeError::Malformed)?;
    if !left.is_empty() {
        return Err(DecodeError::TrailingBytes { offset: bytes.len().saturating_sub(left.len()) });
    }
    event(&packet)
}

fn event<'a>(packet: &Packet<'a>) -> Result<Event<'a>, DecodeError> {
    if packet.payload.len() > EVENT_PAYLOAD_BYTES_MAX {
        return Err(DecodeError::PayloadTooLong);
    }
    let event = Event::new(packet.id, topic(packet.topic)?, packet.occurred_at_ms, packet.payload);
    let mut attributes = packet.attributes.iter();
    attributes
        .try_fold(event, |event, (name, value)| event.with_attribute(name, *value))
        .map_err(DecodeError::Attribute)
}

impl<'a> From<PacketValue<'a>> for Value<'a> {
    fn from(value: PacketValue<'a>) -> Self {
        match value {
            PacketValue::Text(text) => Self::Text(text),
            PacketValue::Integer(integer) => Self::Integer(integer),
            PacketValue::Boolean(boolean) => Self::Boolean(boolean),
        }
    }
}

/// A packet carries topics without a header prefix, so that one event has one encoding.
fn topic(text: &str) -> Result<Topic<'_>, DecodeError> {
    let topic = Topic::parse(text).map_err(DecodeError::Topic)?;
    if topic.as_str().len() == text.len() {
        Ok(topic)
    } else {
        Err(DecodeError::Topic(TopicError { kind: TopicErrorKind::HeaderPrefix, offset: 0 }))
    }
}
