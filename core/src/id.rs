//! Bounded, validated identifiers of spaces, environments, webhooks and entities.

use core::error::Error;
use core::fmt;
use core::str::FromStr;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::limits::ID_BYTES_MAX;

/// An identifier as Contentful defines it: `^[a-zA-Z0-9-_.]{1,64}$`.
///
/// The text is held in the value itself, so an id needs no memory elsewhere. Ids compare, sort and hash as their
/// text, and serialise as a string; deserialising checks it.
///
/// ```
/// use bellwire_core::id::Id;
///
/// let id = Id::parse("2xNAz23UZhPpcvfxCBBF9k").unwrap();
/// assert_eq!(id.as_str(), "2xNAz23UZhPpcvfxCBBF9k");
/// assert_eq!(Id::parse("a/b").unwrap_err().offset, 1);
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    text: heapless::String<ID_BYTES_MAX>,
}

impl Id {
    /// Checks `text` and copies it.
    ///
    /// # Errors
    /// [`IdError`] with the offset of the first byte that does not belong there.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        if text.is_empty() {
            return Err(IdError { kind: IdErrorKind::Empty, offset: 0 });
        }
        if let Some(offset) = text.bytes().position(|byte| !is_id_byte(byte)) {
            return Err(IdError { kind: IdErrorKind::Character, offset });
        }
        let too_long = IdError { kind: IdErrorKind::TooLong, offset: ID_BYTES_MAX };
        heapless::String::try_from(text).map(|text| Self { text }).map_err(|_| too_long)
    }

    /// The identifier's text.
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }
}

const fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({:?})", self.as_str())
    }
}

impl AsRef<str> for Id {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::parse(text)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(IdVisitor)
    }
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identifier: 1 to 64 letters, digits, `-`, `_` or `.`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Id, E> {
        Id::parse(text).map_err(E::custom)
    }
}

/// Why a text is no identifier, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdError {
    /// What is wrong.
    pub kind: IdErrorKind,
    /// Offset of the first wrong byte; the length allowed when the text is too long.
    pub offset: usize,
}

/// What is wrong with an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdErrorKind {
    /// There is no text.
    Empty,
    /// A byte is not a letter, a digit, `-`, `_` or `.`.
    Character,
    /// More than [`ID_BYTES_MAX`] bytes.
    TooLong,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        match self.kind {
            IdErrorKind::Empty => f.write_str("an identifier must not be empty"),
            IdErrorKind::Character => {
                write!(f, "expected a letter, a digit, `-`, `_` or `.` at byte {offset}")
            }
            IdErrorKind::TooLong => write!(f, "an identifier has at most {ID_BYTES_MAX} bytes"),
        }
    }
}

impl Error for IdError {}
