//! Killing a process that uses the store: while it creates it, while it opens it, and while it writes to it.
//!
//! The process is this test binary, started again with a role in its environment.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use bellwire::store::{Batch, Durability, FjallStore, Range, Store, StoreError, Table};

const ROLE: &str = "BELLWIRE_TEST_STORE_ROLE";
const DIR: &str = "BELLWIRE_TEST_STORE_DIR";

/// Large enough that a record passes the engine's buffers in several writes.
const VALUE_BYTES: usize = 20_000;

/// Starts this binary as another process that runs one test, [`other_process`], in the given role.
fn start(role: &str, dir: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "crash::other_process", "--nocapture"])
        .env(ROLE, role)
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test of its own: what the other process does. Passes when run without a role.
#[test]
fn other_process() {
    let Ok(role) = env::var(ROLE) else { return };
    let store = FjallStore::open(&PathBuf::from(env::var_os(DIR).unwrap())).unwrap();
    match role.as_str() {
        "open" => println!("opened"),
        "write buffered" => write_forever(&store, |_| Durability::Buffered),
        "write mixed" => write_forever(&store, |number| match number % 7 {
            0 => Durability::Synced,
            _ => Durability::Buffered,
        }),
        "write until it fails" => write_until_it_fails(&store),
        role => panic!("no role {role}"),
    }
}

/// Writes numbered records, and says each number as soon as it is acknowledged.
fn write_forever(store: &FjallStore, durability: impl Fn(u64) -> Durability) {
    for number in next_number(store).. {
        let mut batch = Batch::new();
        for table in [Table::Events, Table::Owed] {
            batch.put(table, number.to_be_bytes(), vec![number as u8; VALUE_BYTES]);
        }
        store.commit(&batch, durability(number)).unwrap();
        println!("ack {number}");
    }
}

/// Writes until the operating system refuses, and checks that the store takes no more then but still reads.
fn write_until_it_fails(store: &FjallStore) {
    let commit = |number: u64| {
        let mut batch = Batch::new();
        batch.put(Table::Events, number.to_be_bytes(), vec![number as u8; 1_000_000]);
        store.commit(&batch, Durability::Synced)
    };
    let (failed, error) = (0..).find_map(|number| Some((number, commit(number).err()?))).unwrap();
    assert!(matches!(error, StoreError::Io(_)) && !error.is_passing(), "{error:?}");
    assert!(matches!(commit(failed), Err(StoreError::Stopped)));
    let mut removal = Batch::new();
    removal.remove(Table::Events, 0u64.to_be_bytes());
    assert!(matches!(store.commit(&removal, Durability::Buffered), Err(StoreError::Stopped)));
    assert_eq!(next_number(store), failed);
    println!("ack {failed}");
}

fn next_number(store: &FjallStore) -> u64 {
    let last = store.scan_keys(Table::Events, Range::all().reversed(), 1).unwrap();
    last.first().map_or(0, |key| u64::from_be_bytes(key[..].try_into().unwrap()) + 1)
}

/// Lets the writer acknowledge some records, kills it, and returns the last number it acknowledged.
fn kill_after(mut writer: Child, acknowledged: usize) -> u64 {
    let mut last = None;
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut number = || lines.find_map(|line| line.strip_prefix("ack ")?.parse().ok());
    for _ in 0..acknowledged {
        last = Some(number().expect("the writer goes on until it is killed"));
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    // What it said before it died counts as well, however far it got.
    while let Some(later) = number() {
        last = Some(later);
    }
    last.unwrap()
}

/// Everything up to `last` is there in both tables, and nothing is half there.
fn assert_whole(store: &FjallStore, last: u64) {
    let (events, owed) = (next_number(store), store.scan(Table::Owed, Range::all(), usize::MAX).unwrap());
    assert!(events > last, "acknowledged {last}, found {events}");
    assert_eq!(owed.len() as u64, events);
    for (number, (key, value)) in owed.into_iter().enumerate() {
        assert_eq!(key, (number as u64).to_be_bytes());
        assert!(value == vec![number as u8; VALUE_BYTES]);
        assert!(store.read(Table::Events, &key).unwrap().unwrap() == value);
    }
}

fn writer_killed(role: &str) {
    let dir = tempfile::tempdir().unwrap();
    for acknowledged in [1, 7, 40, 150, 20] {
        let last = kill_after(start(role, dir.path()), acknowledged);
        assert_whole(&FjallStore::open(dir.path()).unwrap(), last);
    }
}

#[test]
fn killed_writer_loses_nothing_buffered() {
    writer_killed("write buffered");
}

#[test]
fn killed_writer_loses_nothing_synced() {
    writer_killed("write mixed");
}

/// Kills at moments spread over the time a creation takes here, from the start of the process on.
#[test]
fn killed_while_creating_or_opening() {
    const ROUNDS: u32 = 20;
    let time_of = |dir: &Path| {
        let begin = std::time::Instant::now();
        assert!(start("open", dir).wait().unwrap().success());
        begin.elapsed()
    };
    let whole = tempfile::tempdir().unwrap();
    let time = time_of(whole.path()).min(Duration::from_secs(2));
    let mut interrupted = 0;
    for round in 0..ROUNDS {
        let dir = tempfile::tempdir().unwrap();
        for attempt in 1..=2 {
            let mut opening = start("open", dir.path());
            thread::sleep(time * round / ROUNDS / attempt);
            opening.kill().unwrap();
            interrupted += usize::from(!opening.wait().unwrap().success());
        }
        drop(FjallStore::open(dir.path()).unwrap());
        drop(FjallStore::open(dir.path()).unwrap());
    }
    assert!(interrupted > 0, "no process was caught in the act");
}

/// No file may grow beyond what a journal has at first, so that a write to the journal fails half way.
#[cfg(unix)]
#[test]
fn failed_write_stops_the_store_and_loses_nothing() {
    const BLOCKS: u32 = 64 * 1024 * 1024 / 512;
    let dir = tempfile::tempdir().unwrap();
    let limited = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "trap '' XFSZ; ulimit -f {BLOCKS}; exec \"$0\" --exact crash::other_process --nocapture"
        ))
        .arg(env::current_exe().unwrap())
        .env(ROLE, "write until it fails")
        .env(DIR, dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&limited.stdout);
    let acknowledged: u64 =
        said.lines().find_map(|line| line.strip_prefix("ack ")?.parse().ok()).expect(&said);
    let store = FjallStore::open(dir.path()).unwrap();
    assert_eq!(next_number(&store), acknowledged);
    for number in 0..acknowledged {
        assert!(
            store.read(Table::Events, &number.to_be_bytes()).unwrap().unwrap()
                == vec![number as u8; 1_000_000]
        );
    }
}
