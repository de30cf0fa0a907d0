//! The receiver's side of request verification.

use hmac::Mac;

use crate::limits::SIGNATURE_TIMESTAMP_MS_MIN;

use super::error::{SignError, VerifyError};
use super::headers::{Headers, is_space, same, trim};
use super::{Request, SIGNATURE, SIGNED_HEADERS, TIMESTAMP, check_secret, hex, mac};

/// Checks the signature of a received request at the moment `now_ms`, as Contentful's toolkit does.
///
/// It is refused at an age of `ttl_ms` or more; 0 allows any age. A timestamp ahead of `now_ms` counts as new. Digests
/// are compared in constant time.
///
/// # Errors
/// [`VerifyError`] says what is missing, malformed, too old, or that the signature does not match.
pub fn verify(secret: &str, request: &Request<'_>, now_ms: u64, ttl_ms: u64) -> Result<(), VerifyError> {
    check_secret(secret).map_err(|error| VerifyError::Request(SignError::Secret(error)))?;
    let signature = hex::decode(value(request, SIGNATURE)?).ok_or(malformed(SIGNATURE))?;
    let timestamp = value(request, TIMESTAMP)?;
    check_age(timestamp, now_ms, ttl_ms)?;
    let names = value(request, SIGNED_HEADERS)?;
    let mut headers = listed(request, names)?;
    headers.set_own_values(names, timestamp);
    let mac = mac(secret, request, headers).map_err(VerifyError::Request)?;
    mac.verify_slice(&signature).map_err(|_| VerifyError::Mismatch)
}

/// The one header of that name.
fn value<'a>(request: &Request<'a>, header: &'static str) -> Result<&'a str, VerifyError> {
    let mut found = request.headers.iter().filter(|(name, _)| same(header, trim(name)));
    let (_, value) = found.next().ok_or(VerifyError::Missing { header })?;
    if found.next().is_some() { Err(malformed(header)) } else { Ok(trim(value)) }
}

fn check_age(timestamp: &str, now_ms: u64, ttl_ms: u64) -> Result<(), VerifyError> {
    let digits = timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let signed_ms =
        timestamp.parse::<u64>().ok().filter(|signed| digits && *signed > SIGNATURE_TIMESTAMP_MS_MIN);
    let age_ms = now_ms.saturating_sub(signed_ms.ok_or(malformed(TIMESTAMP))?);
    if ttl_ms > 0 && age_ms >= ttl_ms { Err(VerifyError::Expired { age_ms }) } else { Ok(()) }
}

/// The signed headers. Their names in order must be exactly the list that came: a name that is listed but not there,
/// or in another place, cannot have been signed.
fn listed<'a>(request: &Request<'a>, names: &str) -> Result<Headers<'a>, VerifyError> {
    if !names.contains(',') || names.contains(is_space) {
        return Err(malformed(SIGNED_HEADERS));
    }
    let headers = Headers::listed(request.headers, names).map_err(VerifyError::Request)?;
    if headers.name_chars().eq(names.chars()) { Ok(headers) } else { Err(VerifyError::Mismatch) }
}

const fn malformed(header: &'static str) -> VerifyError {
    VerifyError::Malformed { header }
}
