//! How far the store was synced, noted beside it: so that what a disk loses afterwards is missed.
//!
//! A journal that ends too early looks like one whose last writes were never completed, which is what a crash leaves. So
//! each synced commit has a number, in a table of the engine's of its own, and once the commit is synced the number is
//! noted in a file as well. A store that holds less than the file says has lost what was acknowledged. The note is not
//! synced itself: after a power cut it may be older, which only means that less is missed.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use ::fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch};
use xxhash_rust::xxh3::xxh3_64;

use super::damage::Damage;

/// The engine's table, and the only key in it.
const TABLE: &str = "synced";
const KEY: &[u8] = b"synced";
/// The file: the number and its checksum, both little-endian.
const FILE: &str = "synced";
const FILE_BYTES: usize = 16;

/// The number of the last synced commit.
pub(super) struct Mark {
    table: Keyspace,
    file: File,
    number: u64,
}

impl Mark {
    /// The engine's table, which is made if it is not there, and the number in it.
    pub(super) fn find(database: &Database) -> ::fjall::Result<(Keyspace, u64)> {
        let table = database.keyspace(TABLE, KeyspaceCreateOptions::default)?;
        let value = table.get(KEY)?;
        let number = value.and_then(|value| Some(u64::from_le_bytes(value.as_ref().try_into().ok()?)));
        Ok((table, number.unwrap_or(0)))
    }

    /// Compares the number in the table with that in the file, which is beside the engine's directory.
    pub(super) fn open(engine: &Path, (table, number): (Keyspace, u64)) -> Result<Mark, Damage> {
        let path = engine.with_file_name(FILE);
        let mut file = File::options().create(true).truncate(false).read(true).write(true).open(&path)?;
        let noted = read(&mut file)?;
        if number < noted {
            return Err(Damage::Lost { path, commits: noted - number });
        }
        Ok(Mark { table, file, number })
    }

    /// The engine's table.
    pub(super) fn table(&self) -> &Keyspace {
        &self.table
    }

    /// Gives a commit that is to be synced its number.
    pub(super) fn number(&mut self, writes: &mut OwnedWriteBatch) {
        self.number += 1;
        writes.insert(&self.table, KEY, self.number.to_le_bytes());
    }

    /// Notes that it is synced.
    pub(super) fn note(&mut self) -> io::Result<()> {
        let number = self.number.to_le_bytes();
        let mut bytes = [0; FILE_BYTES];
        bytes[..8].copy_from_slice(&number);
        bytes[8..].copy_from_slice(&xxh3_64(&number).to_le_bytes());
        self.file.rewind()?;
        self.file.write_all(&bytes)
    }
}

/// The number in the file; 0 when there is none: it was never written, or not whole.
fn read(file: &mut File) -> io::Result<u64> {
    let mut bytes = Vec::new();
    file.take(FILE_BYTES as u64).read_to_end(&mut bytes)?;
    let number =
        bytes.split_first_chunk::<8>().filter(|(number, sum)| xxh3_64(*number).to_le_bytes() == **sum);
    Ok(number.map_or(0, |(number, _)| u64::from_le_bytes(*number)))
}
