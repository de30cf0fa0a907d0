//! Damage to the engine's manifests, which it does not check itself, is reported before it deletes what they no longer name.

use std::fs;
use std::path::{Path, PathBuf};

use bellwire::store::{Batch, Durability, FjallStore, OpenError, Store, Table};

/// A closed store with a record in each table, all of them in files of their own.
fn store_with_files() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = FjallStore::open(dir.path()).unwrap();
    let mut batch = Batch::new();
    Table::ALL.into_iter().for_each(|table| batch.put(table, *b"key", vec![b'v'; 20_000]));
    store.commit(&batch, Durability::Synced).unwrap();
    drop(store);
    let engine = fjall::Database::builder(dir.path().join("store/engine")).open().unwrap();
    for name in engine.list_keyspace_names() {
        engine.keyspace(&name, Default::default).unwrap().rotate_memtable_and_wait().unwrap();
    }
    dir
}

fn keyspaces(dir: &Path) -> PathBuf {
    dir.join("store/engine/keyspaces")
}

/// The directory of each of the engine's tables, with the manifest in force.
fn manifests(dir: &Path) -> Vec<(PathBuf, PathBuf)> {
    let manifest = |keyspace: PathBuf| {
        let current = fs::read(keyspace.join("current")).unwrap();
        let version = u64::from_le_bytes(current[..8].try_into().unwrap());
        (keyspace.clone(), keyspace.join(format!("v{version}")))
    };
    fs::read_dir(keyspaces(dir)).unwrap().map(|entry| manifest(entry.unwrap().path())).collect()
}

fn assert_reported(dir: &Path, what: &Path) {
    let error = FjallStore::open(dir).err().unwrap_or_else(|| panic!("{} is not missed", what.display()));
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
}

#[test]
fn undamaged_files_are_read() {
    let dir = store_with_files();
    let store = FjallStore::open(dir.path()).unwrap();
    for table in Table::ALL {
        assert_eq!(store.read(table, b"key").unwrap().unwrap(), vec![b'v'; 20_000]);
    }
}

#[test]
fn changed_byte_of_a_manifest_is_reported() {
    let dir = store_with_files();
    for (keyspace, manifest) in manifests(dir.path()) {
        // The last byte of `current` names the kind of the checksum, and there is only one.
        for (path, end) in [(keyspace.join("current"), 24), (manifest, usize::MAX)] {
            let whole = fs::read(&path).unwrap();
            for at in (0..whole.len().min(end)).step_by(5) {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << (at % 8);
                fs::write(&path, bytes).unwrap();
                assert_reported(dir.path(), &path);
            }
            fs::write(&path, whole).unwrap();
        }
    }
    FjallStore::open(dir.path()).unwrap();
}

#[test]
fn missing_file_or_directory_is_reported() {
    let dir = store_with_files();
    let mut paths = vec![dir.path().join("store/engine/version"), dir.path().join("store/format")];
    for (keyspace, manifest) in manifests(dir.path()) {
        let kept = ["current", "tables", "blobs"].map(|name| keyspace.join(name));
        paths.extend(kept.into_iter().filter(|path| path.exists()));
        paths.extend([keyspace, manifest]);
    }
    for path in paths {
        let aside = dir.path().join("aside");
        fs::rename(&path, &aside).unwrap();
        assert_reported(dir.path(), &path);
        let _made_anew = fs::remove_dir_all(&path);
        fs::rename(&aside, &path).unwrap();
    }
    FjallStore::open(dir.path()).unwrap();
}
