//! Power cuts: the data directory is on a disk of its own, and what was not synced is lost with each of them.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::chance::Chance;
use super::disk::Disk;
#[cfg(feature = "planted-bugs")]
use super::ledger::wait_until_idle;
use super::ledger::{Ledger, Load};
use super::programs::skip;
use super::rounds;
use super::support::{self, Process};

/// Cuts of a round beside the one during the first creation.
const CUTS: u64 = 5;
/// How many of a hundred cuts come while the server starts.
const CUTS_AT_START: u64 = 40;
/// Room for the journals, and for what the server wants to be free.
const DISK_MEBIBYTES: u64 = 512;
const PUBLISHERS: u64 = 4;
/// Events that each publisher publishes between two cuts at the most.
const EVENTS: u64 = 50;

/// Written and not synced before each cut.
const CONTROL: &[u8] = b"lost when the power is cut";

/// A server on a disk whose power is cut.
struct Scene {
    disk: Disk,
    ledger: Arc<Ledger>,
    chance: Chance,
}

impl Scene {
    fn new(chance: Chance) -> Scene {
        Scene { disk: Disk::new(DISK_MEBIBYTES).unwrap(), ledger: Ledger::open(), chance }
    }

    fn data(&self) -> PathBuf {
        self.disk.path().join("data")
    }

    fn sleep(&self, least_ms: u64, end_ms: u64) {
        thread::sleep(Duration::from_millis(self.chance.between(least_ms, end_ms)));
    }

    /// Cuts the power while the server comes up.
    fn cut_at_start(&self, longest_ms: u64) {
        println!("power cut at the start");
        let mut server = support::serve(&self.data()).stdout(Stdio::null()).spawn().unwrap();
        self.sleep(0, longest_ms);
        let control = self.cut();
        server.kill().unwrap();
        server.wait().unwrap();
        self.restore(control);
    }

    /// Cuts the power while events are published to this space.
    fn cut_under_load(&self, space: &str) {
        println!("power cut under load");
        let mut server = Process::serve(&self.data(), &[]);
        assert!(self.ledger.define(&server, space));
        let load = Load::start(&self.ledger, server.address, space, PUBLISHERS, EVENTS);
        self.sleep(20, 400);
        let control = self.cut();
        self.sleep(0, 50);
        server.kill();
        load.stop();
        self.restore(control);
    }

    /// Cuts the power right after something was written and not synced, which is then to be gone.
    fn cut(&self) -> PathBuf {
        // A name of its own: a file that is written a second time may be synced by the file system itself.
        let control = self.disk.path().join(format!("control-{}", self.chance.below(u64::MAX)));
        fs::write(&control, CONTROL).unwrap();
        self.ledger.darken(true);
        self.disk.cut_power();
        control
    }

    fn restore(&self, control: PathBuf) {
        self.disk.restore_power();
        self.ledger.darken(false);
        let is_there = fs::read(control).is_ok_and(|bytes| bytes == CONTROL);
        assert!(!is_there, "what was not synced is still there: the power was not cut");
    }

    fn play(&self) -> Process {
        self.cut_at_start(400);
        for cut in 0..CUTS {
            if self.chance.percent(CUTS_AT_START) {
                self.cut_at_start(250);
            } else {
                self.cut_under_load(&format!("cut-{cut}"));
            }
        }
        let server = Process::serve(&self.data(), &[]);
        assert!(self.ledger.define(&server, "end"));
        self.ledger.publish_row(server.address, "end", "later", 10);
        server
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_is_cut() {
    if let Err(cause) = Disk::new(DISK_MEBIBYTES) {
        return skip("power cuts", &*cause);
    }
    rounds::play(2, |chance| {
        let scene = Scene::new(chance);
        scene.ledger.audit(&scene.play());
    });
}

/// What makes the test above believable: that it finds a server which does not sync.
#[cfg(feature = "planted-bugs")]
#[test]
fn server_that_does_not_sync_is_found() {
    let scene = match Disk::new(DISK_MEBIBYTES) {
        Ok(_disk) => Scene::new(Chance::new(1, 0)),
        Err(cause) => return skip("power cuts", &*cause),
    };
    drop(Process::serve(&scene.data(), &[]));
    let mut command = support::serve(&scene.data());
    command.env(bellwire::planted::VARIABLE, "AcknowledgeUnsynced");
    let mut server = Process::start(command);
    scene.ledger.hold(true);
    assert!(scene.ledger.define(&server, "unsynced"));
    Load::start(&scene.ledger, server.address, "unsynced", PUBLISHERS, EVENTS).wait();
    let control = scene.cut();
    server.kill();
    scene.restore(control);
    scene.ledger.hold(false);
    let server = Process::serve(&scene.data(), &[]);
    wait_until_idle(&server);
    println!("{} deliveries lost, as they should be", scene.ledger.missing().len());
    assert!(!scene.ledger.missing().is_empty(), "nothing was lost");
}
