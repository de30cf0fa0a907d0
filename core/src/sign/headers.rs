//! The headers under a signature: trimmed, in order, each name once.

use core::cmp::Ordering;

use crate::limits::SIGNED_HEADERS_MAX;

use super::error::SignError;
use super::{SIGNATURE, SIGNED_HEADERS, TIMESTAMP};

/// Headers in the order they are signed: by UTF-16 code unit of the lower-case name, as JavaScript sorts.
pub(super) struct Headers<'a> {
    sorted: heapless::Vec<(&'a str, &'a str), SIGNED_HEADERS_MAX>,
}

impl<'a> Headers<'a> {
    /// All of `headers`, and the two of the signature, which have no value yet.
    pub(super) fn to_sign(headers: &'a [(&'a str, &'a str)]) -> Result<Self, SignError> {
        let numbered = headers.iter().enumerate();
        let trimmed = numbered.map(|(number, (name, value))| (number, trim(name), trim(value)));
        Self::collect(trimmed.filter(|(_, name, _)| !is_own(name)))
    }

    /// Those of `headers` that `names` lists, separated by commas, and the two of the signature.
    pub(super) fn listed(headers: &'a [(&'a str, &'a str)], names: &str) -> Result<Self, SignError> {
        let numbered = headers.iter().enumerate();
        let trimmed = numbered.map(|(number, (name, value))| (number, trim(name), trim(value)));
        Self::collect(
            trimmed.filter(|(_, name, _)| !is_own(name) && names.split(',').any(|listed| same(listed, name))),
        )
    }

    fn collect(headers: impl Iterator<Item = (usize, &'a str, &'a str)>) -> Result<Self, SignError> {
        let mut sorted = heapless::Vec::new();
        for (number, name, value) in headers {
            if name.is_empty() || name.contains(|c: char| c == ',' || is_space(c)) {
                return Err(SignError::HeaderName { number });
            }
            sorted.push((name, value)).map_err(|_| SignError::TooManyHeaders)?;
        }
        for name in [SIGNED_HEADERS, TIMESTAMP] {
            sorted.push((name, "")).map_err(|_| SignError::TooManyHeaders)?;
        }
        sorted.sort_unstable_by(|(a, _), (b, _)| order(a, b));
        let distinct = sorted.is_sorted_by(|(a, _), (b, _)| order(a, b).is_lt());
        if distinct { Ok(Self { sorted }) } else { Err(SignError::DuplicateHeader) }
    }

    /// Gives the two headers of the signature their values.
    pub(super) fn set_own_values(&mut self, signed_headers: &'a str, timestamp: &'a str) {
        for (name, value) in &mut self.sorted {
            if same(SIGNED_HEADERS, name) {
                *value = signed_headers;
            } else if same(TIMESTAMP, name) {
                *value = timestamp;
            }
        }
    }

    /// The headers in order, names as they were given.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.sorted.iter().copied()
    }

    /// The list of names in order, lower-case, separated by commas, character by character.
    pub(super) fn name_chars(&self) -> impl Iterator<Item = char> {
        let names = self.sorted.iter().enumerate();
        names.flat_map(|(number, (name, _))| (number > 0).then_some(',').into_iter().chain(lower(name)))
    }

    /// Writes the list of names to `buffer`.
    pub(super) fn write_names<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b str, SignError> {
        let mut length = 0;
        for c in self.name_chars() {
            let room = buffer.get_mut(length..length + c.len_utf8()).ok_or(SignError::BufferTooSmall)?;
            c.encode_utf8(room);
            length += c.len_utf8();
        }
        let written = buffer.get(..length).unwrap_or_default();
        core::str::from_utf8(written).map_err(|_| SignError::BufferTooSmall)
    }
}

/// What JavaScript's `toLowerCase` gives for a name, a final capital sigma aside.
pub(super) fn lower(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_lowercase)
}

/// What JavaScript's `trim` leaves: its white space has the byte order mark and lacks the next-line character.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

pub(super) fn is_space(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}')
}

/// Whether `name`, lower-cased, is `wanted`.
pub(super) fn same(wanted: &str, name: &str) -> bool {
    lower(name).eq(wanted.chars())
}

fn is_own(name: &str) -> bool {
    [SIGNATURE, SIGNED_HEADERS, TIMESTAMP].iter().any(|own| same(own, name))
}

fn order(a: &str, b: &str) -> Ordering {
    lower(a).map(utf16_rank).cmp(lower(b).map(utf16_rank))
}

/// Characters above U+FFFF start with a surrogate in UTF-16, so they sort before U+E000.
fn utf16_rank(c: char) -> u32 {
    match u32::from(c) {
        code @ 0x1_0000.. => code - 0x1_0000 + 0xD800,
        code @ 0xE000..=0xFFFF => code + 0x11_0000,
        code => code,
    }
}
