//! What is found in the engine's files that the engine itself passes over.

use std::io;
use std::path::PathBuf;

use super::Cause;

/// Why the files cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub(super) enum Damage {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{path} is damaged at byte {at}", path = .path.display())]
    At { path: PathBuf, at: u64 },
    #[error("{path} is damaged", path = .path.display())]
    In { path: PathBuf },
    #[error("{path} is missing", path = .path.display())]
    Missing { path: PathBuf },
    #[error("the table {name} holds what was not written")]
    Table {
        name: &'static str,
        #[source]
        cause: Cause,
    },
    #[error(
        "its last {commits} synced commits are missing, and what was acknowledged with them; to go on without, remove {path}",
        path = .path.display()
    )]
    Lost { path: PathBuf, commits: u64 },
}
