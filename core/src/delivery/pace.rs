//! How closely calls that cost others something follow one another.

use super::Standing;

/// What a call to an endpoint that is not known to answer takes of the time, in milliseconds.
const UNPROVEN_MS: u64 = 1;

/// What a call to an endpoint takes of the time whose answers are very long.
const HEAVY_MS: u64 = 8;

/// So much time may be taken in one moment.
const BURST_MS: u64 = 8;

/// The moments at which calls to endpoints may begin that hang, or answer without end: eight at once, and one a
/// millisecond from then on; where answers are very long, one in eight milliseconds. Others need not keep to it.
///
/// A call that hangs costs nothing while it does, but it costs processor time to begin it and to end it, and a long
/// answer costs that and the disk. So where a thousand endpoints are owed something in one moment, the beginnings are
/// spread, and so are the ends: an endpoint that answers does not wait behind all of them. It is the leaky bucket in the
/// form of ITU-T I.371, the generic cell rate algorithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pace {
    /// Up to when time is taken.
    taken_ms: u64,
}

impl Pace {
    /// When a call to an endpoint of this standing may begin, if not now.
    pub const fn later(self, standing: Standing, now_ms: u64) -> Option<u64> {
        let ahead = self.ahead_ms(now_ms);
        if cost_ms(standing) > 0 && ahead >= BURST_MS { Some(now_ms + ahead - BURST_MS + 1) } else { None }
    }

    /// The pace after a call to an endpoint of this standing began.
    #[must_use]
    pub const fn taken(self, standing: Standing, now_ms: u64) -> Self {
        match cost_ms(standing) {
            0 => self,
            cost => Self { taken_ms: now_ms.saturating_add(self.ahead_ms(now_ms) + cost) },
        }
    }

    /// How much of the time to come is taken. More than this machine ever takes is a clock that was set back, and nothing.
    const fn ahead_ms(self, now_ms: u64) -> u64 {
        let ahead = self.taken_ms.saturating_sub(now_ms);
        if ahead < BURST_MS + HEAVY_MS { ahead } else { 0 }
    }
}

const fn cost_ms(standing: Standing) -> u64 {
    match standing {
        Standing::Proven => 0,
        Standing::New | Standing::Suspect => UNPROVEN_MS,
        Standing::Heavy => HEAVY_MS,
    }
}
