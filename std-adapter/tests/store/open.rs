//! Opening a store: refused with a sentence that helps, never confused by what an earlier start left behind.

use std::fs;
use std::path::Path;

use bellwire::store::{Batch, Durability, FjallStore, OpenError, Store, Table};

/// The error of opening a store that must not open.
fn refusal(dir: &Path) -> OpenError {
    FjallStore::open(dir).err().expect("must be refused")
}

#[test]
fn directory_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("var/lib/bellwire");
    drop(FjallStore::open(&deep).unwrap());
    drop(FjallStore::open(&deep).unwrap());
}

#[test]
fn second_server_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = FjallStore::open(dir.path()).unwrap();
    let error = refusal(dir.path());
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    assert!(error.to_string().contains("another server"), "{error}");
    drop(first);
    FjallStore::open(dir.path()).unwrap();
}

#[test]
fn newer_format_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(FjallStore::open(dir.path()).unwrap());
    let format = dir.path().join("store/format");
    fs::write(&format, "7\n").unwrap();
    let error = refusal(dir.path());
    assert!(matches!(error, OpenError::Newer { found: 7, known: 5, .. }), "{error:?}");
    assert!(error.to_string().contains("format 7") && error.to_string().contains("up to 5"), "{error}");
    fs::write(&format, "5\n").unwrap();
    FjallStore::open(dir.path()).unwrap();
}

#[test]
fn damaged_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(FjallStore::open(dir.path()).unwrap());
    let format = dir.path().join("store/format");
    for bytes in [&b""[..], b"one", b"\xff\xfe", b"-1", b"99999999999999999999"] {
        fs::write(&format, bytes).unwrap();
        let error = refusal(dir.path());
        assert!(matches!(error, OpenError::Corrupt { .. }), "{bytes:?}: {error:?}");
    }
    fs::remove_file(&format).unwrap();
    assert!(matches!(refusal(dir.path()), OpenError::Corrupt { .. }));
}

#[test]
fn something_else_at_the_path_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "mine").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = refusal(&path);
        assert!(matches!(error, OpenError::NotADirectory { .. }), "{error:?}");
        assert!(error.to_string().contains("not a directory"), "{error}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

#[test]
fn leftovers_of_a_creation_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    let leftover = dir.path().join("store.new/engine/keyspaces");
    let leave = || {
        fs::create_dir_all(&leftover).unwrap();
        fs::write(leftover.join("0"), "half").unwrap();
    };
    leave();
    let store = FjallStore::open(dir.path()).unwrap();
    let mut batch = Batch::new();
    batch.put(Table::Meta, *b"k", *b"v");
    store.commit(&batch, Durability::Synced).unwrap();
    drop(store);
    leave();
    let store = FjallStore::open(dir.path()).unwrap();
    assert!(!dir.path().join("store.new").exists());
    assert!(store.read(Table::Meta, b"k").unwrap().is_some());
}
