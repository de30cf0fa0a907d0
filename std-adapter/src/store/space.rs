//! Room on the disk: looked at before writing, because an engine that runs out of it in the middle must stop.

use std::fs::File;
use std::io;
use std::path::Path;

use super::StoreError;

/// Free space below which work from outside is refused. What was accepted still has to be delivered, logged,
/// flushed and compacted, all of which takes some before removing gives it back.
pub(super) const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;

/// Free space below which nothing is written at all: a batch that is half written makes the engine stop.
pub(super) const FREE_BYTES_RESERVE: u64 = 16 * 1024 * 1024;

/// The file system a directory is on.
#[derive(Debug)]
pub(super) struct Space {
    dir: File,
}

impl Space {
    pub(super) fn of(dir: &Path) -> io::Result<Space> {
        Ok(Space { dir: File::open(dir)? })
    }

    /// Refuses to write `bytes` if less than `kept` would stay free, or nothing can be written at all.
    pub(super) fn check(&self, bytes: usize, kept: u64) -> Result<(), StoreError> {
        let (free, is_read_only) = self.look()?;
        match () {
            () if is_read_only => Err(StoreError::ReadOnly),
            () if free < kept.saturating_add(bytes as u64) => Err(StoreError::Full),
            () => Ok(()),
        }
    }

    #[cfg(unix)]
    fn look(&self) -> io::Result<(u64, bool)> {
        let found = rustix::fs::fstatvfs(&self.dir)?;
        let is_read_only = found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY);
        Ok((found.f_bavail.saturating_mul(found.f_frsize), is_read_only))
    }

    /// Where the question cannot be asked, the engine finds out for itself.
    #[cfg(not(unix))]
    fn look(&self) -> io::Result<(u64, bool)> {
        Ok((u64::MAX, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_more_than_there_is() {
        let dir = tempfile::tempdir().unwrap();
        let space = Space::of(dir.path()).unwrap();
        assert!(space.check(0, 0).is_ok());
        assert!(matches!(space.check(1, u64::MAX), Err(StoreError::Full)));
    }
}
