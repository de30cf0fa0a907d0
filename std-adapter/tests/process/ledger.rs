//! What publishers were told and what endpoints received, and whether the two agree.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::{Answer, Process, exchange};

/// How long the deliveries owed may take after the last start.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether something has happened.
const POLL: Duration = Duration::from_millis(5);
/// Calls that the activity log of a webhook keeps.
const LOGGED_MAX: usize = 500;
/// One of so many events is large, so that the store keeps its payload apart.
const LARGE_EVERY: u64 = 8;
/// How much larger it is.
const LARGE_REPEATS: usize = 10_000;

/// How the server says that it does not know whether it accepted an event.
const NOT_KNOWN: &str = "is not known";

/// The webhooks of each space, with the topics they ask for.
const WEBHOOKS: [(&str, &str); 2] = [("all", "*.*"), ("publish", "*.publish")];

/// One event of one space: its number decides its topic and its payload, so that whoever receives it can check it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Event {
    pub(crate) space: String,
    pub(crate) name: String,
    pub(crate) number: u64,
}

impl Event {
    fn id(&self) -> String {
        format!("{}.{}.{}", self.space, self.name, self.number)
    }

    /// The event with this id.
    fn parse(id: &str) -> Option<Event> {
        let (rest, number) = id.rsplit_once('.')?;
        let (space, name) = rest.split_once('.')?;
        Some(Event { space: space.to_owned(), name: name.to_owned(), number: number.parse().ok()? })
    }

    fn topic(&self) -> &'static str {
        if self.number.is_multiple_of(2) { "Entry.publish" } else { "Entry.save" }
    }

    fn body(&self) -> String {
        let id = self.id();
        let repeats = if self.number % LARGE_EVERY == LARGE_EVERY - 1 { LARGE_REPEATS } else { 1 };
        json!({"fill": id.repeat(repeats), "sys": {"id": id}}).to_string()
    }

    /// The paths at which it is to arrive.
    fn paths(&self) -> impl Iterator<Item = String> {
        let wanted = |topic: &str| topic == "*.*" || self.number.is_multiple_of(2);
        WEBHOOKS.iter().filter(move |(_, topic)| wanted(topic)).map(|(id, _)| path(&self.space, id))
    }
}

fn path(space: &str, webhook: &str) -> String {
    format!("/{space}/{webhook}")
}

/// What a publisher was told of an event.
#[derive(Debug)]
pub(crate) enum Told {
    /// 202.
    Accepted,
    /// Something else.
    Refused(Answer),
    /// Nothing: the server went away.
    Nothing,
}

/// The numbers of the attempts that arrived, by path and event.
type Arrived = BTreeMap<(String, Event), Vec<u64>>;

/// What had arrived at some moment.
pub(crate) struct Bookmark(Arrived);

#[derive(Clone, Default)]
struct Book {
    /// Spaces that are there with all their webhooks.
    spaces: BTreeSet<String>,
    /// Events that were accepted, with the server's id.
    accepted: BTreeMap<Event, String>,
    /// Events that were answered, but not with 202.
    refused: BTreeSet<Event>,
    /// Events of which no answer came: they may be there or not.
    unanswered: BTreeSet<Event>,
    arrived: Arrived,
    /// What arrived while there was no power: it may have left before, or never.
    faint: Arrived,
    /// What arrived and should never have.
    wrong: Vec<String>,
}

/// Publishers write into it what they were told, endpoints what they received.
pub(crate) struct Ledger {
    address: SocketAddr,
    /// Whether endpoints keep their answers back.
    holds: AtomicBool,
    /// Whether what the server says and sends counts as never said and sent.
    is_dark: AtomicBool,
    book: Mutex<Book>,
}

impl Ledger {
    /// A ledger, and an endpoint that writes into it what arrives, one thread a connection.
    pub(crate) fn open() -> Arc<Ledger> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ledger = Arc::new(Ledger {
            address,
            holds: AtomicBool::new(false),
            is_dark: AtomicBool::new(false),
            book: Mutex::default(),
        });
        let shared = ledger.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let ledger = shared.clone();
                thread::spawn(move || ledger.serve(stream));
            }
        });
        ledger
    }

    /// From now on endpoints keep their answers back, or give them.
    pub(crate) fn hold(&self, holds: bool) {
        self.holds.store(holds, Ordering::SeqCst);
    }

    /// From now on the server has no power, or has it again. A machine without power says and sends nothing; this one
    /// only writes nothing any more, so what it still says is not to be counted, nor what it still sends.
    pub(crate) fn darken(&self, is_dark: bool) {
        self.is_dark.store(is_dark, Ordering::SeqCst);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        loop {
            let (head, body) = read_request(&mut reader)?;
            self.receive(&head, &body);
            while self.holds.load(Ordering::SeqCst) {
                thread::sleep(POLL);
            }
            reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()?;
        }
    }

    fn receive(&self, head: &str, body: &[u8]) {
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let attempt = header(head, "x-contentful-webhook-request-attempt").and_then(|text| text.parse().ok());
        let payload: Value = serde_json::from_slice(body).unwrap_or_default();
        let event = payload["sys"]["id"].as_str().and_then(Event::parse);
        let mut book = self.book();
        match (event, attempt) {
            (Some(event), Some(attempt)) if event.body().as_bytes() == body => {
                if !event.paths().any(|wanted| wanted == path) {
                    book.wrong.push(format!("{} came to {path}, which did not ask for it", event.id()));
                }
                let is_dark = self.is_dark.load(Ordering::SeqCst);
                let arrived = if is_dark { &mut book.faint } else { &mut book.arrived };
                arrived.entry((path, event)).or_default().push(attempt);
            }
            _ => book.wrong.push(format!("{path} received what nobody sent: {head}{payload}")),
        }
    }

    /// Makes a space with its webhooks. Answers whether the server lived to say that it has.
    pub(crate) fn define(&self, server: &Process, space: &str) -> bool {
        let mut changes = vec![(format!("/spaces/{space}"), json!({"name": space}))];
        for (id, topic) in WEBHOOKS {
            let url = format!("http://{}{}", self.address, path(space, id));
            let definition = json!({"name": id, "url": url, "topics": [topic]});
            changes.push((format!("/spaces/{space}/webhook_definitions/{id}"), definition));
        }
        let made = |(path, change): &(String, Value)| {
            let answer = server.send("PUT", path, &[], &change.to_string()).ok();
            answer
                .inspect(|(status, body)| assert!((200..300).contains(status), "{path}: {status} {body}"))
                .is_some()
        };
        let defined = changes.iter().all(made);
        if defined {
            self.book().spaces.insert(space.to_owned());
        }
        defined
    }

    /// Publishes an event and writes down what came of it.
    pub(crate) fn publish(&self, server: SocketAddr, event: Event) -> Told {
        let path = format!("/spaces/{}/events", event.space);
        let topic = [("X-Contentful-Topic", event.topic())];
        // First, because it may arrive before the answer does.
        self.book().unanswered.insert(event.clone());
        let Ok(answer) = exchange(server, "POST", &path, &topic, &event.body()) else { return Told::Nothing };
        if self.is_dark.load(Ordering::SeqCst) {
            return Told::Nothing;
        }
        let mut book = self.book();
        book.unanswered.remove(&event);
        if answer.status != 202 {
            // The one refusal after which it may be there all the same: a sync that failed.
            let is_unknown =
                answer.body["message"].as_str().is_some_and(|message| message.contains(NOT_KNOWN));
            if is_unknown { &mut book.unanswered } else { &mut book.refused }.insert(event);
            return Told::Refused(answer);
        }
        let id = answer.body["sys"]["id"].as_str().unwrap().to_owned();
        book.accepted.insert(event, id);
        Told::Accepted
    }

    /// Publishes some events, one after the other, as long as the server answers.
    pub(crate) fn publish_row(&self, server: SocketAddr, space: &str, name: &str, events: u64) {
        let event = |number| Event { space: space.to_owned(), name: name.to_owned(), number };
        (0..events).map(event).all(|event| !matches!(self.publish(server, event), Told::Nothing));
    }

    /// Events that were accepted.
    pub(crate) fn accepted(&self) -> usize {
        self.book().accepted.len()
    }

    /// What is still missing: events that were accepted and have not arrived at a webhook that asked for them.
    pub(crate) fn missing(&self) -> Vec<(String, Event)> {
        let book = self.book();
        let owed =
            book.accepted.keys().flat_map(|event| event.paths().map(move |path| (path, event.clone())));
        owed.filter(|key| !book.arrived.contains_key(key) && !book.faint.contains_key(key)).collect()
    }

    /// Whether every event that was accepted has come so many times to each webhook that asked for it.
    pub(crate) fn all_arrived(&self, times: usize) -> bool {
        self.missing().is_empty() && self.book().arrived.values().all(|attempts| attempts.len() == times)
    }

    /// Waits until every event that was accepted has come to each webhook that asked for it.
    pub(crate) fn wait_until_delivered(&self) {
        wait_until(
            || self.missing().is_empty(),
            || format!("accepted and never delivered: {:?}", self.missing()),
        );
    }

    /// Waits until everything is delivered and the activity log tells of every attempt, with what came twice of no known
    /// outcome; then nothing is owed, and nothing came that was phantom, misrouted or mangled.
    pub(crate) fn audit(&self, server: &Process) {
        wait_until(|| self.missing().is_empty(), || self.complain_of_missing(server));
        wait_until(|| self.compare_logs(server).is_ok(), || self.compare_logs(server).unwrap_err());
        wait_until_idle(server);
        let book = self.book();
        assert_eq!(book.wrong, Vec::<String>::new());
        let known = |event: &Event| book.accepted.contains_key(event) || book.unanswered.contains(event);
        let phantom = book.arrived.keys().find(|(_, event)| !known(event));
        assert_eq!(phantom, None, "was refused or never sent, and arrived");
        let calls: usize = book.arrived.values().map(Vec::len).sum();
        println!(
            "{} events accepted, {} refused, {} unanswered; {calls} calls, {} of them repeated",
            book.accepted.len(),
            book.refused.len(),
            book.unanswered.len(),
            calls - book.arrived.len(),
        );
    }

    fn compare_logs(&self, server: &Process) -> Result<(), String> {
        let book = self.book().clone();
        let mut logs = book.spaces.iter().flat_map(|space| WEBHOOKS.map(|(webhook, _)| (space, webhook)));
        logs.try_for_each(|(space, webhook)| book.compare_log(server, space, webhook))
    }

    /// Which events did not arrive, and whether the server has them.
    fn complain_of_missing(&self, server: &Process) -> String {
        let accepted = self.book().accepted.clone();
        let status = |event: &Event| {
            let path = format!("/spaces/{}/events/{}", event.space, accepted[event]);
            server.send("GET", &path, &[], "").map(|(status, _)| status)
        };
        let missing = self.missing();
        let told: Vec<_> = missing.iter().map(|(path, event)| (path, event.id(), status(event))).collect();
        format!("accepted and never delivered, with what the server says of them: {told:?}")
    }

    /// What has arrived up to now.
    pub(crate) fn bookmark(&self) -> Bookmark {
        Bookmark(self.book().arrived.clone())
    }

    /// Forgets what has arrived since then.
    pub(crate) fn return_to(&self, bookmark: &Bookmark) {
        self.book().arrived.clone_from(&bookmark.0);
    }

    /// Calls beyond the first of each delivery.
    pub(crate) fn repeated(&self) -> usize {
        self.book().arrived.values().map(|attempts| attempts.len() - 1).sum()
    }
}

impl Book {
    fn compare_log(&self, server: &Process, space: &str, webhook: &str) -> Result<(), String> {
        let path = path(space, webhook);
        let logged = logged(server, space, webhook);
        let names: BTreeMap<&str, &Event> =
            self.accepted.iter().map(|(event, id)| (id.as_str(), event)).collect();
        let mut by_event: BTreeMap<Event, Vec<(u64, Option<String>)>> = BTreeMap::new();
        for call in &logged {
            let id = call["sys"]["event"]["sys"]["id"].as_str().unwrap();
            let event = names.get(id).map_or_else(|| look_up(server, space, id), |event| (*event).clone());
            let error = call["errors"][0].as_str().map(str::to_owned);
            by_event.entry(event).or_default().push((call["attempt"].as_u64().unwrap(), error));
        }
        for (event, calls) in &mut by_event {
            calls.sort_unstable();
            let last = calls.len() as u64;
            let expected = (1..=last).map(|attempt| (attempt, (attempt < last).then(|| UNKNOWN.to_owned())));
            if !calls.iter().cloned().eq(expected) {
                return Err(format!("{path}: the log has {calls:?} of {}", event.id()));
            }
        }
        let wanted = |event: &&Event| event.space == space && event.paths().any(|wanted| wanted == path);
        if let Some(event) = self.accepted.keys().filter(wanted).find(|event| !by_event.contains_key(event)) {
            return Err(format!("{path}: the log has nothing of {}", event.id()));
        }
        for (key, attempts) in self.arrived.iter().filter(|((at, _), _)| *at == path) {
            let event = &key.1;
            let told = by_event.get(event).map_or(0, Vec::len) as u64;
            let faint = self.faint.get(key).is_some_and(|attempts| attempts.contains(&told));
            let mut attempts = attempts.clone();
            attempts.sort_unstable();
            // The endpoint saw some of the attempts, each once, and the last one, which has an outcome.
            let is_last = |last: &u64| *last == told || (*last < told && faint);
            if attempts.windows(2).any(|pair| pair[0] == pair[1]) || !attempts.last().is_some_and(is_last) {
                return Err(format!("{path}: {} arrived as {attempts:?}, the log has {told}", event.id()));
            }
        }
        Ok(())
    }
}

/// How the log says that it does not know what came of an attempt.
const UNKNOWN: &str = "UnknownOutcomeError";

/// The activity log of a webhook, which must be whole.
fn logged(server: &Process, space: &str, webhook: &str) -> Vec<Value> {
    let calls = server.ok("GET", &format!("/spaces/{space}/webhooks/{webhook}/calls?limit=1000"), "");
    let calls = calls["items"].as_array().unwrap().clone();
    assert!(calls.len() < LOGGED_MAX, "too many calls for a log that has all of them");
    calls
}

/// Which event of ours the server has under this id.
fn look_up(server: &Process, space: &str, id: &str) -> Event {
    let event = server.ok("GET", &format!("/spaces/{space}/events/{id}"), "");
    Event::parse(event["payload"]["sys"]["id"].as_str().unwrap()).unwrap()
}

/// Waits until nothing is owed and nothing under way.
pub(crate) fn wait_until_idle(server: &Process) {
    let metrics = || server.send("GET", "/metrics", &[], "").unwrap().1.to_string();
    let idle = ["bellwire_backlog 0\\n", "bellwire_attempts_in_flight 0\\n"];
    let counts = || {
        let metrics = metrics();
        let lines = metrics.split("\\n").filter(|line| !line.starts_with('#') && !line.contains("_bucket"));
        lines.collect::<Vec<_>>().join(", ")
    };
    wait_until(|| idle.iter().all(|line| metrics().contains(line)), || format!("not idle: {}", counts()));
}

/// How many deliveries the server says that it owes.
pub(crate) fn backlog(server: &Process) -> usize {
    let metrics = server.send("GET", "/metrics", &[], "").unwrap().1.to_string();
    let (_, rest) = metrics.split_once("\\nbellwire_backlog ").unwrap();
    rest.split_once("\\n").unwrap().0.parse().unwrap()
}

/// Waits until something holds, and fails with a complaint if that takes too long.
pub(crate) fn wait_until(holds: impl Fn() -> bool, complaint: impl Fn() -> String) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{}", complaint());
        thread::sleep(POLL);
    }
}

/// Publishers at work, until they are stopped, the server goes away or a number of events is reached.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    publishers: Vec<JoinHandle<()>>,
}

impl Load {
    /// Publishes to one space, with so many publishers, at most so many events each.
    pub(crate) fn start(
        ledger: &Arc<Ledger>,
        server: SocketAddr,
        space: &str,
        publishers: u64,
        most: u64,
    ) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let publish = |publisher: u64| {
            let (ledger, stop, space) = (ledger.clone(), stop.clone(), space.to_owned());
            thread::spawn(move || {
                for number in 0..most {
                    let event = Event { space: space.clone(), name: format!("p{publisher}"), number };
                    if stop.load(Ordering::SeqCst) || matches!(ledger.publish(server, event), Told::Nothing) {
                        return;
                    }
                }
            })
        };
        let publishers = (0..publishers).map(publish).collect();
        Load { stop, publishers }
    }

    /// Ends it at the next answer.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.wait();
    }

    /// Waits until all events are published, or the server is gone.
    pub(crate) fn wait(self) {
        self.publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
    }
}

/// A request's head, with an empty line at its end, and its body.
fn read_request(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut body = vec![0; header(&head, "content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}
