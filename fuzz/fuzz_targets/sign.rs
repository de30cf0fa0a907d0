//! Any request: verification never panics, and what was signed is accepted, until a byte of the body is another one.
#![no_main]

use bellwire_core::sign::{Request, SIGNATURE, SIGNED_HEADERS, TIMESTAMP, VerifyError, sign, verify};
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const NOW_MS: u64 = 1_603_379_941_037;
const TTL_MS: u64 = 30_000;
/// The list of names never needs more than three bytes for each byte of the names, and the two own ones.
const NAMES_BYTES_MAX: usize = 16 * 1024;

// A request as text: `METHOD path` on the first line, then `name:value` lines, an empty line, the body.
fuzz_target!(|text: &str| {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.split('\n');
    let (method, path) = lines.next().and_then(|line| line.split_once(' ')).unwrap_or_default();
    let headers: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(':')).collect();
    let request = Request { method, path, headers: &headers, body: body.as_bytes() };
    let _ = verify(SECRET, &request, NOW_MS, TTL_MS);
    signed_is_accepted(&request);
});

fn signed_is_accepted(request: &Request<'_>) {
    let mut names = [0; NAMES_BYTES_MAX];
    let Ok(signed) = sign(SECRET, request, NOW_MS, &mut names) else { return };
    let mut headers: Vec<(&str, &str)> = request.headers.to_vec();
    headers.retain(|(name, _)| !is_own(name));
    headers.push((SIGNATURE, signed.signature.as_str()));
    headers.push((SIGNED_HEADERS, signed.signed_headers));
    headers.push((TIMESTAMP, signed.timestamp.as_str()));
    let received = Request { headers: &headers, ..*request };
    assert_eq!(verify(SECRET, &received, NOW_MS + TTL_MS - 1, TTL_MS), Ok(()));
    let expired = VerifyError::Expired { age_ms: TTL_MS };
    assert_eq!(verify(SECRET, &received, NOW_MS + TTL_MS, TTL_MS), Err(expired));
    let body = [request.body, b"!"].concat();
    let tampered = Request { body: &body, ..received };
    assert_eq!(verify(SECRET, &tampered, NOW_MS, TTL_MS), Err(VerifyError::Mismatch));
}

/// Whether a header is one that signing replaces, in whatever case and with whatever JavaScript's `trim` drops.
fn is_own(name: &str) -> bool {
    let is_space = |c: char| c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}');
    let name = name.trim_matches(is_space).to_lowercase();
    [SIGNATURE, SIGNED_HEADERS, TIMESTAMP].contains(&name.as_str())
}
