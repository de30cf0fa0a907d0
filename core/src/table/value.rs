//! Values of filters as names of an image: a byte for the type, then the value's bytes.

use crate::filter::Value;

use super::names::{self, Names};
use super::width::Width;

pub(super) const TEXT: u8 = b't';
pub(super) const INTEGER: u8 = b'i';
pub(super) const BOOLEAN: u8 = b'b';

/// Calls `with` with the type's byte and the value's bytes.
pub(super) fn with_bytes<T>(value: &Value<'_>, with: impl FnOnce(u8, &[u8]) -> T) -> T {
    match value {
        Value::Text(text) => with(TEXT, text.as_bytes()),
        Value::Integer(integer) => with(INTEGER, &integer.to_le_bytes()),
        Value::Boolean(boolean) => with(BOOLEAN, &[u8::from(*boolean)]),
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
    with_bytes(value, |kind, bytes| {
        let is_it = |name: &[u8]| name.split_first() == Some((&kind, bytes));
        names.find(hash(seed, kind, bytes), bytes.len().wrapping_add(1), is_it)
    })
}
