//! Large spaces: what 100 webhooks, 500 calls and bodies of 1 MB make of the pages. Bounds are on bytes; times are printed.

use std::time::Instant;

use bellwire::store::Durability;
use bellwire::store::record::{CallDetailsRecord, CallRecord, TimingRecord};
use bellwire_core::call::Outcome;
use serde_json::{Value, json};

use super::support::{ADMIN, Endpoint, SPACE, Server};
use super::visitor::Visitor;

/// Bytes that no page passes, whatever is stored.
const PAGE_BYTES_MAX: usize = 4_000_000;

/// The most memory that this process had, where the system tells.
fn resident_max() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("unknown".into(), |line| line.trim().to_owned())
}

async fn look(server: &Server, admin: &Visitor, what: &str, path: &str) -> usize {
    let began = Instant::now();
    let page = admin.get(server, path).await;
    assert_eq!(page.status, 200, "{what}");
    println!("{what}: {} kB in {:?}", page.body.len() / 1_000, began.elapsed());
    assert!(page.body.len() < PAGE_BYTES_MAX, "{what}: {}", page.body.len());
    page.body.len()
}

/// A full log for every webhook of the space, without the hours that so many calls take.
async fn fill_logs(server: &Server) {
    let app = server.node.app();
    for webhook in &app.registry.space(SPACE).unwrap().live().webhooks {
        for number in 0..500 {
            let (call, details) = call(number);
            let (_, batch) = app.calls.add(webhook.record.uid, &call, &details).await;
            app.committer.commit(batch, Durability::Buffered).await.unwrap();
        }
    }
}

fn call(number: u32) -> (CallRecord, CallDetailsRecord) {
    let call = CallRecord {
        event_id: u128::from(number),
        topic: "Entry.publish".into(),
        entity_id: Some(format!("entry-{number}")),
        attempt: 1,
        outcome: Outcome::Response { status: if number.is_multiple_of(7) { 503 } else { 200 } },
        url: "https://www.example.com/hook".into(),
        request_at_ms: 1_795_600_800_000 + u64::from(number),
        response_at_ms: Some(1_795_600_800_000 + u64::from(number) * 2),
        resent: false,
    };
    let details = CallDetailsRecord {
        method: "POST".into(),
        request_headers: Vec::new(),
        request_body: String::new(),
        request_cut: false,
        timeout_ms: 30_000,
        response: None,
        error: None,
        timing: TimingRecord::default(),
    };
    (call, details)
}

fn event_of(made: &Value) -> &str {
    made["sys"]["id"].as_str().unwrap()
}

/// The call of an event, once it is in the log.
async fn newest_of(server: &Server, webhook: &str, event: &str) -> String {
    loop {
        let newest = server.calls(webhook, 1).await.swap_remove(0);
        if newest["sys"]["event"]["sys"]["id"] == event {
            return event_of(&newest).to_owned();
        }
    }
}

#[tokio::test]
async fn pages_stay_bounded_with_100_webhooks_500_calls_and_1_mb_bodies() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    for number in 0..100 {
        let definition = json!({"name": format!("Webhook {number}"), "url": endpoint.url(), "topics": [format!("Type{number}.made")]});
        server.webhook(&format!("w{number}"), &definition).await;
    }
    fill_logs(&server).await;
    let lines: String = (0..300)
        .map(|n| format!("{{\"topic\":\"Other.made\",\"payload\":{{\"sys\":{{\"id\":\"e{n}\"}}}}}}\n"))
        .collect();
    let bulk = [("Content-Type", "application/x-ndjson")];
    server.send(hyper::Method::POST, &format!("/spaces/{SPACE}/events"), &bulk, lines).await.ok();
    let large = json!({"text": "lorem <ipsum> & \"dolor\" ".repeat(38_000), "sys": {"id": "large"}});
    let made = server.publish("Type1.made", &large).await.ok();
    endpoint.arrived(1).await;
    let call = newest_of(&server, "w1", event_of(&made)).await;
    let event = event_of(&made);
    let admin = Visitor::with(&server, ADMIN).await;
    let space = format!("/app/spaces/{SPACE}");
    println!("resident at the most before the pages: {}", resident_max());
    look(&server, &admin, "the list of 100 webhooks with 50,000 calls", &format!("{space}/webhooks")).await;
    look(&server, &admin, "the log of 500 calls", &format!("{space}/webhooks/w0/calls")).await;
    look(&server, &admin, "a call of 1 MB", &format!("{space}/webhooks/w1/calls/{call}")).await;
    look(&server, &admin, "an event of 1 MB with 100 verdicts", &format!("{space}/events/{event}")).await;
    look(&server, &admin, "the events", &format!("{space}/events")).await;
    look(&server, &admin, "a form", &format!("{space}/webhooks/w0")).await;
    let began = Instant::now();
    let typed = [("name", "n"), ("url", &*endpoint.url()), ("scope", "all")];
    let preview = admin.post(&server, &format!("{space}/preview"), &typed).await;
    println!("the preview on 200 events: {} kB in {:?}", preview.body.len() / 1_000, began.elapsed());
    assert!(preview.status == 200 && preview.body.len() < PAGE_BYTES_MAX);
    println!("resident at the most after them, store and endpoint included: {}", resident_max());
}

#[tokio::test]
async fn the_number_of_live_streams_is_bounded() {
    let server = Server::start().await;
    let admin = Visitor::with(&server, ADMIN).await;
    let request =
        format!("GET /app/spaces/{SPACE}/live HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n\r\n", admin.cookie);
    let mut open = Vec::new();
    let mut statuses = Vec::new();
    for _ in 0..66 {
        let mut socket = tokio::net::TcpStream::connect(server.node.address()).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut socket, request.as_bytes()).await.unwrap();
        let mut head = [0; 12];
        tokio::io::AsyncReadExt::read_exact(&mut socket, &mut head).await.unwrap();
        statuses.push(String::from_utf8_lossy(&head[9..]).into_owned());
        open.push(socket);
    }
    assert_eq!(statuses.iter().filter(|status| *status == "200").count(), 64);
    assert_eq!(&statuses[64..], ["503", "503"]);
    // A place is free again once its watcher is gone.
    drop(open.swap_remove(0));
    let again = async {
        loop {
            let mut socket = tokio::net::TcpStream::connect(server.node.address()).await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut socket, request.as_bytes()).await.unwrap();
            let mut head = [0; 12];
            tokio::io::AsyncReadExt::read_exact(&mut socket, &mut head).await.unwrap();
            if &head[9..] == b"200" {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), again).await.expect("a place becomes free");
}
