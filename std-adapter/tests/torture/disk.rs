//! A disk of the test's own: an ext4 file system in a file, whose power can be cut.

use std::error::Error;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use super::programs::output_of;

/// Ends all writing to the file system that holds the directory, and drops what its journal has not: as a cut of the
/// power does. 0x8004587d is `FS_IOC_SHUTDOWN`, 2 its flag `NOLOGFLUSH`. Rust has no safe function for it.
const CUT: &str = "import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

/// A file system of its own, mounted until it is dropped.
pub(crate) struct Disk {
    /// Holds the file with the file system, and the directory where it is mounted.
    dir: tempfile::TempDir,
}

impl Disk {
    /// Makes and mounts one of so many mebibytes; they are taken only as far as they are written.
    pub(crate) fn new(mebibytes: u64) -> Result<Disk, Box<dyn Error>> {
        let disk = Disk { dir: tempfile::tempdir()? };
        File::create(disk.image())?.set_len(mebibytes << 20)?;
        fs::create_dir(disk.path())?;
        // No blocks for root alone: the server runs as root here, and is to find the disk full.
        output_of(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(disk.image()))?;
        disk.mount()?;
        Ok(disk)
    }

    fn image(&self) -> PathBuf {
        self.dir.path().join("image")
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("disk")
    }

    fn mount(&self) -> Result<(), Box<dyn Error>> {
        output_of(Command::new("mount").args(["-o", "loop"]).arg(self.image()).arg(self.path())).map(drop)
    }

    /// Mounts it again, read-only or not.
    pub(crate) fn remount(&self, options: &str) {
        let mut mount = Command::new("mount");
        output_of(mount.args(["-o", &format!("remount,{options}")]).arg(self.path())).unwrap();
    }

    /// From now on nothing reaches the disk, and what was not synced is lost.
    pub(crate) fn cut_power(&self) {
        output_of(Command::new("python3").args(["-c", CUT]).arg(self.path())).unwrap();
    }

    /// Gives the power back. Nobody may be using the disk.
    pub(crate) fn restore_power(&self) {
        output_of(Command::new("umount").arg(self.path())).unwrap();
        self.mount().unwrap();
    }

    /// Takes whatever room there is, to the last block; gives it back when the returned file is removed.
    pub(crate) fn fill(&self) -> PathBuf {
        let path = self.path().join("filling");
        let mut file = File::create(&path).unwrap();
        for size in [1 << 20, 1 << 12, 1] {
            while std::io::Write::write_all(&mut file, &vec![1; size]).is_ok() {}
        }
        file.sync_all().unwrap();
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, because whoever fails a test may still use it.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}
