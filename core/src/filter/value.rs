//! What an attribute of an event can be, and how a filter gets at it.

use core::fmt;

/// The value of an attribute. Values of different types are never equal.
///
/// ```
/// use bellwire_core::filter::Value;
///
/// assert_eq!(Value::from("5"), Value::Text("5"));
/// assert_ne!(Value::from("5"), Value::from(5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A text.
    Text(&'a str),
    /// An integer.
    Integer(i64),
    /// True or false.
    Boolean(bool),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value<'_> {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<bool> for Value<'_> {
    fn from(boolean: bool) -> Self {
        Self::Boolean(boolean)
    }
}

/// A text in quotes, an integer or a boolean as it is.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Integer(integer) => integer.fmt(f),
            Self::Boolean(boolean) => boolean.fmt(f),
        }
    }
}

/// What filters look at: values under names such as `sys.environment.sys.id`.
///
/// Pairs of texts will do; pairs with a [`Value`] come as a slice.
///
/// ```
/// use bellwire_core::filter::{Attributes, Value};
///
/// let event = [("sys.id", "nyancat")];
/// assert_eq!(event.attribute("sys.id"), Some(Value::Text("nyancat")));
/// assert_eq!(event.attribute("sys.deletedBy.sys.id"), None);
///
/// let reading = [("celsius", Value::Integer(81)), ("alarm", Value::Boolean(true))];
/// assert_eq!(reading[..].attribute("celsius"), Some(Value::Integer(81)));
/// ```
pub trait Attributes {
    /// The attribute named `doc`, or `None` when the event lacks it.
    fn attribute(&self, doc: &str) -> Option<Value<'_>>;

    /// The same with the name in its bytes, as a table has it. Who compares names byte by byte need not look whether they
    /// are UTF-8.
    fn attribute_in_bytes(&self, doc: &[u8]) -> Option<Value<'_>> {
        core::str::from_utf8(doc).ok().and_then(|doc| self.attribute(doc))
    }
}

impl Attributes for [(&str, &str)] {
    fn attribute(&self, doc: &str) -> Option<Value<'_>> {
        self.attribute_in_bytes(doc.as_bytes())
    }

    fn attribute_in_bytes(&self, doc: &[u8]) -> Option<Value<'_>> {
        self.iter().find(|(name, _)| name.as_bytes() == doc).map(|(_, value)| Value::Text(value))
    }
}

impl Attributes for [(&str, Value<'_>)] {
    fn attribute(&self, doc: &str) -> Option<Value<'_>> {
        self.attribute_in_bytes(doc.as_bytes())
    }

    fn attribute_in_bytes(&self, doc: &[u8]) -> Option<Value<'_>> {
        self.iter().find(|(name, _)| name.as_bytes() == doc).map(|(_, value)| *value)
    }
}

impl<const N: usize> Attributes for [(&str, &str); N] {
    fn attribute(&self, doc: &str) -> Option<Value<'_>> {
        self.as_slice().attribute(doc)
    }

    fn attribute_in_bytes(&self, doc: &[u8]) -> Option<Value<'_>> {
        self.as_slice().attribute_in_bytes(doc)
    }
}

impl<A: Attributes + ?Sized> Attributes for &A {
    fn attribute(&self, doc: &str) -> Option<Value<'_>> {
        (**self).attribute(doc)
    }

    fn attribute_in_bytes(&self, doc: &[u8]) -> Option<Value<'_>> {
        (**self).attribute_in_bytes(doc)
    }
}
