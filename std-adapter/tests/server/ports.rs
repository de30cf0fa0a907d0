//! A node between ports of the tests': the network answers by script, the clock is set.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwire::clock::{Clock, RuntimeClock};
use bellwire::config::Settings;
use bellwire::net::{Exchange, OutgoingRequest, ReceivedResponse, Sending, Timing};
use bellwire::node::{Node, Ports};
use bellwire::random::Dice;
use bellwire::store::MemoryStore;
use bellwire_core::call::Outcome;
use serde_json::{Value, json};

use super::support::{Server, settings};

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
    let node = Node::start_between(settings, MemoryStore::new(), ports).await.unwrap();
    let server = Server::around(node).await;
    server.webhook("w", &json!({"name": "w", "url": "http://192.0.2.1/", "topics": ["*.*"]})).await;
    (server, network, clock)
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
