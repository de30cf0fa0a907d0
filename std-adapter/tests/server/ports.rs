//! A node between ports of the tests': the network answers by script, the clock is set.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwire::clock::{Clock, RuntimeClock};
use bellwire::config::Settings;
use bellwire::limits::FAILURES_MAX;
use bellwire::net::{Exchange, OutgoingRequest, ReceivedResponse, Sending, Timing};
use bellwire::node::{Node, Ports};
use bellwire::random::Dice;
use bellwire::store::{FjallStore, MemoryStore, Store};
use bellwire_core::call::Outcome;
use serde_json::{Value, json};

use super::support::{SPACE, Server, settings};

/// A moment in 2030.
const NOW_MS: u64 = 1_900_000_000_000;

/// What was sent, and what is answered; 200 when the script is at its end.
#[derive(Default)]
struct Network {
    sent: Mutex<Vec<OutgoingRequest>>,
    script: Mutex<VecDeque<Outcome>>,
}

impl Network {
    fn send(&self, request: OutgoingRequest) -> Exchange {
        self.sent.lock().unwrap().push(request);
        let outcome = self.script.lock().unwrap().pop_front().unwrap_or(Outcome::Response { status: 200 });
        let response = match outcome {
            Outcome::Response { status } => {
                Some(ReceivedResponse { status, headers: Vec::new(), body: Vec::new(), truncated: false })
            }
            _ => None,
        };
        let error = response.is_none().then(|| "scripted".to_owned());
        Exchange { outcome, response, error, timing: Timing::default() }
    }

    fn attempts(&self) -> Vec<String> {
        let name = "X-Contentful-Webhook-Request-Attempt";
        let number = |request: &OutgoingRequest| {
            request.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
        };
        self.sent.lock().unwrap().iter().filter_map(number).collect()
    }
}

/// A server on a scripted network, with one webhook for everything.
async fn start(script: &[Outcome]) -> (Server, Arc<Network>, Arc<RuntimeClock>) {
    start_with(settings(), script).await
}

async fn start_with(settings: Settings, script: &[Outcome]) -> (Server, Arc<Network>, Arc<RuntimeClock>) {
    let (server, network, clock) = start_on(MemoryStore::new(), settings, script).await;
    server.webhook("w", &json!({"name": "w", "url": "http://192.0.2.1/", "topics": ["*.*"]})).await;
    (server, network, clock)
}

async fn start_on(
    store: impl Store + 'static,
    settings: Settings,
    script: &[Outcome],
) -> (Server, Arc<Network>, Arc<RuntimeClock>) {
    let network =
        Arc::new(Network { script: Mutex::new(script.iter().copied().collect()), ..Network::default() });
    let clock = Arc::new(RuntimeClock::starting_at(NOW_MS));
    let answering = network.clone();
    let transport = move |request: OutgoingRequest| -> Sending<'static> {
        let network = answering.clone();
        Box::pin(async move { network.send(request) })
    };
    let ports =
        Ports { clock: clock.clone(), dice: Arc::new(Dice::seeded(1)), transport: Arc::new(transport) };
    let node = Node::start_between(settings, store, ports).await.unwrap();
    (Server::around(node).await, network, clock)
}

fn attempts(calls: &[Value]) -> Vec<u64> {
    calls.iter().map(|call| call["attempt"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_request_that_could_not_leave_is_no_attempt() {
    let (server, network, _) = start(&[Outcome::NoResources, Outcome::Response { status: 500 }]).await;
    server.publish("Entry.publish", &json!({})).await.ok();
    assert_eq!(attempts(&server.calls("w", 2).await), [2, 1]);
    assert_eq!(network.attempts(), ["1", "1", "2"]);
}

#[tokio::test]
async fn a_request_that_can_never_leave_is_given_up_when_its_event_is_old() {
    let (server, network, clock) = start(&[Outcome::NoResources; 2]).await;
    server.publish("Entry.publish", &json!({})).await.ok();
    while network.attempts().is_empty() {
        tokio::task::yield_now().await;
    }
    clock.set(NOW_MS + settings().event_retention.as_millis() as u64 + 1_000);
    let calls = server.calls("w", 1).await;
    assert_eq!((&calls[0]["errors"], &calls[0]["statusCode"]), (&json!(["ResourceError"]), &Value::Null));
    assert_eq!(network.attempts().len(), 2);
}

/// Ten failures in a row, an hour apart from anything that would be tried again.
fn failing() -> (Settings, Vec<Outcome>) {
    let hourly = Settings { retry_delay: Duration::from_secs(3_600), ..settings() };
    (hourly, vec![Outcome::Timeout; FAILURES_MAX as usize])
}

async fn fail(server: &Server) {
    for number in 0..FAILURES_MAX as usize {
        server.publish("Entry.publish", &json!({})).await.ok();
        server.calls("w", number + 1).await;
    }
}

#[tokio::test]
async fn deliveries_to_an_endpoint_that_is_left_alone_are_given_up_when_their_events_are_old() {
    let (settings, mut script) = failing();
    script.push(Outcome::Timeout);
    let kept_ms = settings.event_retention.as_millis() as u64;
    let (server, network, clock) = start_with(settings, &script).await;
    fail(&server).await;
    for _ in 0..3 {
        server.publish("Entry.publish", &json!({})).await.ok();
    }
    assert_eq!(network.attempts().len(), 10);
    clock.set(NOW_MS + kept_ms + 60_000);
    // The engine looks at the clock when something happens, and once a minute. The first that waits is the probe.
    server.publish("Entry.publish", &json!({})).await.ok();
    let calls = server.calls("w", 13).await;
    let errors: Vec<&Value> = calls.iter().map(|call| &call["errors"][0]).take(4).collect();
    assert_eq!(errors, ["ExpiredError", "ExpiredError", "TimeoutError", "TimeoutError"]);
    assert_eq!((network.attempts().len(), calls.len()), (11, 13), "what is young waits");
    let path = format!("/spaces/{SPACE}/webhooks/w/calls/{}", calls[0]["sys"]["id"].as_str().unwrap());
    let details = server.get(&path).await.ok();
    assert!(details["error"].as_str().unwrap().contains("left alone"), "{details}");
}

#[tokio::test]
async fn an_endpoint_that_is_left_alone_still_is_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let open = || FjallStore::open(data.path()).unwrap();
    let (settings, script) = failing();
    let (server, ..) = start_on(open(), settings.clone(), &script).await;
    server.webhook("w", &json!({"name": "w", "url": "http://192.0.2.1/", "topics": ["*.*"]})).await;
    fail(&server).await;
    server.node.stop().await;
    let (server, network, clock) = start_on(open(), settings, &[]).await;
    server.publish("Entry.publish", &json!({})).await.ok();
    let health = format!("/spaces/{SPACE}/webhooks/w/health");
    while server.get(&health).await.ok().get("paused").is_none() {
        assert_eq!(network.attempts().len(), 0);
        tokio::task::yield_now().await;
    }
    assert_eq!(network.attempts().len(), 0);
    clock.set(NOW_MS + 2 * 3_600_000);
    server.publish("Entry.publish", &json!({})).await.ok();
    assert_eq!(server.calls("w", 12).await[0]["statusCode"], 200);
    assert_eq!(server.get(&health).await.ok().get("paused"), None);
}

#[tokio::test]
async fn a_clock_that_is_set_back_holds_up_no_first_attempt() {
    let (server, network, clock) = start(&[]).await;
    server.publish("Entry.publish", &json!({})).await.ok();
    server.calls("w", 1).await;
    clock.set(NOW_MS - Duration::from_secs(86_400).as_millis() as u64);
    assert!(clock.now_ms() < NOW_MS);
    server.publish("Entry.publish", &json!({})).await.ok();
    server.calls("w", 2).await;
    assert_eq!(network.attempts(), ["1", "1"]);
}

#[tokio::test]
async fn a_clock_that_is_set_forward_brings_retries_nearer() {
    let hour = Settings { retry_delay: Duration::from_secs(3_600), ..settings() };
    let (server, network, clock) = start_with(hour, &[Outcome::Response { status: 503 }]).await;
    server.publish("Entry.publish", &json!({"n": 1})).await.ok();
    server.calls("w", 1).await;
    clock.set(NOW_MS + Duration::from_secs(86_400).as_millis() as u64);
    // The engine looks at the clock when something happens, and once a minute.
    server.publish("Entry.publish", &json!({"n": 2})).await.ok();
    server.calls("w", 3).await;
    let mut attempts = network.attempts();
    attempts.sort_unstable();
    assert_eq!(attempts, ["1", "1", "2"]);
}
