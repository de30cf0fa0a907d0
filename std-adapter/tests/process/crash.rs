//! `kill -9` at random moments under load: whatever was answered with 202 arrives at every matching webhook.

use std::thread;
use std::time::Duration;

use bellwire::random::Dice;

use super::ledger::{Event, Ledger, Load, Told, wait_until};
use super::support::Process;

/// Times that the server is killed.
const ROUNDS: usize = 20;
/// Publishers at once.
const PUBLISHERS: u64 = 8;
/// Events that each of them publishes in a round at the most.
const EVENTS: u64 = 25;
/// Attempts that the server may have under way at once to one endpoint: what a crash may repeat.
const IN_FLIGHT: usize = 16;

#[test]
fn nothing_acknowledged_is_lost_over_twenty_kills() {
    let data = tempfile::tempdir().unwrap();
    let ledger = Ledger::open();
    // Only the moments of the kills depend on it.
    let dice = Dice::seeded(u64::from(std::process::id()));
    let mut server = Process::serve(data.path(), &[]);
    for round in 0..ROUNDS {
        let space = format!("round-{round}");
        assert!(ledger.define(&server, &space));
        let load = Load::start(&ledger, server.address, &space, PUBLISHERS, EVENTS);
        thread::sleep(Duration::from_millis(20 + dice.roll() % 180));
        server.kill();
        load.stop();
        server = Process::serve(data.path(), &[]);
    }
    ledger.audit(&server);
    assert!(ledger.accepted() >= ROUNDS, "the load was too small to mean anything");
    assert!(ledger.repeated() <= ROUNDS * IN_FLIGHT * 2, "{} repeated calls", ledger.repeated());
    assert_eq!(server.terminate().0, Some(0));
}

#[test]
fn every_request_that_left_is_in_the_log_after_a_kill() {
    const SPACES: u64 = 4;
    const KILLS: usize = 3;
    let data = tempfile::tempdir().unwrap();
    let ledger = Ledger::open();
    ledger.hold(true);
    let mut server = Process::serve(data.path(), &[]);
    for number in 0..SPACES {
        let space = format!("space-{number}");
        assert!(ledger.define(&server, &space));
        let event = Event { space, name: "event".to_owned(), number: 0 };
        assert!(matches!(ledger.publish(server.address, event), Told::Accepted));
    }
    for kill in 1..=KILLS {
        wait_until(|| ledger.all_arrived(kill), || format!("attempt {kill} did not arrive everywhere"));
        server.kill();
        ledger.hold(kill < KILLS);
        server = Process::serve(data.path(), &[]);
    }
    // Which finds `KILLS` attempts of each delivery that read "unknown".
    ledger.audit(&server);
    assert!(ledger.all_arrived(KILLS + 1));
}
