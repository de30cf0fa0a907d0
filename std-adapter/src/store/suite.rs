//! The conformance suite: what every implementation of [`Store`] must do, each rule a function that panics if broken.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{Batch, Durability, KEY_BYTES_MAX, Range, Store, StoreError, Table, VALUE_BYTES_MAX};

/// Runs every rule, each on a store of its own.
pub fn conforms<S: Store>(mut fresh: impl FnMut() -> S) {
    batch_spans_tables(&fresh());
    tables_are_apart(&fresh());
    last_change_of_a_key_counts(&fresh());
    overwrites_and_removes(&fresh());
    empty_batch_is_taken(&fresh());
    empty_values_are_values(&fresh());
    sizes_up_to_the_bounds(&fresh());
    beyond_the_bounds_nothing_changes(&fresh());
    scans_in_byte_order(&fresh());
    scans_ranges(&fresh());
    scans_prefixes_over_ff(&fresh());
    scans_at_most_limit(&fresh());
    scans_page_by_page(&fresh());
    readers_see_whole_batches(&fresh());
    readers_see_what_was_acknowledged(&fresh());
}

/// Runs what concerns persistence: the store is dropped and opened again.
pub fn persists<S: Store>(mut open: impl FnMut() -> S) {
    let rows = [("a", "1"), ("b", ""), ("c", "3")];
    let store = open();
    for (table, durability) in
        Table::ALL.into_iter().zip([Durability::Buffered, Durability::Synced].repeat(5))
    {
        store.commit(&puts(table, rows), durability).unwrap();
    }
    let mut removal = Batch::new();
    removal.remove(Table::Owed, *b"b");
    store.commit(&removal, Durability::Buffered).unwrap();
    drop(store);
    let store = open();
    for table in Table::ALL {
        let kept = if table == Table::Owed { vec!["a", "c"] } else { vec!["a", "b", "c"] };
        assert_eq!(keys(&store, table, Range::all()), kept, "{table:?}");
    }
    store.commit(&puts(Table::Meta, [("d", "4")]), Durability::Synced).unwrap();
    drop(store);
    assert_eq!(keys(&open(), Table::Meta, Range::all()), ["a", "b", "c", "d"]);
}

/// A table, a key, and the value to put or `None` to remove.
pub type Change = (Table, Vec<u8>, Option<Vec<u8>>);

/// One step of a random history, see [`agrees_with_model`].
#[derive(Clone, Debug)]
pub enum Step {
    /// Commit these changes.
    Commit(Vec<Change>, Durability),
    /// Compare a scan: from, to, reversed, limit.
    Scan(Table, Vec<u8>, Option<Vec<u8>>, bool, usize),
    /// Compare a scan by prefix.
    Prefix(Table, Vec<u8>, bool),
    /// Drop the store and open it again, where it persists.
    Reopen,
}

/// Plays a history against the store and against the obvious model, and compares every answer.
pub fn agrees_with_model<S: Store>(steps: &[Step], store: S, mut reopen: impl FnMut(S) -> S) {
    let mut store = store;
    let mut model = Model::new();
    for step in steps {
        match step {
            Step::Commit(changes, durability) => commit_both(&store, &mut model, changes, *durability),
            Step::Scan(table, from, to, reversed, limit) => {
                let range = match to {
                    Some(to) => Range::between(from, to),
                    None => Range::from_key(from),
                };
                let range = if *reversed { range.reversed() } else { range };
                scan_both(&store, &model, *table, &range, *limit);
            }
            Step::Prefix(table, prefix, reversed) => {
                let range = Range::prefix(prefix);
                let range = if *reversed { range.reversed() } else { range };
                scan_both(&store, &model, *table, &range, usize::MAX);
            }
            Step::Reopen => store = reopen(store),
        }
    }
    for table in Table::ALL {
        scan_both(&store, &model, table, &Range::all(), usize::MAX);
    }
}

type Model = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

fn commit_both<S: Store>(store: &S, model: &mut Model, changes: &[Change], durability: Durability) {
    let mut batch = Batch::new();
    for (table, key, value) in changes {
        match value {
            Some(value) => {
                batch.put(*table, key.clone(), value.clone());
                model.insert((*table, key.clone()), value.clone());
            }
            None => {
                batch.remove(*table, key.clone());
                model.remove(&(*table, key.clone()));
            }
        }
    }
    store.commit(&batch, durability).unwrap();
    for (table, key, _) in changes {
        assert_eq!(store.read(*table, key).unwrap().as_ref(), model.get(&(*table, key.clone())));
    }
}

fn scan_both<S: Store>(store: &S, model: &Model, table: Table, range: &Range<'_>, limit: usize) {
    let mut rows: Vec<_> = model
        .iter()
        .filter(|((of, key), _)| *of == table && range.contains(key))
        .map(|((_, key), value)| (key.clone(), value.clone()))
        .collect();
    if range.is_reversed() {
        rows.reverse();
    }
    rows.truncate(limit);
    assert_eq!(store.scan(table, range.clone(), limit).unwrap(), rows, "{table:?} {range:?}");
    let keys: Vec<_> = rows.into_iter().map(|(key, _)| key).collect();
    assert_eq!(store.scan_keys(table, range.clone(), limit).unwrap(), keys, "{table:?} {range:?}");
}

fn batch_spans_tables(store: &impl Store) {
    let mut batch = Batch::new();
    for table in Table::ALL {
        batch.put(table, *b"k", table.name());
    }
    store.commit(&batch, Durability::Synced).unwrap();
    for table in Table::ALL {
        assert_eq!(store.read(table, b"k").unwrap().as_deref(), Some(table.name().as_bytes()));
    }
}

fn tables_are_apart(store: &impl Store) {
    store.commit(&puts(Table::Events, [("k", "v")]), Durability::Buffered).unwrap();
    for table in Table::ALL.into_iter().filter(|table| *table != Table::Events) {
        assert_eq!(store.read(table, b"k").unwrap(), None);
        assert_eq!(store.scan(table, Range::all(), 9).unwrap(), []);
    }
}

fn last_change_of_a_key_counts(store: &impl Store) {
    let mut batch = puts(Table::Meta, [("put", "1"), ("put", "2"), ("gone", "1"), ("back", "1")]);
    batch.remove(Table::Meta, *b"gone");
    batch.remove(Table::Meta, *b"back");
    batch.put(Table::Meta, *b"back", *b"2");
    store.commit(&batch, Durability::Synced).unwrap();
    assert_eq!(keys(store, Table::Meta, Range::all()), ["back", "put"]);
    assert_eq!(store.read(Table::Meta, b"put").unwrap().unwrap(), b"2");
    assert_eq!(store.read(Table::Meta, b"back").unwrap().unwrap(), b"2");
}

fn overwrites_and_removes(store: &impl Store) {
    store.commit(&puts(Table::Owed, [("a", "1"), ("b", "1")]), Durability::Buffered).unwrap();
    let mut batch = puts(Table::Owed, [("a", "2")]);
    batch.remove(Table::Owed, *b"b");
    batch.remove(Table::Owed, *b"never there");
    store.commit(&batch, Durability::Buffered).unwrap();
    assert_eq!(store.scan(Table::Owed, Range::all(), 9).unwrap(), [(b"a".to_vec(), b"2".to_vec())]);
    assert_eq!(store.read(Table::Owed, b"b").unwrap(), None);
}

fn empty_batch_is_taken(store: &impl Store) {
    store.commit(&Batch::new(), Durability::Buffered).unwrap();
    store.commit(&Batch::new(), Durability::Synced).unwrap();
}

fn empty_values_are_values(store: &impl Store) {
    store.commit(&puts(Table::Dedup, [("k", "")]), Durability::Buffered).unwrap();
    assert_eq!(store.read(Table::Dedup, b"k").unwrap(), Some(Vec::new()));
    assert_eq!(store.scan(Table::Dedup, Range::all(), 9).unwrap(), [(b"k".to_vec(), Vec::new())]);
}

fn sizes_up_to_the_bounds(store: &impl Store) {
    let key = vec![0xff; KEY_BYTES_MAX];
    for table in [Table::Events, Table::CallBodies, Table::Meta] {
        let value: Vec<u8> = (0..VALUE_BYTES_MAX).map(|at| (at % 251) as u8).collect();
        let mut batch = Batch::new();
        batch.put(table, key.clone(), value.clone());
        batch.put(table, *b"event", value[..1_000_000].to_vec());
        store.commit(&batch, Durability::Synced).unwrap();
        assert!(store.read(table, &key).unwrap().unwrap() == value);
        assert!(store.scan(table, Range::prefix(b"event"), 1).unwrap()[0].1 == value[..1_000_000]);
    }
}

fn beyond_the_bounds_nothing_changes(store: &impl Store) {
    let too_large = [
        (vec![b'k'; KEY_BYTES_MAX + 1], Vec::new()),
        (vec![b'k'], vec![0; VALUE_BYTES_MAX + 1]),
        (Vec::new(), Vec::new()),
    ];
    for (key, value) in too_large {
        let mut batch = puts(Table::Meta, [("a", "1")]);
        batch.put(Table::Events, key, value);
        let refused = store.commit(&batch, Durability::Synced);
        assert!(matches!(refused, Err(StoreError::TooLarge)), "{refused:?}");
    }
    assert_eq!(store.read(Table::Meta, b"a").unwrap(), None);
    store.commit(&puts(Table::Meta, [("a", "1")]), Durability::Synced).unwrap();
    assert_eq!(store.read(Table::Events, b"").unwrap(), None);
}

fn scans_in_byte_order(store: &impl Store) {
    let keys: [&[u8]; 8] = [b"\0", b"\0\0", b"a", b"a\0", b"aa", b"b", b"\x80", b"\xff\xff"];
    let mut batch = Batch::new();
    for key in keys.into_iter().rev() {
        batch.put(Table::Calls, key, key);
    }
    store.commit(&batch, Durability::Buffered).unwrap();
    assert_eq!(store.scan_keys(Table::Calls, Range::all(), 99).unwrap(), keys);
    let reversed: Vec<_> = keys.into_iter().rev().collect();
    assert_eq!(store.scan_keys(Table::Calls, Range::all().reversed(), 99).unwrap(), reversed);
}

fn scans_ranges(store: &impl Store) {
    let rows = ["a", "b", "c", "d", "e"].map(|key| (key, "v"));
    store.commit(&puts(Table::Calls, rows), Durability::Buffered).unwrap();
    let cases: [(Range<'_>, &[&str]); 9] = [
        (Range::between(b"b", b"d"), &["b", "c"]),
        (Range::between(b"b", b"d").reversed(), &["c", "b"]),
        (Range::between(b"bb", b"dd"), &["c", "d"]),
        (Range::between(b"c", b"c"), &[]),
        (Range::between(b"d", b"b"), &[]),
        (Range::between(b"d", b"b").reversed(), &[]),
        (Range::from_key(b"d"), &["d", "e"]),
        (Range::from_key(b"d").reversed(), &["e", "d"]),
        (Range::from_key(b"f"), &[]),
    ];
    for (range, expected) in cases {
        assert_eq!(keys(store, Table::Calls, range.clone()), expected, "{range:?}");
    }
}

fn scans_prefixes_over_ff(store: &impl Store) {
    let keys: [&[u8]; 7] = [b"a", b"a\xfe", b"a\xff", b"a\xff\xff", b"b", b"\xff", b"\xff\xff\x01"];
    let mut batch = Batch::new();
    for key in keys {
        batch.put(Table::Owed, key, *b"v");
    }
    store.commit(&batch, Durability::Buffered).unwrap();
    for prefix in [&b""[..], b"a", b"a\xff", b"a\xff\xff", b"b", b"\xff", b"\xff\xff", b"\xff\xff\xff", b"z"]
    {
        let expected: Vec<_> = keys.into_iter().filter(|key| key.starts_with(prefix)).collect();
        assert_eq!(store.scan_keys(Table::Owed, Range::prefix(prefix), 99).unwrap(), expected);
        let reversed: Vec<_> = expected.into_iter().rev().collect();
        assert_eq!(store.scan_keys(Table::Owed, Range::prefix(prefix).reversed(), 99).unwrap(), reversed);
    }
}

fn scans_at_most_limit(store: &impl Store) {
    store.commit(&puts(Table::Calls, [("a", "1"), ("b", "2"), ("c", "3")]), Durability::Buffered).unwrap();
    for (limit, forward, backward) in
        [(0, "", ""), (1, "a", "c"), (2, "ab", "cb"), (3, "abc", "cba"), (usize::MAX, "abc", "cba")]
    {
        let joined = |range| -> String {
            let rows = store.scan(Table::Calls, range, limit).unwrap();
            rows.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect()
        };
        assert_eq!(joined(Range::all()), forward);
        assert_eq!(joined(Range::all().reversed()), backward);
    }
}

fn scans_page_by_page(store: &impl Store) {
    let ids: Vec<String> = (0..25).map(|id| format!("w1/{id:02}")).collect();
    store.commit(&puts(Table::Calls, ids.iter().map(|id| (id.as_str(), "v"))), Durability::Buffered).unwrap();
    let mut seen = Vec::new();
    let mut range = Range::prefix(b"w1/");
    loop {
        let page = store.scan_keys(Table::Calls, range.clone(), 10).unwrap();
        let Some(last) = page.last() else { break };
        range = range.after(last);
        seen.extend(page.into_iter().map(|key| String::from_utf8(key).unwrap()));
    }
    assert_eq!(seen, ids);
}

/// Every batch writes the same value everywhere, so a scan that sees two values saw half a batch.
fn readers_see_whole_batches<S: Store>(store: &S) {
    const BATCHES: u32 = 200;
    let ids: Vec<String> = (0..20).map(|id| format!("{id:02}")).collect();
    let batch = |value: u32| {
        let mut batch = Batch::new();
        for id in &ids {
            batch.put(Table::Events, id.as_str(), value.to_be_bytes());
            batch.put(Table::Owed, id.as_str(), value.to_be_bytes());
        }
        batch
    };
    store.commit(&batch(0), Durability::Buffered).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for reversed in [false, true] {
            let range = if reversed { Range::all().reversed() } else { Range::all() };
            let (done, ids) = (&done, &ids);
            scope.spawn(move || {
                while !done.load(Ordering::Acquire) {
                    let events = store.scan(Table::Events, range.clone(), 99).unwrap();
                    let owed = store.scan(Table::Owed, range.clone(), 99).unwrap();
                    assert_eq!((events.len(), owed.len()), (ids.len(), ids.len()));
                    assert!(
                        events.iter().all(|(_, value)| *value == events[0].1),
                        "half a batch: {events:?}"
                    );
                    assert!(owed[0].1 >= events[0].1, "time ran backwards between two scans");
                }
            });
        }
        for value in 1..=BATCHES {
            store.commit(&batch(value), Durability::Buffered).unwrap();
        }
        done.store(true, Ordering::Release);
    });
}

fn readers_see_what_was_acknowledged<S: Store>(store: &S) {
    thread::scope(|scope| {
        for writer in 0..4 {
            scope.spawn(move || {
                for number in 0..50 {
                    let key = format!("{writer}/{number:03}");
                    store.commit(&puts(Table::Events, [(key.as_str(), "v")]), Durability::Buffered).unwrap();
                    assert!(store.read(Table::Events, key.as_bytes()).unwrap().is_some());
                    let prefix = format!("{writer}/");
                    let newest = Range::prefix(prefix.as_bytes()).reversed();
                    assert_eq!(keys(store, Table::Events, newest).first(), Some(&key));
                }
            });
        }
    });
    assert_eq!(keys(store, Table::Events, Range::all()).len(), 200);
}

fn puts<'a>(table: Table, rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> Batch {
    let mut batch = Batch::new();
    for (key, value) in rows {
        batch.put(table, key, value);
    }
    batch
}

fn keys(store: &impl Store, table: Table, range: Range<'_>) -> Vec<String> {
    let keys = store.scan_keys(table, range, usize::MAX).unwrap();
    keys.into_iter().map(|key| String::from_utf8(key).unwrap()).collect()
}
