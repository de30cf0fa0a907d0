//! The packet: a version byte, then the event in postcard. No other file knows the layout.

use serde::{Deserialize, Serialize, Serializer};

use crate::event::Event;
use crate::filter::Value;
use crate::limits::{ATTRIBUTES_MAX, EVENT_PAYLOAD_BYTES_MAX};
use crate::topic::{Topic, TopicError, TopicErrorKind};

use super::error::{DecodeError, EncodeError};

/// First byte of every packet of this layout. Another layout gets another number.
pub const VERSION: u8 = 1;

/// The fields in order. Attributes are written from a slice and read into a list of limited size.
#[derive(Serialize, Deserialize)]
struct Packet<'a, Attributes> {
    id: u128,
    topic: &'a str,
    occurred_at_ms: u64,
    attributes: Attributes,
    #[serde(serialize_with = "bytes")]
    payload: &'a [u8],
}

type Received<'a> = Packet<'a, heapless::Vec<(&'a str, PacketValue<'a>), ATTRIBUTES_MAX>>;

/// The value of an attribute. The order of the types is their number in the packet.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum PacketValue<'a> {
    Text(&'a str),
    Integer(i64),
    Boolean(bool),
}

impl<'a> From<Value<'a>> for PacketValue<'a> {
    fn from(value: Value<'a>) -> Self {
        match value {
            Value::Text(text) => Self::Text(text),
            Value::Integer(integer) => Self::Integer(integer),
            Value::Boolean(boolean) => Self::Boolean(boolean),
        }
    }
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

/// Attributes to be written.
struct Sent<'e>(&'e [(&'e str, Value<'e>)]);

impl Serialize for Sent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(name, value)| (*name, PacketValue::from(*value))))
    }
}

fn bytes<S: Serializer>(payload: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(payload)
}

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
    let (version, rest) = buffer.split_first_mut().ok_or(EncodeError::BufferTooSmall)?;
    *version = VERSION;
    let packet = Packet {
        id: event.id,
        topic: event.topic.as_str(),
        occurred_at_ms: event.occurred_at_ms,
        attributes: Sent(event.attributes()),
        payload: event.payload,
    };
    let written = postcard::to_slice(&packet, rest).map_err(|_| EncodeError::BufferTooSmall)?.len();
    buffer.get_mut(..1 + written).ok_or(EncodeError::BufferTooSmall)
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
    let (packet, left) =
        postcard::take_from_bytes::<Received<'_>>(rest).map_err(|_| DecodeError::Malformed)?;
    if !left.is_empty() {
        return Err(DecodeError::TrailingBytes { offset: bytes.len() - left.len() });
    }
    event(&packet)
}

fn event<'a>(packet: &Received<'a>) -> Result<Event<'a>, DecodeError> {
    if packet.payload.len() > EVENT_PAYLOAD_BYTES_MAX {
        return Err(DecodeError::PayloadTooLong);
    }
    let event = Event::new(packet.id, topic(packet.topic)?, packet.occurred_at_ms, packet.payload);
    let mut attributes = packet.attributes.iter();
    attributes
        .try_fold(event, |event, (name, value)| event.with_attribute(name, *value))
        .map_err(DecodeError::Attribute)
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
