//! Values of filters as names of an image: a byte for the type, then the value's bytes.

use crate::filter::Value;

use super::names::{self, Names};
use super::width::Width;

pub(super) const TEXT: u8 = b't';
pub(super) const INTEGER: u8 = b'i';
pub(super) const BOOLEAN: u8 = b'b';

/// Room for the bytes of an integer or a boolean.
pub(super) type Room = [u8; 8];

/// The byte for the type of a value, and its bytes, which are in `room` where the value has none of its own.
#[inline]
pub(super) fn to_bytes<'v>(value: &Value<'v>, room: &'v mut Room) -> (u8, &'v [u8]) {
    match value {
        Value::Text(text) => (TEXT, text.as_bytes()),
        Value::Integer(integer) => {
            *room = integer.to_le_bytes();
            (INTEGER, room)
        }
        Value::Boolean(boolean) => {
            *room = u64::from(*boolean).to_le_bytes();
            (BOOLEAN, room.get(..1).unwrap_or_default())
        }
    }
}

/// The value that the bytes of a name are; `None` when they are none.
pub(super) fn from_bytes(name: &[u8]) -> Option<Value<'_>> {
    let (kind, bytes) = name.split_first()?;
    match (*kind, bytes) {
        (TEXT, text) => core::str::from_utf8(text).ok().map(Value::Text),
        (INTEGER, bytes) => Some(Value::Integer(i64::from_le_bytes(bytes.try_into().ok()?))),
        (BOOLEAN, [0]) => Some(Value::Boolean(false)),
        (BOOLEAN, [1]) => Some(Value::Boolean(true)),
        _ => None,
    }
}

/// The hash of a value.
pub(super) fn hash(seed: u32, kind: u8, bytes: &[u8]) -> u32 {
    names::hash(seed.wrapping_add(kind.into()), bytes)
}

/// The hash of a value in the bytes of its name.
pub(super) fn hash_name(seed: u32, name: &[u8]) -> u32 {
    name.split_first().map_or(seed, |(kind, bytes)| hash(seed, *kind, bytes))
}

/// The number of a value among the names of an image.
pub(super) fn find<W: Width>(names: &Names<'_, W>, seed: u32, value: &Value<'_>) -> Option<u32> {
    let mut room = Room::default();
    let (kind, bytes) = to_bytes(value, &mut room);
    let is_it = |name: &[u8]| name.split_first() == Some((&kind, bytes));
    names.find(hash(seed, kind, bytes), bytes.len().wrapping_add(1), is_it)
}
