//! What goes wrong on our side: a page with the request's id, and nothing of the cause.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bellwire::config::Settings;
use bellwire::node::Node;
use bellwire::store::{Batch, Durability, MemoryStore, Range, Row, Store, StoreError, Table};
use serde_json::json;

use super::support::{ADMIN, Endpoint, SPACE, Server, definition_path, settings};
use super::visitor::{Visitor, text};

/// A store in memory that can be read no more when told so.
#[derive(Clone, Default)]
struct Unreadable {
    inner: Arc<MemoryStore>,
    broken: Arc<AtomicBool>,
}

impl Unreadable {
    fn check(&self) -> Result<(), StoreError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(StoreError::Io(Arc::new(io::Error::other("the disk is on fire"))));
        }
        Ok(())
    }
}

impl Store for Unreadable {
    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), StoreError> {
        self.check()?;
        self.inner.commit(batch, durability)
    }

    fn read(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.check()?;
        self.inner.read(table, key)
    }

    fn scan(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.check()?;
        self.inner.scan(table, range, limit)
    }

    fn scan_keys(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.check()?;
        self.inner.scan_keys(table, range, limit)
    }
}

#[tokio::test]
async fn a_failing_store_makes_a_page_that_says_so() {
    let store = Unreadable::default();
    let server = Server::around(Node::start_with(settings(), store.clone()).await.unwrap()).await;
    let admin = Visitor::with(&server, ADMIN).await;
    store.broken.store(true, Ordering::SeqCst);
    let space = format!("/app/spaces/{SPACE}");
    let made = [("name", "n"), ("url", "https://example.com/"), ("scope", "all")];
    for page in [
        admin.get(&server, &format!("{space}/events")).await,
        admin.post(&server, &format!("{space}/webhooks"), &made).await,
    ] {
        let html = text(&page);
        assert_eq!(page.status, 503, "{html}");
        assert!(html.contains(page.header("x-contentful-request-id").unwrap()), "{html}");
        assert!(html.contains("The store cannot be used just now") && !html.contains("on fire"), "{html}");
        assert!(page.header("content-security-policy").is_some());
    }
}

#[tokio::test]
async fn a_webhook_that_the_server_switched_off_says_why() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    server.webhook("w", &json!({"name": "w", "url": endpoint.url(), "topics": ["*.*"]})).await;
    endpoint.answer_statuses(&[410]);
    server.publish("Entry.publish", &json!({})).await.ok();
    let definition = definition_path("w");
    let off = async { while server.get(&definition).await.ok()["active"] == true {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), off).await.expect("it is switched off");
    let admin = Visitor::with(&server, ADMIN).await;
    let space = format!("/app/spaces/{SPACE}/webhooks");
    let list = text(&admin.get(&server, &space).await);
    assert!(list.contains(">switched off</span>"), "{list}");
    let page = text(&admin.get(&server, &format!("{space}/w/calls")).await);
    assert!(page.contains("The server switched this webhook off: ") && page.contains("410 Gone"), "{page}");
}

#[tokio::test]
async fn pages_share_the_allowance_of_their_token() {
    let server = Server::start_with(Settings { rate_limit: 3, ..settings() }).await;
    let admin = Visitor::with(&server, ADMIN).await;
    let path = format!("/app/spaces/{SPACE}/events");
    let slow = async {
        loop {
            let page = admin.get(&server, &path).await;
            if page.status == 429 {
                return page;
            }
        }
    };
    let page = tokio::time::timeout(std::time::Duration::from_secs(20), slow).await.expect("it runs out");
    assert!(text(&page).contains("Too many requests with this token"));
}
