//! Pointers in braces: `{ /payload/sys/id }` in a text, and what they point at.

use std::borrow::Cow;

use serde_json::Value;

/// What pointers can point at. The root of each is its field's name.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    /// `/payload`: the event's payload, that is, the default body.
    pub payload: Value,
    /// `/topic`: the topic as the header shows it, prefix included.
    pub topic: &'a str,
    /// `/user`: the acting user as a link, or null.
    pub user: Value,
}

impl Scope<'_> {
    /// What `pointer` (RFC 6901) points at, if there is such a thing.
    pub(super) fn at(&self, pointer: &str) -> Option<Cow<'_, Value>> {
        let path = pointer.strip_prefix('/')?;
        let root_bytes = path.find('/').unwrap_or(path.len());
        let (root, rest) = path.split_at(root_bytes);
        match root {
            "payload" => self.payload.pointer(rest).map(Cow::Borrowed),
            "topic" if rest.is_empty() => Some(Cow::Owned(Value::from(self.topic))),
            "user" => self.user.pointer(rest).map(Cow::Borrowed),
            _ => None,
        }
    }
}

/// A piece of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text that stays as it is.
    Text(&'a str),
    /// A pointer, without its braces and the blanks around it.
    Pointer(&'a str),
}

/// Cuts a template into its pieces, in order; no text piece is empty or follows another.
pub(super) struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Pieces<'a> {
    pub(super) fn of(template: &'a str) -> Self {
        Self { rest: template }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        if let Some((pointer, bytes)) = pointer_at_start(self.rest) {
            self.rest = &self.rest[bytes..];
            return Some(Piece::Pointer(pointer));
        }
        let (text, rest) = self.rest.split_at(text_bytes(self.rest));
        self.rest = rest;
        Some(Piece::Text(text))
    }
}

/// How many bytes of `template` come before its first pointer.
fn text_bytes(template: &str) -> usize {
    let mut braces = template.match_indices('{').map(|(at, _)| at);
    braces.find(|at| pointer_at_start(&template[*at..]).is_some()).unwrap_or(template.len())
}

/// The pointer that `text` starts with, and how many bytes it takes with its braces.
///
/// Between the braces: blanks (spaces or tabs, or none), a pointer that starts with `/` and holds no brace, blanks.
fn pointer_at_start(text: &str) -> Option<(&str, usize)> {
    let inside = text.strip_prefix('{')?;
    let end = inside.find(['{', '}'])?;
    let pointer = inside[..end].trim_matches([' ', '\t']);
    (inside[end..].starts_with('}') && pointer.starts_with('/')).then_some((pointer, end + 2))
}

#[cfg(test)]
mod tests {
    use super::Piece::{Pointer, Text};
    use super::*;

    #[test]
    fn pieces_keep_every_byte_that_is_no_pointer() {
        let pieces: Vec<_> = Pieces::of("{a}{ /b }c{{/d}}").collect();
        assert_eq!(pieces, [Text("{a}"), Pointer("/b"), Text("c{"), Pointer("/d"), Text("}")]);
    }
}
