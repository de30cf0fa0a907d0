//! A store that fails: what callers hear, and what the node does.

use std::io;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bellwire::config::Settings;
use bellwire::node::Node;
use bellwire::store::{Batch, Durability, MemoryStore, Range, Row, Store, StoreError, Table};
use hyper::Method;
use serde_json::json;
use tokio::net::TcpListener;

use super::support::{SPACE, Server, definition_path, settings};

const WELL: u8 = 0;
const FULL: u8 = 1;
const BROKEN: u8 = 2;

/// A store in memory that fails when told to.
#[derive(Clone)]
struct Faulty {
    inner: Arc<MemoryStore>,
    state: Arc<AtomicU8>,
    failures: Arc<Mutex<u32>>,
    /// Events for which there is room.
    events_left: Arc<AtomicUsize>,
}

impl Faulty {
    fn new() -> Faulty {
        let events_left = Arc::new(AtomicUsize::new(usize::MAX));
        Faulty { inner: Arc::default(), state: Arc::default(), failures: Arc::default(), events_left }
    }

    fn has_room_for(&self, batch: &Batch) -> bool {
        let events = batch.changes().filter(|(table, ..)| *table == Table::Events).count();
        let take = |left: usize| left.checked_sub(events);
        self.events_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok()
    }
}

impl Store for Faulty {
    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), StoreError> {
        let failure = match self.state.load(Ordering::SeqCst) {
            WELL if self.has_room_for(batch) => return self.inner.commit(batch, durability),
            WELL | FULL => StoreError::Full,
            _ => StoreError::Io(Arc::new(io::Error::other("the disk is on fire"))),
        };
        *self.failures.lock().unwrap() += 1;
        Err(failure)
    }

    fn check_room(&self, _bytes: usize) -> Result<(), StoreError> {
        if self.state.load(Ordering::SeqCst) == FULL { Err(StoreError::Full) } else { Ok(()) }
    }

    fn read(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.read(table, key)
    }

    fn scan(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.inner.scan(table, range, limit)
    }

    fn scan_keys(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.inner.scan_keys(table, range, limit)
    }
}

#[tokio::test]
async fn nothing_is_answered_202_that_could_not_be_written() {
    let faulty = Faulty::new();
    let server = Server::around(Node::start_with(settings(), faulty.clone()).await.unwrap()).await;

    faulty.state.store(FULL, Ordering::SeqCst);
    let refused = server.publish("Entry.publish", &json!({})).await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    let object = refused.error(503, "ServiceUnavailable");
    assert!(object["message"].as_str().unwrap().contains("full"), "{object}");
    let definition = json!({"name": "w", "url": "http://127.0.0.1:9/", "topics": ["*.*"]});
    server.put(&definition_path("w"), &definition).await.error(503, "ServiceUnavailable");
    server.get(&definition_path("w")).await.error(404, "NotFound");
    assert_eq!(server.get("/readyz").await.status, 503);
    assert_eq!(server.get("/healthz").await.status, 200);

    faulty.state.store(WELL, Ordering::SeqCst);
    assert_eq!(server.publish("Entry.publish", &json!({})).await.status, 202);

    faulty.state.store(BROKEN, Ordering::SeqCst);
    let object = server.publish("Entry.publish", &json!({})).await.error(503, "ServiceUnavailable");
    assert!(!object.to_string().contains("on fire"), "the cause is for the log: {object}");
    assert!(matches!(server.node.failed().await, StoreError::Io(_)));
    assert_eq!(server.get("/readyz").await.status, 503);
    assert_eq!(*faulty.failures.lock().unwrap(), 2);
    assert_eq!(server.get(&format!("/spaces/{SPACE}")).await.status, 200);
}

#[tokio::test]
async fn what_is_refused_of_a_bulk_request_leaves_nothing_behind() {
    const EVENTS: usize = 200;
    const WEBHOOKS: usize = 100;
    let faulty = Faulty::new();
    let server = Server::around(Node::start_with(settings(), faulty.clone()).await.unwrap()).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    for number in 0..WEBHOOKS {
        server.webhook(&format!("w{number}"), &json!({"name": "w", "url": url, "topics": ["*.*"]})).await;
    }
    // All that they owe is more than is made durable together.
    faulty.events_left.store(EVENTS - 1, Ordering::SeqCst);
    let lines = "{\"topic\": \"Entry.publish\", \"payload\": {}}\n".repeat(EVENTS);
    let kind = [("Content-Type", "application/x-ndjson")];
    let answer = server.send(Method::POST, &format!("/spaces/{SPACE}/events"), &kind, lines).await.ok();
    let items = answer["items"].as_array().unwrap();
    let accepted = items.iter().take_while(|item| item.get("webhooks").is_some()).count();
    assert!((1..EVENTS).contains(&accepted), "{accepted}");
    assert!(items[accepted..].iter().all(|item| item["status"] == 503), "{}", items[accepted]);
    assert_eq!(items.len(), EVENTS);
    let rows = |table| faulty.inner.scan_keys(table, Range::all(), usize::MAX).unwrap().len();
    assert_eq!((rows(Table::Events), rows(Table::Owed)), (accepted, accepted * WEBHOOKS));
    assert_eq!(server.node.app().deliveries.backlog(), (accepted * WEBHOOKS) as u64);
}

#[tokio::test]
async fn events_are_refused_while_as_many_deliveries_are_owed_as_may_be() {
    let server = Server::start_with(Settings { backlog: 3, ..settings() }).await;
    // Nothing is delivered: the endpoint never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    server.webhook("w", &json!({"name": "w", "url": url, "topics": ["*.*"]})).await;
    for _ in 0..3 {
        assert_eq!(server.publish("Entry.publish", &json!({})).await.status, 202);
    }
    let refused = server.publish("Entry.publish", &json!({})).await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    refused.error(503, "ServiceUnavailable");
    assert_eq!(server.get("/readyz").await.status, 503);
    let metrics = String::from_utf8(server.get("/metrics").await.body).unwrap();
    for line in ["bellwire_backlog 3", "bellwire_events_refused_total 1"] {
        assert!(metrics.contains(line), "{metrics}");
    }
    assert_eq!(server.delete(&definition_path("w")).await.status, 204);
}

#[tokio::test]
async fn a_node_that_was_stopped_has_let_go_of_its_store() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let settings = Settings { data: dir.path().join("data"), ..settings() };
        Node::start(settings).await.unwrap().stop().await;
    }
}
