//! `kill -9` at random moments under load: whatever was answered with 202 arrives at every matching webhook.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::support::{Process, send};

/// Times that the server is killed.
const ROUNDS: u64 = 20;
/// Publishers at once.
const PUBLISHERS: u64 = 8;
/// Attempts that the server may have under way at once to one endpoint: what a crash may repeat.
const IN_FLIGHT: u64 = 16;
/// How long the deliveries owed may take after the last start.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often each event arrived at each path.
type Ledger = Arc<Mutex<BTreeMap<(String, String), u64>>>;

/// An endpoint that counts, one thread a connection.
fn count_calls() -> (SocketAddr, Ledger) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ledger = Ledger::default();
    let shared = ledger.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let ledger = shared.clone();
            thread::spawn(move || serve_connection(stream, &ledger));
        }
    });
    (address, ledger)
}

fn serve_connection(stream: TcpStream, ledger: &Ledger) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let path = head.split(' ').nth(1)?.to_owned();
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())?;
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let event =
            serde_json::from_slice::<serde_json::Value>(&body).ok()?["sys"]["id"].as_str()?.to_owned();
        *ledger.lock().unwrap().entry((path, event)).or_default() += 1;
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()?;
    }
}

/// Publishes until told to stop; remembers what was answered with 202.
fn publish(address: SocketAddr, prefix: String, stop: &AtomicBool, accepted: &Mutex<BTreeSet<String>>) {
    for number in 0_u64.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let event = format!("{prefix}-{number}");
        let topic = if number.is_multiple_of(2) { "Entry.publish" } else { "Entry.save" };
        let body = format!("{{\"sys\":{{\"id\":\"{event}\",\"even\":{}}}}}", number.is_multiple_of(2));
        match send(address, "POST", "/spaces/s/events", &[("X-Contentful-Topic", topic)], &body) {
            Ok((202, _)) => {
                accepted.lock().unwrap().insert(event);
            }
            Ok((status, body)) => assert!(status == 503 || status == 429, "{status} {body}"),
            Err(_) => return,
        }
    }
}

/// What is still missing: events that were accepted and have not arrived at a webhook that asked for them.
fn missing(accepted: &BTreeSet<String>, ledger: &Ledger) -> Vec<(String, String)> {
    let ledger = ledger.lock().unwrap();
    let even = |event: &String| event.rsplit('-').next().unwrap().parse::<u64>().unwrap().is_multiple_of(2);
    let everywhere = accepted.iter().map(|event| ("/all".to_owned(), event.clone()));
    let published =
        accepted.iter().filter(|event| even(event)).map(|event| ("/publish".to_owned(), event.clone()));
    everywhere.chain(published).filter(|key| !ledger.contains_key(key)).collect()
}

#[test]
fn nothing_acknowledged_is_lost_over_twenty_kills() {
    let data = tempfile::tempdir().unwrap();
    let (endpoint, ledger) = count_calls();
    let accepted = Arc::new(Mutex::new(BTreeSet::new()));
    let moment = AtomicU64::new(u64::from(std::process::id()));
    let mut server = Process::serve(data.path(), &[]);
    server.ok("PUT", "/spaces/s", "{\"name\":\"s\"}");
    for (id, topic) in [("all", "*.*"), ("publish", "*.publish")] {
        let definition =
            format!("{{\"name\":\"{id}\",\"url\":\"http://{endpoint}/{id}\",\"topics\":[\"{topic}\"]}}");
        server.ok("PUT", &format!("/spaces/s/webhook_definitions/{id}"), &definition);
    }
    for round in 0..ROUNDS {
        let stop = Arc::new(AtomicBool::new(false));
        let publishers: Vec<_> = (0..PUBLISHERS)
            .map(|publisher| {
                let (address, stop, accepted) = (server.address, stop.clone(), accepted.clone());
                thread::spawn(move || publish(address, format!("{round}-{publisher}"), &stop, &accepted))
            })
            .collect();
        thread::sleep(Duration::from_millis(20 + random(&moment) % 180));
        server.kill();
        stop.store(true, Ordering::SeqCst);
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        server = Process::serve(data.path(), &[]);
    }
    let accepted = accepted.lock().unwrap().clone();
    wait_until_delivered(&accepted, &ledger);
    report(&accepted, &ledger);
    assert_eq!(server.terminate().0, Some(0));
}

fn wait_until_delivered(accepted: &BTreeSet<String>, ledger: &Ledger) {
    let begun = Instant::now();
    while !missing(accepted, ledger).is_empty() {
        assert!(begun.elapsed() < PATIENCE, "accepted and never delivered: {:?}", missing(accepted, ledger));
        thread::sleep(Duration::from_millis(20));
    }
}

/// Counts what came more than once: at the most what was in flight at each kill, for each endpoint.
fn report(accepted: &BTreeSet<String>, ledger: &Ledger) {
    let ledger = ledger.lock().unwrap();
    let deliveries: u64 = ledger.values().sum();
    let duplicates: u64 = ledger.values().map(|times| times - 1).sum();
    println!("{} events accepted, {deliveries} calls, {duplicates} of them repeated", accepted.len());
    assert!(accepted.len() as u64 >= ROUNDS, "the load was too small to mean anything");
    assert!(duplicates <= ROUNDS * IN_FLIGHT * 2, "{duplicates} repeated calls");
    // Nobody got what it did not ask for.
    let phantom =
        ledger.keys().find(|(path, event)| path == "/publish" && event.ends_with(['1', '3', '5', '7', '9']));
    assert_eq!(phantom, None);
}

/// A number from a small generator, seeded by the process; only the moments of the kills depend on it.
fn random(state: &AtomicU64) -> u64 {
    let mut x = state.load(Ordering::SeqCst) ^ 0x9e37_79b9_7f4a_7c15;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    state.store(x, Ordering::SeqCst);
    x >> 16
}

/// What arrived, by path and number of the attempt.
type Arrivals = Arc<Mutex<BTreeSet<(String, u32)>>>;

/// An endpoint that takes requests and never answers.
fn swallow_calls() -> (SocketAddr, Arrivals) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let arrived = Arrivals::default();
    let shared = arrived.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let arrived = shared.clone();
            thread::spawn(move || swallow(stream, &arrived));
        }
    });
    (address, arrived)
}

fn swallow(stream: TcpStream, arrived: &Mutex<BTreeSet<(String, u32)>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let path = head.split(' ').nth(1)?.to_owned();
    let name = "x-contentful-webhook-request-attempt: ";
    let attempt = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix(name)?.parse().ok())?;
    arrived.lock().unwrap().insert((path, attempt));
    // Until the other side goes away.
    let _ = reader.read_to_end(&mut Vec::new());
    Some(())
}

/// The attempts that the log of a webhook has, with the names of their errors.
fn logged(server: &Process, webhook: &str) -> Vec<(u64, String)> {
    let calls = server.ok("GET", &format!("/spaces/s/webhooks/{webhook}/calls"), "");
    let items = calls["items"].as_array().unwrap();
    let mut logged: Vec<_> = (items.iter())
        .map(|call| (call["attempt"].as_u64().unwrap(), call["errors"][0].as_str().unwrap().to_owned()))
        .collect();
    logged.sort_unstable();
    logged
}

#[test]
fn every_request_that_left_is_in_the_log_after_a_kill() {
    const WEBHOOKS: u32 = 8;
    const KILLS: u32 = 3;
    let data = tempfile::tempdir().unwrap();
    let (endpoint, arrived) = swallow_calls();
    let mut server = Process::serve(data.path(), &[]);
    server.ok("PUT", "/spaces/s", "{\"name\":\"s\"}");
    for webhook in 0..WEBHOOKS {
        let definition =
            format!("{{\"name\":\"w\",\"url\":\"http://{endpoint}/w{webhook}\",\"topics\":[\"*.*\"]}}");
        server.ok("PUT", &format!("/spaces/s/webhook_definitions/w{webhook}"), &definition);
    }
    let topic = [("X-Contentful-Topic", "Entry.publish")];
    assert_eq!(server.send("POST", "/spaces/s/events", &topic, "{}").unwrap().0, 202);
    for kill in 1..=KILLS {
        let begun = Instant::now();
        while (0..WEBHOOKS).any(|webhook| !arrived.lock().unwrap().contains(&(format!("/w{webhook}"), kill)))
        {
            assert!(
                begun.elapsed() < PATIENCE,
                "attempt {kill} did not arrive: {:?}",
                arrived.lock().unwrap()
            );
            thread::sleep(Duration::from_millis(5));
        }
        server.kill();
        server = Process::serve(data.path(), &[]);
    }
    for webhook in 0..WEBHOOKS {
        let expected: Vec<_> =
            (1..=u64::from(KILLS)).map(|attempt| (attempt, "UnknownOutcomeError".to_owned())).collect();
        let begun = Instant::now();
        while logged(&server, &format!("w{webhook}")) != expected {
            let now = logged(&server, &format!("w{webhook}"));
            assert!(begun.elapsed() < PATIENCE, "the log of w{webhook} has {now:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}
