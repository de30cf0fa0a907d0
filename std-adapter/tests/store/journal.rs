//! Damage to the journal: what a power cut tears is cut off, what changed since it was written is reported.

use std::fs;
use std::path::{Path, PathBuf};

use bellwire::store::{Batch, Durability, FjallStore, OpenError, Range, Store, Table};

const RECORDS: u8 = 10;
const VALUE_BYTES: usize = 9_000;
/// How far before its first value the sequence number of a batch begins: the head and the key of the item come after it.
const SEQUENCE_BEFORE: usize = 8 + 21 + 1;

/// A closed store with ten records that nobody asked to be synced, each larger than two pages and none with zeros.
fn store_with_records() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = FjallStore::open(dir.path()).unwrap();
    for number in 0..RECORDS {
        let mut batch = Batch::new();
        batch.put(Table::Events, [number], vec![b'a' + number; VALUE_BYTES]);
        store.commit(&batch, Durability::Buffered).unwrap();
    }
    dir
}

fn journal(dir: &Path) -> PathBuf {
    let files = fs::read_dir(dir.join("store/engine")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "jnl")).max().unwrap()
}

/// Changes the journal: `change` gets its bytes, and where the value of the given record begins.
fn damage(dir: &Path, number: u8, change: impl FnOnce(&mut Vec<u8>, usize)) {
    let path = journal(dir);
    let mut bytes = fs::read(&path).unwrap();
    let value = bytes.windows(100).position(|window| window == [b'a' + number; 100]).unwrap();
    change(&mut bytes, value);
    fs::write(path, bytes).unwrap();
}

/// How many records are there, from the first on, after opening twice.
fn records(dir: &Path) -> usize {
    drop(FjallStore::open(dir).unwrap());
    let store = FjallStore::open(dir).unwrap();
    let rows = store.scan(Table::Events, Range::all(), 99).unwrap();
    for (number, (key, value)) in rows.iter().enumerate() {
        assert_eq!(key, &[number as u8]);
        assert!(value == &vec![b'a' + number as u8; VALUE_BYTES]);
    }
    let mut batch = Batch::new();
    batch.put(Table::Events, [u8::MAX], *b"later");
    store.commit(&batch, Durability::Synced).unwrap();
    drop(store);
    let store = FjallStore::open(dir).unwrap();
    assert_eq!(store.read(Table::Events, &[u8::MAX]).unwrap().unwrap(), b"later");
    rows.len()
}

fn assert_reported(dir: &Path) {
    let error = FjallStore::open(dir).err().expect("damage must be reported");
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("damaged"), "{error}");
}

#[test]
fn undamaged_journal_keeps_everything() {
    assert_eq!(records(store_with_records().path()), usize::from(RECORDS));
}

#[test]
fn write_cut_short_at_any_byte_is_cut_off() {
    let dir = store_with_records();
    let path = journal(dir.path());
    let whole = fs::read(&path).unwrap();
    let written = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for missing in (1..=14).chain([100, 4_096, VALUE_BYTES, VALUE_BYTES + 30]) {
        for padded in [false, true] {
            let mut bytes = whole.clone();
            bytes.truncate(written - missing);
            bytes.resize(if padded { whole.len() } else { bytes.len() }, 0);
            fs::write(&path, bytes).unwrap();
            let store = FjallStore::open(dir.path()).unwrap();
            assert_eq!(
                store.scan_keys(Table::Events, Range::all(), 99).unwrap().len(),
                9,
                "{missing} missing"
            );
        }
    }
}

#[test]
fn page_that_never_reached_the_disk_is_cut_off() {
    for number in [RECORDS - 1, RECORDS / 2, 0] {
        let dir = store_with_records();
        damage(dir.path(), number, |bytes, value| {
            let page = value.next_multiple_of(4_096);
            bytes[page..page + 4_096].fill(0);
        });
        assert_eq!(records(dir.path()), usize::from(number), "everything before the lost page is kept");
    }
}

#[test]
fn flipped_bit_is_reported() {
    for number in [0, RECORDS / 2, RECORDS - 1] {
        let dir = store_with_records();
        damage(dir.path(), number, |bytes, value| bytes[value + 5_000] ^= 1);
        assert_reported(dir.path());
        assert_reported(dir.path());
    }
}

/// Sequence numbers are under no checksum. At both ends only the upper digits are looked at.
#[test]
fn damaged_sequence_number_is_reported() {
    let dir = store_with_records();
    for (number, bits) in [(0, 16..64), (RECORDS / 2, 0..64), (RECORDS - 1, 16..64)] {
        for bit in bits.step_by(3) {
            let flip =
                |bytes: &mut Vec<u8>, value| bytes[value - SEQUENCE_BEFORE + bit / 8] ^= 1 << (bit % 8);
            damage(dir.path(), number, flip);
            assert_reported(dir.path());
            damage(dir.path(), number, flip);
        }
    }
    assert_eq!(records(dir.path()), usize::from(RECORDS));
}

#[test]
fn missing_journal_is_reported() {
    let dir = store_with_records();
    fs::remove_file(journal(dir.path())).unwrap();
    assert_missing(dir.path());
    let dir = store_with_records();
    fs::write(journal(dir.path()).with_file_name("2.jnl"), "").unwrap();
    assert_missing(dir.path());
}

fn assert_missing(dir: &Path) {
    let error = FjallStore::open(dir).err().expect("a missing file must be reported");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.ends_with(".jnl is missing"), "{cause}");
}

/// The end of a journal looks the same whether it was never written or got lost later; what was synced is missed.
#[test]
fn lost_end_of_the_journal_is_reported_if_it_was_synced() {
    for durability in [Durability::Synced, Durability::Buffered] {
        let dir = store_with_records();
        let store = FjallStore::open(dir.path()).unwrap();
        let mut batch = Batch::new();
        batch.put(Table::Events, [RECORDS], vec![b'a' + RECORDS; VALUE_BYTES]);
        store.commit(&batch, durability).unwrap();
        drop(store);
        let path = journal(dir.path());
        let whole = fs::read(&path).unwrap();
        let written = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        for lost in [1, 100, VALUE_BYTES] {
            fs::write(&path, &whole[..written - lost]).unwrap();
            if durability == Durability::Synced {
                assert_reported(dir.path());
            } else {
                assert_eq!(keys(dir.path()), usize::from(RECORDS), "{lost} lost");
            }
        }
        fs::remove_file(dir.path().join("store/synced")).unwrap();
        assert_eq!(keys(dir.path()), usize::from(RECORDS), "as told to, it goes on without");
    }
}

fn keys(dir: &Path) -> usize {
    FjallStore::open(dir).unwrap().scan_keys(Table::Events, Range::all(), 99).unwrap().len()
}

#[test]
fn damaged_head_in_the_middle_is_reported() {
    // The key, the head of the item, and the batch's number of items.
    for before_value in (1..=22).step_by(3).chain([22, 31, 34, 35]) {
        let dir = store_with_records();
        damage(dir.path(), RECORDS / 2, |bytes, value| bytes[value - before_value] ^= 0x40);
        assert_reported(dir.path());
    }
}
