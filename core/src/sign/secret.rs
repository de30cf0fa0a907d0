//! The form of a signing secret.

use crate::limits::SECRET_BYTES;

use super::error::SecretError;

/// Checks that a secret has 64 characters of `^[0-9a-zA-Z+/=_-]+$`. The text itself is the key; it is never decoded.
///
/// # Errors
/// [`SecretError`] says what is wrong, and never holds a part of the secret.
pub fn check_secret(secret: &str) -> Result<(), SecretError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-');
    match secret.bytes().position(|byte| !allowed(byte)) {
        Some(offset) => Err(SecretError::Character { offset }),
        None if secret.len() != SECRET_BYTES => Err(SecretError::Length { found: secret.len() }),
        None => Ok(()),
    }
}
