//! Secrets: values that never show themselves, and access tokens that are stored only as hashes.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Random bytes in a token: 256 bits, so that a plain hash of it cannot be guessed backwards.
const TOKEN_BYTES: usize = 32;

/// Marks a token as one of ours, for people and for scanners of leaked secrets.
const TOKEN_PREFIX: &str = "bw_";

/// Characters at the end of a signing secret that answers and pages show.
const SHOWN_CHARS: usize = 4;

/// A value whose `Debug` form says nothing about it. It is read only where it is used, by [`Secret::expose`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// The value itself, to be put on the wire or into a signature and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Secret {
    /// The last characters, by which people recognise a secret that they know.
    pub fn last_chars(&self) -> String {
        let hidden = self.0.chars().count().saturating_sub(SHOWN_CHARS);
        self.0.chars().skip(hidden).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// SHA-256 of an access token: what is stored, and what is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// Hashes the token's text.
    pub fn of(token: &str) -> TokenHash {
        TokenHash(Sha256::digest(token.as_bytes()).into())
    }

    /// Compares in a time that does not depend on where the two differ.
    pub fn matches(&self, other: &TokenHash) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// Makes an access token.
pub fn new_token() -> Secret {
    Secret(format!("{TOKEN_PREFIX}{}", new_code().expose()))
}

/// Makes a text that nobody can guess, from the operating system's randomness. Without that nothing here is safe, so
/// its absence ends the process.
pub fn new_code() -> Secret {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    Secret(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "Secret(…) Some(Secret(…))");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn tokens_differ_and_their_hashes_tell_them_apart() {
        let (one, other) = (new_token(), new_token());
        assert_ne!(one, other);
        assert_eq!(one.expose().len(), TOKEN_PREFIX.len() + 43);
        assert!(TokenHash::of(one.expose()).matches(&TokenHash::of(one.expose())));
        assert!(!TokenHash::of(one.expose()).matches(&TokenHash::of(other.expose())));
    }
}
