//! The directory of a store: locked against a second server, created whole or not at all, stamped with a format.
//!
//! ```text
//! <dir>/lock            held while a server uses the directory
//! <dir>/store/format    the number of the format
//! <dir>/store/synced    how far the store was synced
//! <dir>/store/engine/   the engine's files
//! <dir>/store.new/      a store being created; a leftover if nobody holds the lock
//! ```
//!
//! Engines create their files one by one, and one killed in between may never open what it left. So a store is
//! created under a name nobody opens, synced, and renamed: whoever finds it under its own name finds it whole.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::OpenError;
use super::damage::Damage;

/// The format this version writes, and the only one it reads. Before the first release formats are not carried over.
pub(super) const FORMAT: u32 = 5;

const LOCK: &str = "lock";
const STORE: &str = "store";
const STORE_NEW: &str = "store.new";
const FORMAT_FILE: &str = "format";
const ENGINE: &str = "engine";

/// A directory that this process alone uses, until it is dropped.
#[derive(Debug)]
pub(super) struct StoreDirectory {
    dir: PathBuf,
    lock: File,
}

impl StoreDirectory {
    /// Makes the directory if it is absent, and locks it.
    pub(super) fn claim(dir: &Path) -> Result<StoreDirectory, OpenError> {
        make_private(dir).map_err(|error| OpenError::io(dir, error))?;
        let lock = lock(dir)?;
        Ok(StoreDirectory { dir: dir.to_path_buf(), lock })
    }

    /// Where the engine's files are, after creating them with `create` if there is no store yet.
    pub(super) fn engine(
        &self,
        create: impl FnOnce(&Path) -> Result<(), OpenError>,
    ) -> Result<PathBuf, OpenError> {
        self.remove_leftover()?;
        let store = self.dir.join(STORE);
        if !store.try_exists().map_err(|error| OpenError::io(&store, error))? {
            self.create(create)?;
        }
        self.check_format()?;
        Ok(store.join(ENGINE))
    }

    fn remove_leftover(&self) -> Result<(), OpenError> {
        let new = self.dir.join(STORE_NEW);
        match fs::remove_dir_all(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(OpenError::io(&new, error)),
            _ => Ok(()),
        }
    }

    fn create(&self, create: impl FnOnce(&Path) -> Result<(), OpenError>) -> Result<(), OpenError> {
        let new = self.dir.join(STORE_NEW);
        let failed = |error| OpenError::io(&new, error);
        // The data directory may be one that others may look into.
        create_private(&new).map_err(failed)?;
        create(&new.join(ENGINE))?;
        fs::write(new.join(FORMAT_FILE), format!("{FORMAT}\n")).map_err(failed)?;
        sync_tree(&new).map_err(failed)?;
        fs::rename(&new, self.dir.join(STORE)).map_err(failed)?;
        sync(&self.dir).map_err(failed)
    }

    fn check_format(&self) -> Result<(), OpenError> {
        let path = self.dir.join(STORE).join(FORMAT_FILE);
        let corrupt = |damage| OpenError::Corrupt { dir: self.dir.clone(), cause: Arc::new(damage) };
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => corrupt(Damage::Missing { path: path.clone() }),
            io::ErrorKind::InvalidData => corrupt(Damage::In { path: path.clone() }),
            _ => OpenError::io(&path, error),
        })?;
        let found: Result<u32, _> = text.trim_end().parse();
        let found = found.map_err(|_not_a_number| corrupt(Damage::In { path }))?;
        if found > FORMAT {
            return Err(OpenError::Newer { dir: self.dir.clone(), found, known: FORMAT });
        }
        if found < FORMAT {
            return Err(OpenError::Older { dir: self.dir.clone(), found, known: FORMAT });
        }
        Ok(())
    }
}

impl Drop for StoreDirectory {
    /// Closing the file alone would not do: a process being started from this one holds a copy for a moment.
    fn drop(&mut self) {
        // An error leaves the lock to the end of the process.
        let _unlocked = self.lock.unlock();
    }
}

/// Creates a private directory, and what is missing above it as usual, durably.
fn make_private(dir: &Path) -> io::Result<()> {
    make(dir, create_private)
}

fn make(dir: &Path, create: fn(&Path) -> io::Result<()>) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        make(parent, |dir| fs::create_dir(dir))?;
    }
    match create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync(parent.unwrap_or(Path::new("."))),
    }
}

/// Creates a directory that only its owner may look into: the store holds secrets.
fn create_private(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// The lock goes with the process, however it ends; the file stays.
fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join(LOCK);
    let open = File::options().create(true).truncate(false).write(true).open(&path);
    let file = open.map_err(|error| OpenError::io(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { dir: dir.to_path_buf() }),
        Err(TryLockError::Error(error)) => Err(OpenError::io(&path, error)),
    }
}

/// Syncs a file or directory, and everything below it first.
fn sync_tree(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            sync_tree(&entry?.path())?;
        }
    }
    sync(path)
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
