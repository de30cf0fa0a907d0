//! Disks that fail while the server runs: full to the last block, read-only, or with an error at a sync.

use std::fs::{self, File};
use std::process::Command;
use std::sync::Arc;

use super::disk::Disk;
use super::ledger::{Event, Ledger, Load, Told, wait_until};
use super::programs::{output_of, skip};
use super::support::{self, Answer, Process};

/// Room for the journals, and for what the server wants to be free.
const DISK_MEBIBYTES: u64 = 512;
/// Events that are on their way when the disk fails.
const UNDER_WAY: u64 = 4;

/// A server with a webhook that has not answered yet, on a disk that is to fail.
struct Scene {
    disk: Disk,
    ledger: Arc<Ledger>,
    server: Process,
    log: std::path::PathBuf,
}

impl Scene {
    fn new(disk: Disk) -> Scene {
        let log = disk.path().with_file_name("log");
        let mut command = support::serve(&disk.path().join("data"));
        command.stderr(File::create(&log).unwrap());
        let server = Process::start(command);
        let ledger = Ledger::open();
        assert!(ledger.define(&server, "s"));
        // An endpoint that has answered may have several attempts under way.
        ledger.publish_row(server.address, "s", "before", UNDER_WAY);
        ledger.audit(&server);
        ledger.hold(true);
        ledger.publish_row(server.address, "s", "under-way", UNDER_WAY);
        wait_until(|| ledger.all_arrived(1), || "the attempts did not arrive".to_owned());
        Scene { disk, ledger, server, log }
    }

    fn publish(&self, name: &str) -> Told {
        let event = Event { space: "s".to_owned(), name: name.to_owned(), number: 0 };
        self.ledger.publish(self.server.address, event)
    }

    /// Events are refused for this reason, as long as it lasts.
    fn assert_refuses(&self, reason: &str) {
        for number in 0..3 {
            let told = self.publish(&format!("refused-{number}"));
            let Told::Refused(refusal) = told else { panic!("{told:?}") };
            assert_refusal(&refusal);
            assert!(refusal.body.to_string().contains(reason), "{refusal:?}");
        }
        let (status, body) = self.server.send("GET", "/readyz", &[], "").unwrap();
        assert!(status == 503 && body.to_string().contains(reason), "{status} {body}");
    }

    fn wait_until_logged(&self, text: &str) {
        let log = || fs::read_to_string(&self.log).unwrap();
        wait_until(|| log().contains(text), || format!("the log does not say {text:?}: {}", log()));
    }
}

#[test]
fn full_disk_refuses_events_and_goes_on_by_itself() {
    let scene = match Disk::new(DISK_MEBIBYTES) {
        Ok(disk) => Scene::new(disk),
        Err(cause) => return skip("full disks", &*cause),
    };
    let filling = scene.disk.fill();
    scene.assert_refuses("full");
    // The outcomes of what is under way have nowhere to go.
    scene.ledger.hold(false);
    scene.wait_until_logged("the outcome of an attempt cannot be written yet");
    scene.assert_refuses("full");
    fs::remove_file(filling).unwrap();
    wait_until(|| matches!(scene.publish("later"), Told::Accepted), || "it does not go on".to_owned());
    scene.ledger.audit(&scene.server);
    assert_eq!(scene.ledger.repeated(), 0);
    assert_eq!(scene.server.terminate().0, Some(0));
}

/// Linux lets only itself make a disk read-only that is being written to: when it finds it damaged. Of late it does not
/// tell before somebody writes, so the process may end.
#[test]
fn read_only_disk_refuses_events_and_keeps_what_was_acknowledged() {
    let scene = match Disk::new(DISK_MEBIBYTES) {
        Ok(disk) => Scene::new(disk),
        Err(cause) => return skip("read-only disks", &*cause),
    };
    scene.disk.remount("abort");
    let Told::Refused(refusal) = scene.publish("refused") else { panic!("not refused") };
    assert_refusal(&refusal);
    scene.ledger.hold(false);
    let Scene { disk, ledger, mut server, log: _ } = scene;
    server.kill();
    disk.restore_power();
    disk.remount("ro");
    let (data, log) = (disk.path().join("data"), disk.path().with_file_name("log"));
    let mut command = support::serve(&data);
    command.stderr(File::create(&log).unwrap());
    assert!(Process::try_start(command).is_err());
    let said = fs::read_to_string(&log).unwrap();
    assert!(said.to_lowercase().contains("read-only"), "{said}");
    disk.remount("rw");
    ledger.audit(&Process::serve(&data, &[]));
}

fn assert_refusal(answer: &Answer) {
    assert!([503, 507].contains(&answer.status), "{answer:?}");
    assert!(answer.head.to_lowercase().contains("\r\nretry-after: "), "{answer:?}");
}

/// A sync that fails ends the process: what the disk holds then is not known, so nothing more is acknowledged.
#[test]
fn failed_sync_ends_the_process_and_is_not_tried_again() {
    if let Err(cause) = output_of(Command::new("strace").args(["-D", "true"])) {
        return skip("syncs that fail", &*cause);
    }
    for failing in [3, 9, 20] {
        let trace = fail("fdatasync", "EIO", failing);
        assert!(!trace.contains("fdatasync("), "{trace}");
    }
}

/// So does a write to the journal that fails, or takes only a part: the next starts behind bytes that nobody knows.
#[test]
fn failed_write_ends_the_process_and_what_was_acknowledged_stays() {
    if let Err(cause) = output_of(Command::new("strace").args(["-D", "true"])) {
        return skip("writes that fail", &*cause);
    }
    for (error, failing) in [("EIO", 3), ("EIO", 25), ("ENOSPC", 9)] {
        fail("write", error, failing);
    }
}

/// The Nth of these calls on the journal fails while events come in; later ones would not. Answers with what the process
/// still asked of the journal after that.
fn fail(call: &str, error: &str, failing: u64) -> String {
    let dir = tempfile::tempdir().unwrap();
    let (data, trace, log) = (dir.path().join("data"), dir.path().join("trace"), dir.path().join("log"));
    let ledger = Ledger::open();
    // The store is there, so that the syncs of its creation need not be counted.
    let mut server = Process::serve(&data, &[]);
    assert!(ledger.define(&server, "s"));
    server.kill();
    let journal = data.join("store/engine/0.jnl");
    assert!(journal.is_file(), "{}", journal.display());
    let inject = format!("inject={call}:error={error}:when={failing}");
    let strace =
        ["strace", "-D", "-f", "-qq", "-o", trace.to_str().unwrap(), "-P", journal.to_str().unwrap()];
    let strace = [&strace[..], &["-e", "trace=write,fsync,fdatasync", "-e", &inject]].concat();
    let mut command = support::under(&strace, &support::serve(&data));
    command.stderr(File::create(&log).unwrap());
    let mut server = Process::start(command);
    Load::start(&ledger, server.address, "s", 4, 100).wait();
    let ended = server.child.wait().unwrap();
    assert_eq!(ended.code(), Some(1), "{}", fs::read_to_string(&log).unwrap());
    let log = fs::read_to_string(&log).unwrap();
    assert!(log.contains("stopping: the store could not use its files"), "{log}");
    let trace = fs::read_to_string(trace).unwrap();
    let (_, after) = trace.split_once("(INJECTED)").expect(&trace);
    ledger.audit(&Process::serve(&data, &[]));
    after.to_owned()
}
