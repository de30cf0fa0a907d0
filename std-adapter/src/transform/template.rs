//! Templates: texts, JSON values, headers and URLs with pointers, filled in from a scope.
//!
//! A pointer to nothing gives an empty text, or null where a string of a JSON template is that pointer and nothing
//! else. What was put in is never read again for pointers. Every output is bounded by [`RENDERED_BYTES_MAX`]: a
//! short template that repeats a long payload ends in an error, not in a full memory.

use std::borrow::Cow;
use std::io;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::Url;

use super::pointer::{Piece, Pieces, Scope};
use crate::net::{AddressPolicy, URL_BYTES_MAX, UrlError, check_url};

/// The most bytes a filled-in template may have; of a JSON template, written compactly.
pub const RENDERED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// How deep the arrays and objects of a JSON template may be nested.
pub const TEMPLATE_DEPTH_MAX: usize = 64;

/// What the pointers of a URL template stand for while the rest of it is checked.
const PLACEHOLDER: &str = "0";

/// Why a template could not be filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The output has more than [`RENDERED_BYTES_MAX`] bytes.
    #[error("the filled-in template is longer than {RENDERED_BYTES_MAX} bytes")]
    TooLong,
    /// The template is nested deeper than [`TEMPLATE_DEPTH_MAX`].
    #[error("the template is nested deeper than {TEMPLATE_DEPTH_MAX} levels")]
    TooDeep,
    /// A value put into the path of a URL makes a segment `.` or `..`, which would change the path.
    #[error("a value put into the URL makes a path segment of dots")]
    DotSegment,
}

/// Whether `template` holds a pointer.
pub fn has_pointers(template: &str) -> bool {
    Pieces::of(template).any(|piece| matches!(piece, Piece::Pointer(_)))
}

/// Fills in a text: strings as they are, everything else as compact JSON, missing things as nothing.
///
/// # Errors
/// [`RenderError::TooLong`].
///
/// # Examples
/// ```
/// use bellwire::transform::{Scope, render_text};
/// use serde_json::json;
/// let scope = Scope { payload: json!({"sys": {"id": "a1"}}), topic: "Entry.publish", user: json!(null) };
/// assert_eq!(render_text("{ /topic } of { /payload/sys/id }", &scope).unwrap(), "Entry.publish of a1");
/// ```
pub fn render_text(template: &str, scope: &Scope<'_>) -> Result<String, RenderError> {
    fill(template, scope, |text| text)
}

/// Fills in a header value: as [`render_text`], but a control character of what is put in becomes a space, so that
/// no value ends the header or starts another.
///
/// # Errors
/// [`RenderError::TooLong`].
pub fn render_header(template: &str, scope: &Scope<'_>) -> Result<String, RenderError> {
    let blank = |text: Cow<'_, str>| text.replace(|c: char| c.is_control() && c != '\t', " ");
    fill(template, scope, |text| Cow::Owned(blank(text)))
}

/// Fills in a URL: what is put in is percent-encoded but for letters, digits and `-`, `.`, `_`, `~`, so that it
/// stays inside its path segment or query value. Check the result with [`check_url`] before use.
///
/// # Errors
/// [`RenderError::TooLong`]; [`RenderError::DotSegment`] when a value makes a path segment of dots.
pub fn render_url(template: &str, scope: &Scope<'_>) -> Result<String, RenderError> {
    let encode = |text: Cow<'_, str>| utf8_percent_encode(&text, NOT_UNRESERVED).to_string();
    let url = fill(template, scope, |text| Cow::Owned(encode(text)))?;
    if has_pointers(template) && has_dot_segment(&url) {
        return Err(RenderError::DotSegment);
    }
    Ok(url)
}

/// All but the unreserved characters of RFC 3986.
pub(super) const NOT_UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn fill<'s>(
    template: &str,
    scope: &'s Scope<'_>,
    encode: impl Fn(Cow<'s, str>) -> Cow<'s, str>,
) -> Result<String, RenderError> {
    let mut output = String::with_capacity(template.len());
    for piece in Pieces::of(template) {
        match piece {
            Piece::Text(text) => push(&mut output, text)?,
            Piece::Pointer(pointer) => push(&mut output, &encode(text_at(scope, pointer)?))?,
        }
    }
    Ok(output)
}

/// Appends `text`, as long as the limit allows.
pub(super) fn push(output: &mut String, text: &str) -> Result<(), RenderError> {
    if text.len() > RENDERED_BYTES_MAX - output.len() {
        return Err(RenderError::TooLong);
    }
    output.push_str(text);
    Ok(())
}

fn text_at<'s>(scope: &'s Scope<'_>, pointer: &str) -> Result<Cow<'s, str>, RenderError> {
    match scope.at(pointer) {
        None => Ok(Cow::Borrowed("")),
        Some(Cow::Borrowed(Value::String(text))) => Ok(Cow::Borrowed(text)),
        Some(Cow::Owned(Value::String(text))) => Ok(Cow::Owned(text)),
        Some(value) => {
            json_bytes(&value, RENDERED_BYTES_MAX)?;
            Ok(Cow::Owned(value.to_string()))
        }
    }
}

/// Fills in a JSON template. A string that is one pointer and nothing else becomes what it points at, with its
/// type, or null; other strings are filled in as texts; keys stay as they are.
///
/// # Errors
/// [`RenderError::TooLong`], [`RenderError::TooDeep`].
///
/// # Examples
/// ```
/// use bellwire::transform::{Scope, render_value};
/// use serde_json::json;
/// let scope = Scope { payload: json!({"n": 1.50, "tags": ["a"]}), topic: "Entry.publish", user: json!(null) };
/// let body = render_value(&json!({"n": "{ /payload/n }", "t": "tags: { /payload/tags }"}), &scope).unwrap();
/// assert_eq!(body, json!({"n": 1.50, "t": "tags: [\"a\"]"}));
/// ```
pub fn render_value(template: &Value, scope: &Scope<'_>) -> Result<Value, RenderError> {
    let mut filler = Filler { scope, bytes_left: RENDERED_BYTES_MAX };
    filler.value(template, TEMPLATE_DEPTH_MAX)
}

struct Filler<'s> {
    scope: &'s Scope<'s>,
    bytes_left: usize,
}

impl Filler<'_> {
    fn value(&mut self, template: &Value, depth_left: usize) -> Result<Value, RenderError> {
        match template {
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                self.spend(2 + items.len().saturating_sub(1))?;
                let depth_left = depth_left.checked_sub(1).ok_or(RenderError::TooDeep)?;
                items.iter().map(|item| self.value(item, depth_left)).collect()
            }
            Value::Object(members) => {
                self.spend(2 + members.len().saturating_sub(1))?;
                let depth_left = depth_left.checked_sub(1).ok_or(RenderError::TooDeep)?;
                members.iter().map(|(key, value)| self.member(key, value, depth_left)).collect()
            }
            plain => self.copy(plain),
        }
    }

    fn member(
        &mut self,
        key: &str,
        value: &Value,
        depth_left: usize,
    ) -> Result<(String, Value), RenderError> {
        self.spend(json_bytes(&key, self.bytes_left)? + 1)?;
        Ok((key.to_owned(), self.value(value, depth_left)?))
    }

    fn string(&mut self, text: &str) -> Result<Value, RenderError> {
        let mut pieces = Pieces::of(text);
        if let (Some(Piece::Pointer(pointer)), None) = (pieces.next(), pieces.next()) {
            let found = self.scope.at(pointer).unwrap_or(Cow::Owned(Value::Null));
            return self.copy(&found);
        }
        let filled = Value::String(render_text(text, self.scope)?);
        self.spend(json_bytes(&filled, self.bytes_left)?)?;
        Ok(filled)
    }

    /// A copy of `value`, measured before it is made.
    fn copy(&mut self, value: &Value) -> Result<Value, RenderError> {
        self.spend(json_bytes(value, self.bytes_left)?)?;
        Ok(value.clone())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), RenderError> {
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(RenderError::TooLong)?;
        Ok(())
    }
}

/// How many bytes `value` has as compact JSON; more than `bytes_max` is an error, found without writing them.
pub(super) fn json_bytes(value: &impl serde::Serialize, bytes_max: usize) -> Result<usize, RenderError> {
    let mut left = BytesLeft(bytes_max);
    serde_json::to_writer(&mut left, value).map_err(|_| RenderError::TooLong)?;
    Ok(bytes_max - left.0)
}

/// A writer that keeps nothing and refuses what goes beyond its count.
struct BytesLeft(usize);

impl io::Write for BytesLeft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.0.checked_sub(bytes.len()).ok_or_else(|| io::Error::other("too long"))?;
        self.0 = left;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Checks a URL that may hold pointers: none in scheme, host or port; the rest by [`check_url`] with a placeholder
/// for each pointer. Gives the URL with the placeholders.
///
/// # Errors
/// [`UrlError`], one sentence for the caller.
///
/// # Examples
/// ```
/// use bellwire::net::{AddressPolicy, UrlError};
/// use bellwire::transform::check_url_template;
/// let policy = AddressPolicy::PublicOnly;
/// assert!(check_url_template("https://example.com/{ /payload/sys/id }", policy).is_ok());
/// let refused = check_url_template("https://{ /payload/host }/", policy);
/// assert_eq!(refused, Err(UrlError::PointerInAuthority));
/// ```
pub fn check_url_template(raw: &str, policy: AddressPolicy) -> Result<Url, UrlError> {
    if !has_pointers(raw) {
        return check_url(raw, policy);
    }
    if raw.len() > URL_BYTES_MAX {
        return Err(UrlError::TooLong);
    }
    if !starts_with_authority(raw) {
        return Err(UrlError::PointerInAuthority);
    }
    let url: String = Pieces::of(raw)
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Pointer(_) => PLACEHOLDER,
        })
        .collect();
    if has_dot_segment(&url) {
        return Err(UrlError::DotSegment);
    }
    check_url(&url, policy)
}

/// Whether the text before the first pointer holds the whole authority and the `/` or `?` that ends it.
fn starts_with_authority(template: &str) -> bool {
    match Pieces::of(template).next() {
        Some(Piece::Text(text)) => text.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?'])),
        _ => false,
    }
}

/// Whether the path of `url` holds a segment that readers take for `.` or `..`, also in percent-encoding.
fn has_dot_segment(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let plain = |segment: &str| segment.to_ascii_lowercase().replace("%2e", ".");
    path.split('/').any(|segment| matches!(plain(segment).as_str(), "." | ".."))
}
