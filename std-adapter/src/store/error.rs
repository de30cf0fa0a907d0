//! What can go wrong with a store: a sentence for the caller, the cause kept for the log.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What lay beneath an error. Shared, because one failed commit answers many callers.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Too little space left; nothing was written, and the store goes on by itself when there is more.
    #[error("the disk that holds the store is full")]
    Full,
    /// The file system cannot be written to; nothing was written.
    #[error("the disk that holds the store is read-only")]
    ReadOnly,
    /// The operating system could not read or write the store's files.
    #[error("the store could not use its files")]
    Io(#[source] Cause),
    /// Bytes on the disk are not what was written.
    #[error("the store is damaged: restore it from a backup")]
    Corrupt(#[source] Cause),
    /// An earlier change failed, so the store takes no more until it is opened again.
    #[error("the store stopped taking changes after one failed: restart the server")]
    Stopped,
    /// A key is empty or above [`KEY_BYTES_MAX`](super::KEY_BYTES_MAX), or a value above
    /// [`VALUE_BYTES_MAX`](super::VALUE_BYTES_MAX).
    #[error("a record is too large to be stored")]
    TooLarge,
}

impl StoreError {
    /// Whether the store goes on after this error. If not, it takes no more changes until it is opened again.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, StoreError::Full | StoreError::ReadOnly | StoreError::TooLarge)
    }

    /// The same error for a batch that may be written in part: no longer a passing one.
    pub(super) fn while_writing(self) -> StoreError {
        match self {
            StoreError::Full => StoreError::Io(Arc::new(io::Error::from(io::ErrorKind::StorageFull))),
            StoreError::ReadOnly => {
                StoreError::Io(Arc::new(io::Error::from(io::ErrorKind::ReadOnlyFilesystem)))
            }
            error => error,
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> StoreError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
            io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly,
            _ => StoreError::Io(Arc::new(error)),
        }
    }
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process holds the lock.
    #[error("another server is using {dir}: stop it first, or give this one a directory of its own", dir = .dir.display())]
    Locked {
        /// The directory of the store.
        dir: PathBuf,
    },
    /// The store was written by a later version.
    #[error(
        "the store in {dir} has format {found}, and this version knows formats up to {known}: \
         use the version that wrote it, or a later one", dir = .dir.display()
    )]
    Newer {
        /// The directory of the store.
        dir: PathBuf,
        /// The format on disk.
        found: u32,
        /// The latest format this version reads.
        known: u32,
    },
    /// An earlier version wrote the store.
    #[error(
        "the store in {dir} has format {found}, and this version reads format {known} only: \
         use the version that wrote it, or another data directory", dir = .dir.display()
    )]
    Older {
        /// The directory of the store.
        dir: PathBuf,
        /// The format on disk.
        found: u32,
        /// The format this version reads.
        known: u32,
    },
    /// The path leads to something else.
    #[error("{path} is not a directory", path = .path.display())]
    NotADirectory {
        /// The offending path.
        path: PathBuf,
    },
    /// The operating system denied access.
    #[error("no permission to use {path}: the server must be able to read and write it", path = .path.display())]
    Permission {
        /// The offending path.
        path: PathBuf,
    },
    /// What is on the disk is not a store, or a damaged one.
    #[error("the store in {dir} is damaged: restore it from a backup, or move it away to begin anew", dir = .dir.display())]
    Corrupt {
        /// The directory of the store.
        dir: PathBuf,
        /// What was found.
        #[source]
        cause: Cause,
    },
    /// Anything else the operating system or the engine refused.
    #[error("the store in {path} could not be opened", path = .path.display())]
    Store {
        /// The offending path.
        path: PathBuf,
        /// What was refused.
        #[source]
        cause: StoreError,
    },
}

impl OpenError {
    /// The error for `path`, which the operating system refused.
    pub(super) fn io(path: &Path, error: io::Error) -> OpenError {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::PermissionDenied => OpenError::Permission { path },
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => OpenError::NotADirectory { path },
            _ => OpenError::Store { path, cause: error.into() },
        }
    }
}
