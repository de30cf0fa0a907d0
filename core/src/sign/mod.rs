//! Request verification as Contentful does it: signing requests, and checking the signature of a received one.
//!
//! A signature is the HMAC-SHA256, in hexadecimal, of a canonical text of method, path, some headers and body. Two
//! headers travel with it: the names that are signed, and the moment. Nothing is collected in memory: the canonical
//! text goes straight into the hash. The rules, and test vectors, come from what Contentful's own toolkit
//! (`@contentful/node-apps-toolkit` 3.16.1) produces.
//!
//! ```
//! use bellwire_core::sign::{Request, sign, verify};
//! # use bellwire_core::sign::{SIGNATURE, SIGNED_HEADERS, TIMESTAMP};
//!
//! let secret = "a".repeat(64);
//! let request = Request { method: "GET", path: "/api/resources/1", headers: &[], body: b"" };
//! let mut names = [0; 256];
//! let signed = sign(&secret, &request, 1_603_379_941_037, &mut names).unwrap();
//! assert!(signed.signature.as_str().starts_with("3b21d63c31a2a92d"));
//!
//! let headers = [
//!     (SIGNATURE, signed.signature.as_str()),
//!     (SIGNED_HEADERS, signed.signed_headers),
//!     (TIMESTAMP, signed.timestamp.as_str()),
//! ];
//! let received = Request { headers: &headers, ..request };
//! assert_eq!(verify(&secret, &received, 1_603_379_951_037, 30_000), Ok(()));
//! ```

mod canonical;
mod error;
mod headers;
mod hex;
mod secret;
mod verify;

use core::fmt;
use core::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub use error::{SecretError, SignError, VerifyError};
pub use secret::check_secret;
pub use verify::verify;

use headers::Headers;

/// Name of the header that carries the signature.
pub const SIGNATURE: &str = "x-contentful-signature";
/// Name of the header that lists the signed headers.
pub const SIGNED_HEADERS: &str = "x-contentful-signed-headers";
/// Name of the header that carries the moment of signing.
pub const TIMESTAMP: &str = "x-contentful-timestamp";

/// A request as it is sent or was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// GET, POST, PUT, PATCH, DELETE or HEAD.
    pub method: &'a str,
    /// Path and query exactly as sent; it starts with `/`.
    pub path: &'a str,
    /// Headers as `(name, value)`. For [`sign`] those to sign, for [`verify`] all that came.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body exactly as sent.
    pub body: &'a [u8],
}

/// What goes into the three headers of a signed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature<'b> {
    /// Value of [`SIGNATURE`].
    pub signature: HexDigest,
    /// Value of [`SIGNED_HEADERS`]: lower-case names in order, separated by commas.
    pub signed_headers: &'b str,
    /// Value of [`TIMESTAMP`].
    pub timestamp: Timestamp,
}

/// An HMAC-SHA256 as 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HexDigest {
    text: heapless::String<64>,
}

/// A moment as decimal digits: milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timestamp {
    text: heapless::String<20>,
}

/// Signs a request at `timestamp_ms`.
///
/// Sign each attempt just before it is sent: receivers refuse signatures older than 30 seconds. Signed are all
/// `request.headers` and the two that come with the signature; stale ones of the three names are left out. The names
/// are written to `signed_headers`, which needs a byte for each byte of the lower-case names and each comma between.
///
/// # Errors
/// [`SignError`] when the secret or the request is malformed, or a limit is passed.
pub fn sign<'b>(
    secret: &str,
    request: &Request<'_>,
    timestamp_ms: u64,
    signed_headers: &'b mut [u8],
) -> Result<Signature<'b>, SignError> {
    check_secret(secret).map_err(SignError::Secret)?;
    let timestamp = Timestamp::of(timestamp_ms);
    let mut headers = Headers::to_sign(request.headers)?;
    let signed_headers = headers.write_names(signed_headers)?;
    headers.set_own_values(signed_headers, timestamp.as_str());
    let mac = mac(secret, request, headers)?;
    Ok(Signature { signature: HexDigest::of(&mac.finalize().into_bytes().into()), signed_headers, timestamp })
}

/// The hash of the canonical text, not yet finished.
fn mac(secret: &str, request: &Request<'_>, headers: Headers<'_>) -> Result<Hmac<Sha256>, SignError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| SignError::SECRET_LENGTH)?;
    canonical::write(request, &headers, &mut |bytes| mac.update(bytes))?;
    Ok(mac)
}

impl Timestamp {
    fn of(timestamp_ms: u64) -> Self {
        let mut text = heapless::String::new();
        // The largest `u64` has 20 digits: there is always room.
        let _ = write!(text, "{timestamp_ms}");
        Self { text }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }
}

impl HexDigest {
    fn of(bytes: &[u8; 32]) -> Self {
        let mut text = heapless::String::new();
        for digit in bytes.iter().flat_map(|byte| hex::digits(*byte)) {
            // 32 bytes have 64 digits: there is always room.
            let _ = text.push(digit);
        }
        Self { text }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }
}

impl fmt::Display for HexDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
