//! Few descriptors: callers hold as many connections as there are, many endpoints are called, and nothing is given up.

use std::fs::{self, File};
use std::net::TcpStream;
use std::process::Command;

use super::ledger::Ledger;
use super::programs::{output_of, skip};
use super::support::{self, Process};

/// Spaces with two webhooks each.
const SPACES: u64 = 12;
/// Events of each space.
const EVENTS: u64 = 4;
/// Connections that callers open and do not use, at the most: more than there are descriptors.
const IDLE: usize = 1_100;

#[test]
fn nothing_is_given_up_for_want_of_descriptors() {
    if let Err(cause) = output_of(Command::new("prlimit").arg("--version")) {
        return skip("few descriptors", &*cause);
    }
    for limit in [64, 256, 1_024] {
        serve_with(limit);
    }
}

fn serve_with(limit: u64) {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let limit = format!("--nofile={limit}:{limit}");
    let mut command = support::under(&["prlimit", &limit], &support::serve(&dir.path().join("data")));
    command.stderr(File::create(&log).unwrap());
    let server = Process::start(command);
    let ledger = Ledger::open();
    let spaces: Vec<String> = (0..SPACES).map(|number| format!("space-{number}")).collect();
    for space in &spaces {
        assert!(ledger.define(&server, space));
    }
    // So that something is owed when the callers come.
    ledger.hold(true);
    for space in &spaces {
        ledger.publish_row(server.address, space, "event", EVENTS);
    }
    let idle: Vec<TcpStream> = (0..IDLE).map_while(|_| connect(&server)).collect();
    ledger.hold(false);
    ledger.wait_until_delivered();
    drop(idle);
    ledger.audit(&server);
    let log = fs::read_to_string(&log).unwrap();
    assert!(log.contains("the limit of open files leaves room for fewer attempts at once"), "{log}");
    assert_eq!(ledger.repeated(), 0);
    assert_eq!(server.terminate().0, Some(0));
}

/// None when the operating system's queue of connections is full, too.
fn connect(server: &Process) -> Option<TcpStream> {
    TcpStream::connect_timeout(&server.address, std::time::Duration::from_millis(100)).ok()
}
