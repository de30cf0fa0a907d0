//! One-time links: whoever follows one first is signed in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::secret::{Secret, TokenHash, new_code};

/// How long a link can be followed.
pub(super) const LINK_LIFE: Duration = Duration::from_secs(10 * 60);
/// Links that can be open at once; the oldest is closed for another.
const LINKS_MAX: usize = 64;

/// Links not followed yet, by the hash of their code.
#[derive(Default)]
pub(super) struct Links(Mutex<HashMap<[u8; 32], Link>>);

struct Link {
    token: TokenHash,
    expires_ms: u64,
}

impl Links {
    /// Makes a link that signs in with a token. Answers with its code.
    pub(super) fn make(&self, token: TokenHash, now_ms: u64) -> Secret {
        let code = new_code();
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|_, link| link.expires_ms > now_ms);
        if links.len() >= LINKS_MAX {
            let oldest = links.iter().min_by_key(|(_, link)| link.expires_ms).map(|(hash, _)| *hash);
            oldest.map(|hash| links.remove(&hash));
        }
        let expires_ms = now_ms + LINK_LIFE.as_millis() as u64;
        links.insert(TokenHash::of(code.expose()).0, Link { token, expires_ms });
        code
    }

    /// Follows a link: once, and in time.
    pub(super) fn follow(&self, code: &str, now_ms: u64) -> Option<TokenHash> {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let link = links.remove(&TokenHash::of(code).0)?;
        (link.expires_ms > now_ms).then_some(link.token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_works_once_and_in_time() {
        let (links, token) = (Links::default(), TokenHash::of("t"));
        let code = links.make(token, 0);
        assert_eq!(links.follow(code.expose(), 1), Some(token));
        assert_eq!(links.follow(code.expose(), 1), None);
        let late = links.make(token, 0);
        assert_eq!(links.follow(late.expose(), LINK_LIFE.as_millis() as u64), None);
        assert_eq!(links.follow("bw_guessed", 0), None);
    }

    #[test]
    fn the_number_of_links_is_bounded() {
        let (links, token) = (Links::default(), TokenHash::of("t"));
        let first = links.make(token, 0);
        (1..=LINKS_MAX as u64).for_each(|now_ms| drop(links.make(token, now_ms)));
        assert_eq!(links.0.lock().unwrap().len(), LINKS_MAX);
        assert_eq!(links.follow(first.expose(), 1), None);
    }
}
