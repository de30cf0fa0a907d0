//! Endpoints that are in trouble, gone, busy, or moved: what the server does, and what it says of it.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bellwire::config::Settings;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::support::{Arrived, Endpoint, SPACE, Server, definition_path, settings};

fn hook(endpoint: &Endpoint) -> Value {
    json!({"name": "hook", "url": endpoint.url(), "topics": ["*.*"]})
}

fn entry(id: &str) -> Value {
    json!({"sys": {"type": "Entry", "id": id}})
}

async fn health(server: &Server, webhook: &str) -> Value {
    server.get(&format!("/spaces/{SPACE}/webhooks/{webhook}/health")).await.ok()
}

/// The health of a webhook once it says something.
async fn health_when(server: &Server, webhook: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let looking = async {
        loop {
            let health = health(server, webhook).await;
            if holds(&health) {
                return health;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), looking).await.expect("the health changes")
}

#[tokio::test]
async fn an_endpoint_that_is_gone_switches_its_webhook_off_and_says_why() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    endpoint.answer_statuses(&[410]);
    let made = server.webhook("w", &hook(&endpoint)).await;
    assert_eq!((&made["active"], made.get("orderedByEntity")), (&json!(true), None));
    server.publish("Entry.publish", &entry("a")).await.ok();
    let told = health_when(&server, "w", |health| health.get("switchedOff").is_some()).await;
    assert!(told["switchedOff"]["reason"].as_str().unwrap().contains("410"), "{told}");
    assert_eq!(told["calls"], json!({"total": 1, "healthy": 0}));
    let now = server.get(&definition_path("w")).await.ok();
    assert_eq!((&now["active"], &now["sys"]["version"]), (&json!(false), &json!(1)));
    assert_eq!(server.calls("w", 1).await[0]["errors"], json!(["ClientError"]));
    // Nobody is called until somebody switches it on again; what a client sends back unchanged keeps it off.
    assert_eq!(server.publish("Entry.publish", &entry("b")).await.ok()["webhooks"], json!([]));
    server.put_version(&definition_path("w"), 1, &now).await.ok();
    assert!(health(&server, "w").await.get("switchedOff").is_some());
    server.put_version(&definition_path("w"), 2, &hook(&endpoint)).await.ok();
    assert_eq!(health(&server, "w").await.get("switchedOff"), None);
    server.publish("Entry.publish", &entry("c")).await.ok();
    assert_eq!(endpoint.arrived(2).await[1].json(), entry("c"));
}

#[tokio::test]
async fn an_endpoint_can_ask_for_time() {
    let quick = Settings { retry_delay: Duration::from_millis(1), ..settings() };
    let (server, endpoint) = (Server::start_with(quick).await, Endpoint::start().await);
    let busy = Response::builder().status(429).header("retry-after", "1").body(Body::empty()).unwrap();
    endpoint.answer_with([busy]);
    server.webhook("w", &hook(&endpoint)).await;
    server.publish("Entry.publish", &entry("a")).await.ok();
    let calls = server.calls("w", 2).await;
    let moment = |call: &Value, name: &str| bellwire::clock::parse_iso(call[name].as_str().unwrap()).unwrap();
    assert!(moment(&calls[0], "requestAt") >= moment(&calls[1], "responseAt") + 1_000, "{calls:?}");
}

#[tokio::test]
async fn an_endpoint_that_keeps_failing_is_left_alone_probed_and_recovers() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    endpoint.answer_statuses(&[404; 3]);
    endpoint.answer_statuses(&[500; 12]);
    server.put("/spaces/s1/webhook_settings/retry_policy", &json!({"maxRetries": 99})).await.ok();
    server.webhook("w", &hook(&endpoint)).await;
    for number in 0..3 {
        server.publish("Entry.publish", &entry(&number.to_string())).await.ok();
        server.calls("w", number + 1).await;
        assert_eq!(health(&server, "w").await.get("paused"), None);
    }
    server.publish("Entry.publish", &entry("x")).await.ok();
    let told = health_when(&server, "w", |health| health.get("paused").is_some()).await;
    assert_eq!(told["paused"]["pauses"], 1, "{told}");
    health_when(&server, "w", |health| health.get("paused").is_none()).await;
    assert_eq!(endpoint.arrived(16).await.len(), 16);
    let metrics = String::from_utf8(server.get("/metrics").await.body).unwrap();
    assert!(metrics.contains("bellwire_endpoint_pauses_total 3"), "{metrics}");
}

#[tokio::test]
async fn deliveries_of_one_entity_go_one_at_a_time_in_order() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    let mut definition = hook(&endpoint);
    definition["orderedByEntity"] = true.into();
    let made = server.webhook("w", &definition).await;
    assert_eq!(made["orderedByEntity"], true);
    endpoint.answer_statuses(&[500, 500]);
    for number in 0..30 {
        let payload = json!({"sys": {"type": "Entry", "id": format!("e{}", number % 3)}, "n": number});
        server.publish("Entry.save", &payload).await.ok();
    }
    server.calls("w", 32).await;
    for entity in 0..3 {
        let of_it: Vec<u64> = (endpoint.arrived(32).await.iter().map(Arrived::json))
            .filter(|body| body["sys"]["id"] == format!("e{entity}"))
            .map(|body| body["n"].as_u64().unwrap())
            .collect();
        assert!(of_it.is_sorted(), "{of_it:?}");
        assert_eq!(of_it.last(), Some(&(27 + entity)));
    }
    // A client that does not know the field leaves it out: that changes nothing.
    let kept = server.put_version(&definition_path("w"), 0, &hook(&endpoint)).await.ok();
    assert_eq!(kept["orderedByEntity"], true);
    definition["orderedByEntity"] = false.into();
    let dropped = server.put_version(&definition_path("w"), 1, &definition).await.ok();
    assert_eq!(dropped.get("orderedByEntity"), None);
    definition["orderedByEntity"] = "yes".into();
    server.put_version(&definition_path("w"), 2, &definition).await.error(422, "ValidationFailed");
}

#[tokio::test]
async fn a_webhook_that_moves_to_another_host_keeps_no_secret() {
    let server = Server::start().await;
    let definition = |url: &str, password: Option<&str>, value: Option<&str>| {
        let mut header = json!({"key": "X-Key", "secret": true});
        header["value"] = value.into();
        json!({
            "name": "w", "url": url, "topics": ["*.*"], "headers": [header],
            "httpBasicUsername": "user", "httpBasicPassword": password,
        })
    };
    let here = "https://one.example/a/{ /payload/x }";
    server.webhook("w", &definition(here, Some("pass"), Some("hush"))).await;
    let path = definition_path("w");
    server.put_version(&path, 0, &definition("https://one.example:443/b", None, None)).await.ok();
    for moved in ["https://two.example/a", "http://one.example/a", "https://one.example:8443/a"] {
        let refused = server.put_version(&path, 1, &definition(moved, None, None)).await;
        let object = refused.error(422, "ValidationFailed");
        let errors = object["details"]["errors"].as_array().unwrap();
        let paths: Vec<&str> = errors.iter().map(|error| error["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["httpBasicPassword", "headers.0"], "{object}");
        assert!(
            errors.iter().all(|error| error["details"].as_str().unwrap().contains("another host")),
            "{object}"
        );
    }
    server.put_version(&path, 1, &definition("https://two.example/a", Some("new"), Some("new"))).await.ok();
}

/// An endpoint that takes requests, never answers, and tells when its caller goes away.
async fn silent_endpoint() -> (String, mpsc::UnboundedReceiver<&'static str>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                stream.read_u8().await.unwrap();
                tell.send("called").unwrap();
                while stream.read_u8().await.is_ok() {}
                tell.send("left").unwrap();
            });
        }
    });
    (url, told)
}

#[tokio::test]
async fn an_attempt_under_way_is_broken_off_when_its_webhook_is_switched_off_or_deleted() {
    let server = Server::start().await;
    let (url, mut told) = silent_endpoint().await;
    let definition = |active: bool| json!({"name": "w", "url": url, "topics": ["*.*"], "active": active});
    server.webhook("off", &definition(true)).await;
    server.publish("Entry.publish", &entry("a")).await.ok();
    assert_eq!(told.recv().await, Some("called"));
    server.put_version(&definition_path("off"), 0, &definition(false)).await.ok();
    assert_eq!(told.recv().await, Some("left"));
    let call = server.last_call("off", 1).await;
    assert_eq!((&call["errors"], &call["statusCode"]), (&json!(["UnknownOutcomeError"]), &Value::Null));
    assert!(call["error"].as_str().unwrap().contains("switched off"), "{call}");
    assert_eq!(server.node.app().deliveries.in_flight(), 0);

    server.webhook("gone", &definition(true)).await;
    server.publish("Entry.publish", &entry("b")).await.ok();
    assert_eq!(told.recv().await, Some("called"));
    assert_eq!(server.delete(&definition_path("gone")).await.status, 204);
    assert_eq!(server.node.app().deliveries.in_flight(), 0);
    assert_eq!(told.recv().await, Some("left"));
}
