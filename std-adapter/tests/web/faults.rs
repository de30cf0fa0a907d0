//! What goes wrong on our side: a page with the request's id, and nothing of the cause.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bellwire::node::Node;
use bellwire::store::{Batch, Durability, MemoryStore, Range, Row, Store, StoreError, Table};

use super::support::{ADMIN, SPACE, Server, settings};
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
