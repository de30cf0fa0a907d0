//! Damage to the files of a store that lay still: cut off, changed or gone. It is refused by name, said, or does no harm.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::ledger::{Bookmark, Ledger, backlog, wait_until};
use super::programs::output_of;
use super::rounds;
use super::support::{self, Process};

/// Events whose deliveries are over, and events that are owed.
const DELIVERED: u64 = 20;
const OWED: u64 = 40;
/// What a message about damage says.
const COMPLAINTS: [&str; 2] = ["damaged", "has format"];

/// What it says when it does not even know what is owed.
const UNREADABLE: &str = "the deliveries owed cannot be";

/// A store that lies still, with deliveries owed.
struct Scene {
    dir: tempfile::TempDir,
    ledger: Arc<Ledger>,
    /// What had arrived when it was stopped.
    before: Bookmark,
}

impl Scene {
    fn new() -> Scene {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("whole");
        let ledger = Ledger::open();
        let mut server = Process::serve(&data, &[]);
        assert!(ledger.define(&server, "s"));
        ledger.publish_row(server.address, "s", "delivered", DELIVERED);
        ledger.audit(&server);
        ledger.hold(true);
        assert!(ledger.define(&server, "t"));
        ledger.publish_row(server.address, "t", "owed", OWED);
        server.kill();
        let before = ledger.bookmark();
        ledger.hold(false);
        Scene { dir, ledger, before }
    }

    fn whole(&self) -> PathBuf {
        self.dir.path().join("whole")
    }

    /// Writes every table into files of its own, as the engine does after some time.
    fn write_out(&self) {
        let engine = fjall::Database::builder(self.whole().join("store/engine")).open().unwrap();
        for name in engine.list_keyspace_names() {
            engine.keyspace(&name, Default::default).unwrap().rotate_memtable_and_wait().unwrap();
        }
    }

    /// The files of the store, by kind: the name without numbers.
    fn files(&self) -> BTreeMap<String, Vec<PathBuf>> {
        let mut kinds: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        let mut dirs = vec![self.whole().join("store")];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.whole()).unwrap().to_owned();
                let kind = name.to_str().unwrap().replace(|c: char| c.is_ascii_digit(), "");
                match path.is_dir() {
                    true => dirs.push(path),
                    false if is_old_manifest(&path) => {}
                    false => kinds.entry(kind).or_default().push(name),
                }
            }
        }
        kinds.values_mut().for_each(|files| files.sort());
        kinds
    }

    /// Starts the server on a copy in which `damage` was done to a file, and says what it said of it.
    fn suffer(&self, what: &str, file: &Path, damage: impl FnOnce(&Path)) -> Option<String> {
        let copy = self.dir.path().join("copy");
        output_of(Command::new("cp").args(["-a", "--sparse=always"]).args([&self.whole(), &copy])).unwrap();
        damage(&copy.join(file));
        let said = self.serve(&copy);
        println!("{what} {}: {}", file.display(), said.as_deref().unwrap_or("no harm"));
        fs::remove_dir_all(copy).unwrap();
        said
    }

    /// What the server says of the damage; nothing when everything that was acknowledged is there.
    fn serve(&self, data: &Path) -> Option<String> {
        let log = self.dir.path().join("log");
        let mut command = support::serve(data);
        command.stderr(File::create(&log).unwrap());
        self.ledger.return_to(&self.before);
        let server = Process::try_start(command);
        let said = || fs::read_to_string(&log).unwrap();
        let complaint = || {
            let log = said();
            assert!(!log.contains("panicked"), "{log}");
            log.lines().find(|line| COMPLAINTS.iter().any(|words| line.contains(words))).map(str::to_owned)
        };
        let Ok(server) = server else {
            return Some(complaint().unwrap_or_else(|| panic!("{}", fs::read_to_string(&log).unwrap())));
        };
        wait_until(
            || self.ledger.missing().is_empty() || complaint().is_some(),
            || format!("lost without a word: {:?}", self.ledger.missing()),
        );
        if complaint().is_none() {
            self.ledger.audit(&server);
            return None;
        }
        let is_owed = || self.ledger.missing().len() <= backlog(&server) || said().contains(UNREADABLE);
        wait_until(is_owed, || format!("no longer owed: {:?}", self.ledger.missing()));
        complaint()
    }
}

/// Whether it is a manifest that another one has replaced.
fn is_old_manifest(path: &Path) -> bool {
    let number = path.file_name().and_then(|name| name.to_str()?.strip_prefix('v')?.parse::<u64>().ok());
    let current = fs::read(path.with_file_name("current")).unwrap_or_default();
    number.is_some_and(|number| !current.starts_with(&number.to_le_bytes()))
}

/// A batch that the engine began to write to its journal: its start, an item's head, a key, and a value that goes on.
fn begun_batch(bytes: usize) -> Vec<u8> {
    let start = [&[1][..], &1_u32.to_le_bytes(), &u64::MAX.to_le_bytes()].concat();
    let head =
        [&[2, 0, 0][..], &6_u64.to_le_bytes(), &3_u16.to_le_bytes(), &[200, 0, 0, 0, 200, 0, 0, 0]].concat();
    let value = std::iter::repeat_n(b'v', 200);
    start.into_iter().chain(head).chain(*b"key").chain(value).take(bytes).collect()
}

/// Where the file's bytes begin to be zeros to the end: what lies behind was never written.
fn used(path: &Path) -> u64 {
    let bytes = fs::read(path).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
}

fn flip(path: &Path, at: u64, bit: u64) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at as usize] ^= 1 << bit;
    fs::write(path, bytes).unwrap();
}

fn newest_journal(files: &BTreeMap<String, Vec<PathBuf>>) -> &Path {
    let number = |path: &&PathBuf| path.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap();
    files["store/engine/.jnl"].iter().max_by_key(number).unwrap()
}

#[test]
fn flipped_bit_is_noticed_or_does_no_harm() {
    rounds::play(1, |chance| {
        let scene = Scene::new();
        scene.write_out();
        for files in scene.files().values() {
            for _ in 0..2 {
                let file = chance.pick(files);
                let used = used(&scene.whole().join(&file));
                if used > 0 {
                    let (at, bit) = (chance.below(used), chance.below(8));
                    scene.suffer(&format!("bit {bit} of byte {at} flipped in"), &file, |path| {
                        flip(path, at, bit);
                    });
                }
            }
        }
    });
}

#[test]
fn missing_file_is_noticed() {
    rounds::play(1, |chance| {
        let scene = Scene::new();
        scene.write_out();
        let files = scene.files();
        for (kind, files) in files.iter().filter(|(kind, _)| !HARMLESS.contains(&kind.as_str())) {
            let said = scene.suffer("removed", &chance.pick(files), |path| fs::remove_file(path).unwrap());
            assert!(said.is_some(), "nobody misses {kind}");
        }
        let blobs = files["store/engine/keyspaces//blobs/"][0].parent().unwrap();
        let said = scene.suffer("removed", blobs, |path| fs::remove_dir_all(path).unwrap());
        assert!(said.is_some(), "nobody misses the values");
    });
}

/// Files that may be gone: locks, and the note of how far the store was synced, without which less is missed.
const HARMLESS: [&str; 3] = ["lock", "store/synced", "store/engine/lock"];

#[test]
fn journal_that_lost_its_end_is_missed_if_that_was_acknowledged() {
    rounds::play(1, |chance| {
        let scene = Scene::new();
        let files = scene.files();
        let journal = newest_journal(&files);
        let used = used(&scene.whole().join(journal));
        for _ in 0..6 {
            // The ends of writes lie close to the end of what is used.
            let lost = chance.span_ms(1, used);
            scene.suffer(&format!("{lost} of {used} bytes lost from"), journal, |path| {
                File::options().write(true).open(path).unwrap().set_len(used - lost).unwrap();
            });
        }
        // Everything from the last event on: its acknowledgement, and all that is owed for it.
        let said = scene.suffer("half lost from", journal, |path| {
            File::options().write(true).open(path).unwrap().set_len(used / 2).unwrap();
        });
        assert!(said.is_some_and(|said| said.contains("synced commits are missing")), "nobody misses them");
    });
}

/// What a crash leaves: the beginning of a write that nobody was told of.
#[test]
fn write_that_was_never_completed_is_cut_off() {
    rounds::play(1, |chance| {
        let scene = Scene::new();
        let files = scene.files();
        let journal = newest_journal(&files);
        let used = used(&scene.whole().join(journal)) as usize;
        for _ in 0..3 {
            let begun = begun_batch(chance.between(1, 200) as usize);
            let said = scene.suffer(&format!("{} bytes of a write begun in", begun.len()), journal, |path| {
                let mut bytes = fs::read(path).unwrap();
                bytes.splice(used..(used + begun.len()).min(bytes.len()), begun.iter().copied());
                fs::write(path, bytes).unwrap();
            });
            assert_eq!(said, None);
        }
    });
}
