//! The store: both implementations against the suite and the model, and the one on disk against crashes.

#[path = "store/committer.rs"]
mod committer;
#[path = "store/crash.rs"]
mod crash;
#[path = "store/journal.rs"]
mod journal;
#[path = "store/manifest.rs"]
mod manifest;
#[path = "store/open.rs"]
mod open;

use bellwire::store::suite::{self, Step};
use bellwire::store::{Durability, FjallStore, MemoryStore, Table};
use proptest::prelude::*;
use tempfile::TempDir;

#[test]
fn memory_conforms() {
    suite::conforms(MemoryStore::new);
}

#[test]
fn fjall_conforms() {
    let dir = tempfile::tempdir().unwrap();
    let mut number = 0;
    suite::conforms(|| {
        number += 1;
        FjallStore::open(&dir.path().join(number.to_string())).unwrap()
    });
}

#[test]
fn fjall_persists() {
    let dir = tempfile::tempdir().unwrap();
    suite::persists(|| FjallStore::open(dir.path()).unwrap());
}

fn table() -> impl Strategy<Value = Table> {
    prop_oneof![Just(Table::Events), Just(Table::Owed), Just(Table::CallBodies)]
}

/// Few and short keys, so that histories meet themselves.
fn key() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![Just(0u8), Just(b'a'), Just(0xfe), Just(0xff)], 1..4)
}

/// Mostly short values; some are long enough to be kept apart from their keys.
fn value() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![
        3 => Just(None),
        5 => proptest::collection::vec(any::<u8>(), 0..8).prop_map(Some),
        1 => (any::<u8>(), 10_000usize..40_000).prop_map(|(byte, len)| Some(vec![byte; len])),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let durability = prop_oneof![4 => Just(Durability::Buffered), 1 => Just(Durability::Synced)];
    let commit = (proptest::collection::vec((table(), key(), value()), 0..8), durability);
    let scan = (table(), key(), proptest::option::of(key()), any::<bool>(), 0usize..6);
    prop_oneof![
        6 => commit.prop_map(|(changes, durability)| Step::Commit(changes, durability)),
        3 => scan.prop_map(|(table, from, to, reversed, limit)| Step::Scan(table, from, to, reversed, limit)),
        2 => (table(), key(), any::<bool>()).prop_map(|(table, key, reversed)| Step::Prefix(table, key, reversed)),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn memory_agrees_with_model(steps in proptest::collection::vec(step(), 1..40)) {
        suite::agrees_with_model(&steps, MemoryStore::new(), |store| store);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn fjall_agrees_with_model(steps in proptest::collection::vec(step(), 1..40)) {
        let dir = TempDir::new().unwrap();
        suite::agrees_with_model(&steps, FjallStore::open(dir.path()).unwrap(), |store| {
            drop(store);
            FjallStore::open(dir.path()).unwrap()
        });
    }
}
