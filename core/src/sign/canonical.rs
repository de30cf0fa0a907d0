//! The canonical text of a request, piece by piece.

use super::Request;
use super::error::SignError;
use super::headers::{Headers, lower};
use super::hex;

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];

/// Hands the canonical text to `sink`: method, path, headers and body on a line each.
pub(super) fn write(
    request: &Request<'_>,
    headers: &Headers<'_>,
    sink: &mut impl FnMut(&[u8]),
) -> Result<(), SignError> {
    let method =
        METHODS.iter().find(|method| method.eq_ignore_ascii_case(request.method)).ok_or(SignError::Method)?;
    sink(method.as_bytes());
    sink(b"\n");
    write_path(request.path, sink)?;
    sink(b"\n");
    write_headers(headers, sink);
    sink(b"\n");
    sink(request.body);
    Ok(())
}

/// The path is escaped once and the query twice; what follows a second `?` is dropped, and so is an empty query.
fn write_path(path: &str, sink: &mut impl FnMut(&[u8])) -> Result<(), SignError> {
    if !path.starts_with('/') {
        return Err(SignError::Path);
    }
    let mut parts = path.split('?');
    escape(parts.next().unwrap_or_default(), kept_in_path, b"%", sink);
    match parts.next() {
        None | Some("") => {}
        Some(query) => {
            sink(b"?");
            // The second escaping only meets the percent signs of the first.
            escape(query, kept_in_query, b"%25", sink);
        }
    }
    Ok(())
}

fn escape(text: &str, kept: fn(u8) -> bool, percent: &[u8], sink: &mut impl FnMut(&[u8])) {
    for byte in text.bytes() {
        if kept(byte) {
            sink(&[byte]);
        } else {
            sink(percent);
            sink(&hex::upper(byte));
        }
    }
}

/// What JavaScript's `querystring.escape` leaves as it is.
fn kept_in_query(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte)
}

/// What JavaScript's `encodeURI` leaves as it is.
fn kept_in_path(byte: u8) -> bool {
    kept_in_query(byte) || b";,/?:@&=+$#".contains(&byte)
}

fn write_headers(headers: &Headers<'_>, sink: &mut impl FnMut(&[u8])) {
    for (number, (name, value)) in headers.iter().enumerate() {
        if number > 0 {
            sink(b";");
        }
        for c in lower(name) {
            sink(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        sink(b":");
        sink(value.as_bytes());
    }
}
