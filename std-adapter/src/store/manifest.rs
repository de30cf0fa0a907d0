//! A look at the engine's manifests before the engine reads them: which files belong to each table.
//!
//! The engine writes each manifest with its checksum, but does not check it; and it deletes every file that a manifest
//! does not name, so damage to one could cost a table. A directory without a manifest it takes for a table that was
//! never finished, and deletes it whole. Ours are finished: a store is created under another name.
//!
//! The layout: `keyspaces/<number>/current` holds the version (`u64`) and the checksum (xxh3, `u128`) of the manifest
//! `v<version>` beside it, both little-endian. Number 0 is the engine's own table, ours follow. The manifest names
//! the files of tables, each with a checksum of its blocks, which the engine does check when it reads them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

use super::Table;
use super::damage::Damage;

/// The engine's mark of its own format; where there is none, it would begin anew.
const MARK: &str = "version";

/// Tables whose large values are kept beside the tree, in a directory without which the engine would do, too.
pub(super) const SEPARATED: [Table; 2] = [Table::Events, Table::CallBodies];

/// The engine's own table, ours, and that of the mark.
const KEYSPACES: usize = 1 + Table::ALL.len() + 1;

/// Inspects the manifest of every table.
pub(super) fn inspect(engine: &Path) -> Result<(), Damage> {
    exists(engine.join(MARK))?;
    let keyspace = |number: usize| engine.join(format!("keyspaces/{number}"));
    (0..KEYSPACES).try_for_each(|number| inspect_one(&keyspace(number)))?;
    SEPARATED.into_iter().try_for_each(|table| exists(keyspace(table as usize + 1).join("blobs")))
}

fn exists(path: PathBuf) -> Result<(), Damage> {
    if path.try_exists()? { Ok(()) } else { Err(Damage::Missing { path }) }
}

fn inspect_one(keyspace: &Path) -> Result<(), Damage> {
    let path = keyspace.join("current");
    let current = read(&path)?;
    let (version, rest) = current.split_first_chunk().ok_or_else(|| damaged(&path))?;
    let checksum = rest.first_chunk().ok_or_else(|| damaged(&path))?;
    let manifest = keyspace.join(format!("v{}", u64::from_le_bytes(*version)));
    let intact = xxh3_128(&read(&manifest)?) == u128::from_le_bytes(*checksum);
    if intact { Ok(()) } else { Err(damaged(&manifest)) }
}

fn read(path: &Path) -> Result<Vec<u8>, Damage> {
    fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Damage::Missing { path: path.to_path_buf() },
        _ => error.into(),
    })
}

fn damaged(path: &Path) -> Damage {
    Damage::In { path: path.to_path_buf() }
}
