//! What goes wrong with secrets, signing and verifying.

use core::error::Error;
use core::fmt;

use crate::limits::{SECRET_BYTES, SIGNED_HEADERS_MAX};

/// Why a text is no signing secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretError {
    /// It does not have [`SECRET_BYTES`] characters.
    Length {
        /// How many it has.
        found: usize,
    },
    /// A character is not a letter, a digit, `+`, `/`, `=`, `_` or `-`.
    Character {
        /// Offset of the first one, in bytes.
        offset: usize,
    },
}

/// Why a request cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignError {
    /// The secret is none.
    Secret(SecretError),
    /// The method is not one that can be signed.
    Method,
    /// The path does not start with `/`.
    Path,
    /// A header's name is empty, or holds a comma or white space, so it could not stand in the list of names.
    HeaderName {
        /// Number of the header in the request, from 0.
        number: usize,
    },
    /// A header's name comes twice, in whatever case.
    DuplicateHeader,
    /// More than [`SIGNED_HEADERS_MAX`] headers, the two of the signature included.
    TooManyHeaders,
    /// The list of names does not fit the caller's buffer.
    BufferTooSmall,
}

/// Why a received request is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The request is of a form that cannot have been signed, or the secret is none.
    Request(SignError),
    /// A header is missing.
    Missing {
        /// Its name.
        header: &'static str,
    },
    /// A header is not of the form it must have.
    Malformed {
        /// Its name.
        header: &'static str,
    },
    /// The signature is too old.
    Expired {
        /// How old, in milliseconds.
        age_ms: u64,
    },
    /// The signature is not that of this request under this secret.
    Mismatch,
}

impl SignError {
    pub(super) const SECRET_LENGTH: Self = Self::Secret(SecretError::Length { found: 0 });
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { found } => {
                write!(f, "a signing secret has {SECRET_BYTES} characters, not {found}")
            }
            Self::Character { offset } => {
                write!(
                    f,
                    "expected a letter, a digit, `+`, `/`, `=`, `_` or `-` at byte {offset} of the signing secret"
                )
            }
        }
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(error) => error.fmt(f),
            Self::Method => f.write_str("only GET, POST, PUT, PATCH, DELETE and HEAD requests are signed"),
            Self::Path => f.write_str("the path must start with `/`"),
            Self::HeaderName { number } => write!(f, "the name of header {number} cannot be signed"),
            Self::DuplicateHeader => f.write_str("a header to sign comes twice"),
            Self::TooManyHeaders => write!(f, "at most {SIGNED_HEADERS_MAX} headers can be signed"),
            Self::BufferTooSmall => {
                f.write_str("the buffer is too small for the names of the signed headers")
            }
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => error.fmt(f),
            Self::Missing { header } => write!(f, "the header {header} is missing"),
            Self::Malformed { header } => write!(f, "the header {header} is malformed"),
            Self::Expired { age_ms } => write!(f, "the signature expired, it is {age_ms} ms old"),
            Self::Mismatch => f.write_str("the signature does not match the request"),
        }
    }
}

impl Error for SecretError {}
impl Error for SignError {}
impl Error for VerifyError {}
