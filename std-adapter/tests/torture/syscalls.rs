//! Killed exactly at the Nth call of the operating system, by strace: at seams that a timer never hits.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::chance::Chance;
use super::ledger::{Ledger, Load};
use super::programs::{output_of, skip};
use super::rounds;
use super::support::{self, Process};

/// Calls at which the server is killed, and about how many of them one of its threads makes: while it makes a new store
/// and comes up, and later until it has come up. strace counts for each thread.
const CALLS: [(&str, u64, u64); 8] = [
    ("fsync", 280, 10),
    ("fdatasync", 3, 3),
    ("write,pwrite64", 400, 10),
    ("rename,renameat,renameat2", 30, 3),
    ("openat", 650, 330),
    ("ftruncate", 3, 3),
    ("mkdir", 42, 3),
    ("unlink,unlinkat", 30, 3),
];
/// Calls that it makes while it takes events, and at which of them it is killed at the latest.
const CALLS_AT_WORK: [(&str, u64); 3] = [("fdatasync", 60), ("write,pwrite64", 200), ("openat", 40)];
const PUBLISHERS: u64 = 4;
/// Events that each publisher publishes at the most until the server is killed.
const EVENTS: u64 = 30;

/// A data directory through several lives of the server.
struct Lives<'a> {
    data: &'a Path,
    ledger: Arc<Ledger>,
    chance: Chance,
}

impl Lives<'_> {
    /// One life in the course of which the server is killed at a call, if it gets that far. It takes events meanwhile.
    fn live(&self, space: &str, calls: &str, number: u64) {
        println!("{space}: killed at {calls} number {number} of a thread");
        let trace = format!("trace={calls}");
        let inject = format!("inject={calls}:signal=KILL:when={number}");
        // With -D the server stays our child; strace writes nothing about itself.
        let strace =
            ["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", &trace, "-e", &inject];
        let Ok(mut server) = Process::try_start(support::under(&strace, &support::serve(self.data))) else {
            return;
        };
        if self.ledger.define(&server, space) {
            Load::start(&self.ledger, server.address, space, PUBLISHERS, EVENTS).wait();
        }
        server.kill();
    }

    fn play(&self) -> Process {
        let (call, most, _) = self.chance.pick(&CALLS);
        self.live("creation", call, self.chance.between(1, most + 1));
        for life in 0..2 {
            let (call, most) = self.chance.pick(&CALLS_AT_WORK);
            self.live(&format!("work-{life}"), call, self.chance.between(1, most + 1));
            let (call, _, most) = self.chance.pick(&CALLS);
            self.live(&format!("recovery-{life}"), call, self.chance.between(1, most + 1));
        }
        Process::serve(self.data, &[])
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_killed_at_a_system_call() {
    if let Err(cause) = output_of(Command::new("strace").args(["-D", "true"]).stdin(Stdio::null())) {
        return skip("kills at system calls", &*cause);
    }
    rounds::play(6, |chance| {
        let data = tempfile::tempdir().unwrap();
        let lives = Lives { data: data.path(), ledger: Ledger::open(), chance };
        lives.ledger.audit(&lives.play());
    });
}
