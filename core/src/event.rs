//! An event: something that happened, with its payload.

use core::error::Error;
use core::fmt;

use crate::filter::{Attributes, Value};
use crate::limits::{ATTRIBUTE_NAME_BYTES_MAX, ATTRIBUTE_VALUE_BYTES_MAX, ATTRIBUTES_MAX};
use crate::topic::Topic;

/// One event. It borrows its texts and its payload, so it costs no copy.
///
/// ```
/// use bellwire_core::event::Event;
/// use bellwire_core::filter::{Attributes, Value};
/// use bellwire_core::topic::Topic;
///
/// let topic = Topic::parse("Entry.publish").unwrap();
/// let event = Event::new(1, topic, 1_603_379_941_037, b"{}").with_attribute("sys.id", "nyancat").unwrap();
/// let event = event.with_attribute("celsius", -5).unwrap().with_attribute("alarm", true).unwrap();
/// assert_eq!(event.attribute("sys.id"), Some(Value::Text("nyancat")));
/// assert_eq!(event.attribute("celsius"), Some(Value::Integer(-5)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Identity: two events of one id are one event that came twice.
    pub id: u128,
    /// What happened to what.
    pub topic: Topic<'a>,
    /// When it happened, in milliseconds since 1970.
    pub occurred_at_ms: u64,
    /// The body a webhook receives, usually JSON.
    pub payload: &'a [u8],
    /// The first `count` are in use.
    attributes: [(&'a str, Value<'a>); ATTRIBUTES_MAX],
    count: u8,
}

impl<'a> Event<'a> {
    /// An event without attributes.
    pub const fn new(id: u128, topic: Topic<'a>, occurred_at_ms: u64, payload: &'a [u8]) -> Self {
        let attributes = [("", Value::Boolean(false)); ATTRIBUTES_MAX];
        Self { id, topic, occurred_at_ms, payload, attributes, count: 0 }
    }

    /// The event with one attribute more, for filters to look at.
    ///
    /// # Errors
    /// [`EventError`] when a limit is passed or the name is taken; the event is gone then.
    pub fn with_attribute(mut self, name: &'a str, value: impl Into<Value<'a>>) -> Result<Self, EventError> {
        let value = value.into();
        check_attribute(name, value)?;
        if self.attribute(name).is_some() {
            return Err(EventError::DuplicateAttribute);
        }
        let free = self.attributes.get_mut(usize::from(self.count)).ok_or(EventError::TooManyAttributes)?;
        *free = (name, value);
        self.count = self.count.saturating_add(1);
        Ok(self)
    }

    /// All attributes as `(name, value)`, in the order they were given.
    pub fn attributes(&self) -> &[(&'a str, Value<'a>)] {
        self.attributes.get(..self.count.into()).unwrap_or_default()
    }
}

fn check_attribute(name: &str, value: Value<'_>) -> Result<(), EventError> {
    match (name.len(), value) {
        (0, _) => Err(EventError::EmptyName),
        (name, _) if name > ATTRIBUTE_NAME_BYTES_MAX => Err(EventError::NameTooLong),
        (_, Value::Text(text)) if text.len() > ATTRIBUTE_VALUE_BYTES_MAX => Err(EventError::ValueTooLong),
        _ => Ok(()),
    }
}

impl Attributes for Event<'_> {
    fn attribute(&self, doc: &str) -> Option<Value<'_>> {
        self.attributes().attribute(doc)
    }

    fn attribute_in_bytes(&self, doc: &[u8]) -> Option<Value<'_>> {
        self.attributes().attribute_in_bytes(doc)
    }
}

/// Why an attribute was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventError {
    /// The event has [`ATTRIBUTES_MAX`] attributes already.
    TooManyAttributes,
    /// The event has an attribute of that name.
    DuplicateAttribute,
    /// The name is empty.
    EmptyName,
    /// The name has more than [`ATTRIBUTE_NAME_BYTES_MAX`] bytes.
    NameTooLong,
    /// The value is a text of more than [`ATTRIBUTE_VALUE_BYTES_MAX`] bytes.
    ValueTooLong,
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyAttributes => write!(f, "an event has at most {ATTRIBUTES_MAX} attributes"),
            Self::DuplicateAttribute => f.write_str("the event has an attribute of that name already"),
            Self::EmptyName => f.write_str("an attribute's name must not be empty"),
            Self::NameTooLong => {
                write!(f, "an attribute's name has at most {ATTRIBUTE_NAME_BYTES_MAX} bytes")
            }
            Self::ValueTooLong => {
                write!(f, "an attribute's value has at most {ATTRIBUTE_VALUE_BYTES_MAX} bytes")
            }
        }
    }
}

impl Error for EventError {}
