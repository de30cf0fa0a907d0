//! How many attempts one endpoint may have under way: more after every success, half after every silence.

use super::Sign;

/// Attempts that an endpoint of which nothing is known may have under way.
const START: u16 = 1;

/// An endpoint's own bound of attempts under way, between 1 and what the caller allows.
///
/// It doubles about once in a round trip while calls succeed, and halves when the endpoint falls silent or asks for
/// less. So a hanging endpoint soon holds one place of all, and one that recovers is not met by everything at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bound(u16);

impl Default for Bound {
    fn default() -> Self {
        Self(START)
    }
}

impl Bound {
    /// The bound, where no endpoint may have more than `most`.
    pub const fn limit(self, most: u16) -> u16 {
        if self.0 < most { self.0 } else { most }
    }

    /// The bound after an attempt, where no endpoint may have more than `most`.
    #[must_use]
    pub const fn ended(self, sign: Sign, most: u16) -> Self {
        match sign {
            Sign::Well => Self(self.limit(most.saturating_sub(1)) + 1),
            Sign::Silent | Sign::Throttling if self.0 > 1 => Self(self.0 / 2),
            _ => self,
        }
    }
}
