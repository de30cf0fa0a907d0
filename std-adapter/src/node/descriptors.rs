//! How many files and sockets this process may have open, and what that leaves for connections and attempts.

use tracing::{info, warn};

use crate::net::REUSED_CONNECTIONS_MAX;

/// Descriptors that are needed beside connections: the store's files, lookups, standard streams, and some to spare.
const KEPT: u64 = 256 + 64 + 64;
/// Connections of callers at once, at the most; more wait in the operating system's queue.
const CONNECTIONS_MAX: u64 = 8_192;
/// Less than this of either is not worth starting with.
const SHARE_MIN: u64 = 16;

/// What the process may have open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Descriptors {
    /// Connections of callers at once.
    pub(super) connections: usize,
    /// Attempts under way at once, each of which has a connection.
    pub(super) attempts: usize,
    /// Connections to endpoints that are kept for further attempts.
    pub(super) reused: usize,
}

impl Descriptors {
    /// The same as [`Descriptors::claim`], without a word.
    pub(super) fn available(attempts_wished: usize) -> Descriptors {
        share(raise(), attempts_wished as u64)
    }

    /// Raises the limit as far as the process may, and shares it out.
    pub(super) fn claim(attempts_wished: usize) -> Descriptors {
        let limit = raise();
        let shared = share(limit, attempts_wished as u64);
        if shared.attempts < attempts_wished {
            warn!(
                descriptors = limit,
                attempts = shared.attempts,
                connections = shared.connections,
                "the limit of open files leaves room for fewer attempts at once than are set: raise it (ulimit -n)"
            );
        } else {
            info!(descriptors = limit, ?shared, "room for connections");
        }
        shared
    }
}

/// Attempts get what they are set to, as far as that is no more than two fifths, and a quarter of it for connections
/// that wait for the next.
fn share(limit: u64, attempts_wished: u64) -> Descriptors {
    let room = limit.saturating_sub(KEPT).max(3 * SHARE_MIN);
    let attempts = attempts_wished.min(room * 2 / 5);
    let reused = (attempts / 4).min(REUSED_CONNECTIONS_MAX as u64);
    let connections = (room - attempts - reused).min(CONNECTIONS_MAX);
    let count = |number| usize::try_from(number).unwrap_or(usize::MAX);
    Descriptors { connections: count(connections), attempts: count(attempts), reused: count(reused) }
}

/// Raises the soft limit to the hard one; the limit that holds then.
#[cfg(unix)]
fn raise() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Nofile);
    let wished = Rlimit { current: before.maximum, maximum: before.maximum };
    let held = if setrlimit(Resource::Nofile, wished).is_ok() { wished } else { before };
    held.current.unwrap_or(u64::MAX)
}

/// Where there is no such limit.
#[cfg(not(unix))]
fn raise() -> u64 {
    u64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_is_shared_out() {
        let rows = [
            (1_048_576, 4_096, 8_192, 4_096, 1_024),
            (4_096, 1_024, 2_432, 1_024, 256),
            (1_024, 1_024, 320, 256, 64),
            (1_024, 16, 620, 16, 4),
            (1_024, 3, 637, 3, 0),
            (0, 1_024, 25, 19, 4),
        ];
        for (limit, wished, connections, attempts, reused) in rows {
            assert_eq!(
                share(limit, wished),
                Descriptors { connections, attempts, reused },
                "{limit} {wished}"
            );
        }
    }
}
