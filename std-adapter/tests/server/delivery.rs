//! Deliveries: what endpoints get, how often, and what the log says of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bellwire::config::Settings;
use bellwire::net::ScriptedResolver;
use bellwire_core::sign;
use hyper::header::HeaderName;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::support::{Arrived, Endpoint, SPACE, Server, definition_path, settings};

/// A webhook for everything at an endpoint, with some members of its own.
fn hook(endpoint: &Endpoint, members: Value) -> Value {
    let mut definition = json!({"name": "hook", "url": endpoint.url(), "topics": ["*.*"]});
    for (name, value) in members.as_object().unwrap() {
        definition[name] = value.clone();
    }
    definition
}

fn entry() -> Value {
    json!({"sys": {"type": "Entry", "id": "e/1?#", "environment": {"sys": {"id": "master"}}, "updatedBy": {"sys": {"id": "u1"}}}, "fields": {"n": {"en": 5}}})
}

#[tokio::test]
async fn the_default_request_has_the_documented_headers_and_no_others() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    server.webhook("w", &hook(&endpoint, json!({"name": "Grüße 100%"}))).await;
    server.publish("EnvironmentAlias.create", &entry()).await.ok();
    let call = endpoint.arrived(1).await.remove(0);
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/hook"));
    let mut names: Vec<&str> = call.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "content-length",
            "content-type",
            "host",
            "x-contentful-event-datetime",
            "x-contentful-idempotency-key",
            "x-contentful-topic",
            "x-contentful-webhook-name",
            "x-contentful-webhook-request-attempt",
        ]
    );
    assert_eq!(call.header("content-type"), "application/vnd.contentful.management.v1+json");
    assert_eq!(call.header("x-contentful-topic"), "SpaceManagement.EnvironmentAlias.create");
    assert_eq!(call.header("x-contentful-webhook-name"), "Gr%C3%BC%C3%9Fe 100%25");
    assert_eq!(call.header("x-contentful-webhook-request-attempt"), "1");
    let key = call.header("x-contentful-idempotency-key");
    assert!(key.len() == 64 && key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{key}");
}

#[tokio::test]
async fn server_errors_are_tried_again_twice_with_the_same_key() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    endpoint.answer_statuses(&[500, 429]);
    server.webhook("w", &hook(&endpoint, json!({}))).await;
    server.publish("Entry.publish", &entry()).await.ok();
    let calls = endpoint.arrived(3).await;
    let attempts: Vec<&str> =
        calls.iter().map(|call| call.header("x-contentful-webhook-request-attempt")).collect();
    assert_eq!(attempts, ["1", "2", "3"]);
    for name in ["x-contentful-idempotency-key", "x-contentful-event-datetime"] {
        assert!(calls.iter().all(|call| call.header(name) == calls[0].header(name)), "{name}");
    }
    let log = server.calls("w", 3).await;
    let told: Vec<(Option<u64>, &Value)> =
        log.iter().map(|call| (call["statusCode"].as_u64(), &call["errors"])).collect();
    assert_eq!(
        told,
        [(Some(200), &json!([])), (Some(429), &json!(["ClientError"])), (Some(500), &json!(["ServerError"]))]
    );
    let health = server.get("/spaces/s1/webhooks/w/health").await.ok();
    let link = |kind: &str, id: &str| json!({"sys": {"type": "Link", "linkType": kind, "id": id}});
    let sys = json!({"id": "w", "type": "Webhook", "space": link("Space", SPACE), "createdBy": link("WebhookDefinition", "w")});
    assert_eq!(health, json!({"sys": sys, "calls": {"total": 3, "healthy": 1}}));
}

#[tokio::test]
async fn a_delivery_is_given_up_after_the_policy_s_retries() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    endpoint.answer_statuses(&[503; 20]);
    server.webhook("w", &hook(&endpoint, json!({}))).await;
    server.publish("Entry.publish", &entry()).await.ok();
    assert_eq!(server.calls("w", 3).await.len(), 3);
    server.put("/spaces/s1/webhook_settings/retry_policy", &json!({"maxRetries": 4})).await.ok();
    server.publish("Entry.publish", &entry()).await.ok();
    server.calls("w", 8).await;
    // Whatever else were to come would come before this one's answer.
    server.webhook("marker", &hook(&Endpoint::start().await, json!({}))).await;
    server.publish("Entry.save", &entry()).await.ok();
    server.calls("marker", 1).await;
    assert_eq!(
        endpoint
            .arrived(8)
            .await
            .iter()
            .filter(|call| call.header("x-contentful-topic").ends_with("publish"))
            .count(),
        8
    );
}

#[tokio::test]
async fn what_will_not_get_better_is_not_tried_again() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    let redirect =
        Response::builder().status(302).header("location", endpoint.url()).body(Body::empty()).unwrap();
    endpoint.answer_with([redirect]);
    endpoint.answer_statuses(&[404]);
    server.webhook("w", &hook(&endpoint, json!({}))).await;
    for errors in [json!(["RedirectError"]), json!(["ClientError"])] {
        server.publish("Entry.publish", &entry()).await.ok();
        let count = if errors == json!(["RedirectError"]) { 1 } else { 2 };
        assert_eq!(server.calls("w", count).await[0]["errors"], errors);
    }
    server.publish("Entry.publish", &entry()).await.ok();
    server.calls("w", 3).await;
    assert_eq!(endpoint.arrived(3).await.len(), 3);
}

#[tokio::test]
async fn the_log_shows_request_and_response_without_secrets() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    let answer = Response::builder()
        .status(418)
        .header("set-cookie", "a=1")
        .header("set-cookie", "b=2")
        .body(Body::from("short and stout"))
        .unwrap();
    endpoint.answer_with([answer]);
    let members = json!({
        "httpBasicUsername": "user", "httpBasicPassword": "pa:ss",
        "headers": [{"key": "X-Plain", "value": "seen"}, {"key": "X-Key", "value": "hush", "secret": true}],
    });
    server.webhook("w", &hook(&endpoint, members)).await;
    let accepted = server.publish("Entry.publish", &entry()).await.ok();
    let arrived = endpoint.arrived(1).await.remove(0);
    assert_eq!((arrived.header("x-plain"), arrived.header("x-key")), ("seen", "hush"));
    assert_eq!(arrived.header("authorization"), "Basic dXNlcjpwYTpzcw==");
    let call = server.last_call("w", 1).await;
    assert_eq!(
        (&call["sys"]["type"], &call["statusCode"], &call["errors"]),
        (&json!("WebhookCallDetails"), &json!(418), &json!(["ClientError"]))
    );
    assert_eq!((&call["eventType"], &call["url"]), (&json!("publish"), &json!(endpoint.url())));
    assert_eq!(call["sys"]["event"]["sys"]["id"], accepted["sys"]["id"]);
    let request = &call["request"];
    assert_eq!((&request["method"], &request["timeout"]), (&json!("POST"), &json!(30_000)));
    assert_eq!(request["body"], entry().to_string());
    for (name, value) in [
        ("X-Plain", "seen"),
        ("X-Key", "[redacted]"),
        ("Authorization", "[redacted]"),
        ("X-Contentful-Topic", "ContentManagement.Entry.publish"),
    ] {
        assert_eq!(request["headers"][name], value, "{name}");
    }
    let response = &call["response"];
    assert_eq!(
        (&response["statusCode"], &response["body"], &response["headers"]["set-cookie"]),
        (&json!(418), &json!("short and stout"), &json!("a=1, b=2"))
    );
    let overview = &server.calls("w", 1).await[0];
    assert_eq!((&overview["sys"]["type"], overview.get("request")), (&json!("WebhookCallOverview"), None));
    for text in ["hush", "pa:ss", "dXNlcjpwYTpzcw"] {
        assert!(!call.to_string().contains(text));
    }
}

#[tokio::test]
async fn bodies_in_the_log_are_cut_and_say_so() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    endpoint.answer_with([Response::new(Body::from("€".repeat(100_000)))]);
    server.webhook("w", &hook(&endpoint, json!({}))).await;
    let payload = json!({"text": "ü".repeat(300_000)});
    server.publish("Entry.publish", &payload).await.ok();
    assert_eq!(endpoint.arrived(1).await[0].json(), payload);
    let call = server.last_call("w", 1).await;
    let (sent, received) =
        (call["request"]["body"].as_str().unwrap(), call["response"]["body"].as_str().unwrap());
    assert!((499_990..=500_000).contains(&sent.len()), "{}", sent.len());
    assert!((199_990..=200_005).contains(&received.len()), "{}", received.len());
    assert_eq!(
        (&call["request"]["bodyTruncated"], &call["response"]["bodyTruncated"]),
        (&json!(true), &json!(true))
    );
}

#[tokio::test]
async fn failures_without_an_answer_have_names() {
    let server = Server::start().await;
    // A port that nobody listens on, a name that does not resolve, a caller that speaks no HTTP.
    let closed = { TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap() };
    let rude = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rude_address: SocketAddr = rude.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = rude.accept().await {
            let _ = stream.write_all(b"220 smtp.example.com ESMTP\r\n").await;
        }
    });
    for (id, url, error) in [
        ("refused", format!("http://{closed}/"), "ConnectionError"),
        ("lost", "http://no-such-host.invalid/".to_owned(), "NameResolutionError"),
        ("rude", format!("http://{rude_address}/"), "ConnectionError"),
        ("plain", format!("https://{rude_address}/"), "TlsError"),
    ] {
        server.webhook(id, &json!({"name": id, "url": url, "topics": ["*.*"]})).await;
        server.publish("Entry.publish", &json!({})).await.ok();
        let call = server.last_call(id, 1).await;
        assert_eq!(call["errors"], json!([error]), "{call}");
        assert_eq!(
            (&call["statusCode"], &call["responseAt"], &call["response"]),
            (&Value::Null, &Value::Null, &Value::Null)
        );
        assert!(call["error"].as_str().is_some_and(|sentence| !sentence.is_empty()), "{call}");
        server.delete(&definition_path(id)).await;
    }
}

#[tokio::test]
async fn a_name_that_leads_to_an_address_that_is_not_public_is_blocked_at_the_connect() {
    let addresses = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"];
    for address in addresses {
        let resolver = ScriptedResolver::new().with("hooks.example", &[address.parse().unwrap()]);
        let settings = Settings { allow_private_networks: false, ..settings() };
        let server = Server::start_resolving(settings, Arc::new(resolver)).await;
        server.webhook("w", &json!({"name": "w", "url": "http://hooks.example/", "topics": ["*.*"]})).await;
        server.publish("Entry.publish", &json!({})).await.ok();
        let call = server.last_call("w", 1).await;
        assert_eq!(call["errors"], json!(["BlockedAddressError"]), "{address}: {call}");
        assert!(call["error"].as_str().unwrap().contains(address), "{call}");
    }
}

#[tokio::test]
async fn connection_errors_are_tried_again_only_when_the_setting_says_so() {
    let closed = { TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap() };
    let definition = json!({"name": "w", "url": format!("http://{closed}/"), "topics": ["*.*"]});
    let server = Server::start_with(Settings { retry_connection_errors: true, ..settings() }).await;
    server.webhook("w", &definition).await;
    server.publish("Entry.publish", &json!({})).await.ok();
    let attempts: Vec<Value> =
        server.calls("w", 3).await.iter().map(|call| call["attempt"].clone()).collect();
    assert_eq!(attempts, [json!(3), json!(2), json!(1)]);
}

#[tokio::test]
async fn every_attempt_is_signed_anew_and_verifies() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    let secret = "Qq7_-+/=".repeat(8);
    server.put("/spaces/s1/webhook_settings/signing_secret", &json!({"value": secret})).await.ok();
    endpoint.answer_statuses(&[500]);
    let url = format!("http://{}/in/hook%20a?b=1&c=d%2Fe&f={{ /payload/sys/id }}", endpoint.address);
    let members = json!({"url": url, "headers": [{"key": "X-Custom", "value": "not signed"}]});
    server.webhook("w", &hook(&endpoint, members)).await;
    server.publish("Entry.publish", &json!({"sys": {"id": "ü&1"}, "text": "grüße"})).await.ok();
    let calls = endpoint.arrived(2).await;
    for call in &calls {
        verify(&secret, call);
        let signed = call.header("x-contentful-signed-headers");
        assert!(
            signed.contains("content-type")
                && signed.contains("x-contentful-topic")
                && !signed.contains("x-custom"),
            "{signed}"
        );
    }
    assert_ne!(calls[0].header("x-contentful-signature"), calls[1].header("x-contentful-signature"));
    assert!(!server.last_call("w", 2).await.to_string().contains(&secret));
}

fn verify(secret: &str, call: &Arrived) {
    let headers: Vec<(&str, &str)> =
        call.headers.keys().map(|name| (name.as_str(), call.header(name.as_str()))).collect();
    let request =
        sign::Request { method: call.method.as_str(), path: &call.path, headers: &headers, body: &call.body };
    let timestamp: u64 = call.header("x-contentful-timestamp").parse().unwrap();
    sign::verify(secret, &request, timestamp, 30_000).unwrap();
}

#[tokio::test]
async fn transformations_change_method_type_body_url_and_headers() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    let members = json!({
        "url": format!("http://{}/items/{{ /payload/sys/id }}?t={{ /topic }}&none={{ /payload/nowhere }}", endpoint.address),
        "headers": [{"key": "X-Entity", "value": "id={ /payload/sys/id } by { /user/sys/id }"}],
        "transformation": {
            "method": "PUT", "contentType": "application/json; charset=utf-8",
            "body": {"id": "{ /payload/sys/id }", "n": "{ /payload/fields/n/en }", "text": "n is { /payload/fields/n/en }", "all": "{ /payload }", "lost": "{ /payload/nowhere }", "{ /topic }": "keys stay"},
        },
    });
    server.webhook("w", &hook(&endpoint, members)).await;
    server.publish("Entry.publish", &entry()).await.ok();
    let call = endpoint.arrived(1).await.remove(0);
    assert_eq!(call.method.as_str(), "PUT");
    assert_eq!(call.path, "/items/e%2F1%3F%23?t=ContentManagement.Entry.publish&none=");
    assert_eq!(
        (call.header("content-type"), call.header("x-entity")),
        ("application/json; charset=utf-8", "id=e/1?# by u1")
    );
    let expected = json!({"id": "e/1?#", "n": 5, "text": "n is 5", "all": entry(), "lost": null, "{ /topic }": "keys stay"});
    assert_eq!(call.json(), expected);
}

#[tokio::test]
async fn get_and_delete_have_no_body_and_forms_are_encoded() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    for (id, transformation) in [
        ("get", json!({"method": "GET", "body": {"ignored": 1}})),
        ("delete", json!({"method": "DELETE"})),
        ("form", json!({"contentType": "application/x-www-form-urlencoded"})),
    ] {
        server.webhook(id, &hook(&endpoint, json!({"transformation": transformation}))).await;
    }
    server.publish("Entry.publish", &json!({"a": {"b": 1}, "l": [true, null, "x y"]})).await.ok();
    let calls = endpoint.arrived(3).await;
    let body_of = |method: &str| {
        calls
            .iter()
            .find(|call| call.method.as_str() == method)
            .map(|call| String::from_utf8(call.body.to_vec()).unwrap())
    };
    assert_eq!((body_of("GET"), body_of("DELETE")), (Some(String::new()), Some(String::new())));
    assert_eq!(body_of("POST").unwrap(), "a%5Bb%5D=1&l%5B0%5D=true&l%5B1%5D=&l%5B2%5D=x%20y");
}

#[tokio::test]
async fn a_request_that_cannot_be_formed_is_logged_and_given_up() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    let path = format!("http://{}/{{ /payload/dots }}/x", endpoint.address);
    server.webhook("w", &hook(&endpoint, json!({"url": path}))).await;
    server.publish("Entry.publish", &json!({"dots": ".."})).await.ok();
    let call = server.last_call("w", 1).await;
    assert_eq!(call["errors"], json!(["RequestError"]), "{call}");
    assert!(call["error"].as_str().unwrap().contains("URL"), "{call}");
}

#[tokio::test]
async fn a_rendered_header_is_bounded() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    let members = json!({"headers": [{"key": "X-All", "value": "{ /payload/x }"}]});
    server.webhook("w", &hook(&endpoint, members)).await;
    server.publish("Entry.publish", &json!({"x": "y".repeat(8_193)})).await.ok();
    let call = server.last_call("w", 1).await;
    assert_eq!(call["errors"], json!(["RequestError"]), "{call}");
    assert!(call["error"].as_str().unwrap().contains("X-All"), "{call}");
}

#[tokio::test]
async fn nothing_is_sent_after_disable_or_delete() {
    let (server, endpoint) = (
        Server::start_with(Settings { retry_delay: Duration::from_millis(300), ..settings() }).await,
        Endpoint::start().await,
    );
    endpoint.answer_statuses(&[500, 500]);
    let off = hook(&endpoint, json!({"active": false}));
    server.webhook("off", &hook(&endpoint, json!({}))).await;
    server.webhook("gone", &hook(&endpoint, json!({}))).await;
    server.publish("Entry.publish", &entry()).await.ok();
    server.calls("off", 1).await;
    server.calls("gone", 1).await;
    server.put_version(&definition_path("off"), 0, &off).await.ok();
    assert_eq!(server.delete(&definition_path("gone")).await.status, 204);
    assert_eq!(server.publish("Entry.publish", &entry()).await.ok()["webhooks"], json!([]));
    // The retries of both were due 300 ms after their first attempts; this one's retry is due later than theirs.
    let last = Endpoint::start().await;
    last.answer_statuses(&[500]);
    server.webhook("last", &hook(&last, json!({}))).await;
    server.publish("Entry.publish", &entry()).await.ok();
    server.calls("last", 2).await;
    assert_eq!(endpoint.arrived(2).await.len(), 2);
}

#[tokio::test]
async fn the_last_500_calls_are_kept() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    server.webhook("w", &hook(&endpoint, json!({}))).await;
    let lines: Vec<String> =
        (0..520).map(|n| json!({"topic": "Entry.publish", "payload": {"n": n}}).to_string()).collect();
    let kind = [("Content-Type", "application/x-ndjson")];
    server.send(hyper::Method::POST, "/spaces/s1/events", &kind, lines.join("\n")).await.ok();
    endpoint.arrived(520).await;
    let page = async |query: &str| server.get(&format!("/spaces/s1/webhooks/w/calls{query}")).await.ok();
    let all_logged = async {
        while page("?limit=1").await["total"] != 500 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all_logged).await.unwrap();
    let newest = page("?limit=2").await;
    assert_eq!(newest["items"].as_array().unwrap().len(), 2);
    let oldest = page("?limit=2&order=sys.createdAt").await;
    assert!(oldest["items"][0]["sys"]["id"].as_str() < newest["items"][0]["sys"]["id"].as_str());
}

#[tokio::test]
async fn a_call_is_made_again_on_request_and_marked() {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    server.webhook("w", &json!({"name": "w", "url": endpoint.url(), "topics": ["*.*"]})).await;
    endpoint.answer_statuses(&[404]);
    server.publish("Entry.publish", &json!({"sys": {"id": "e"}})).await.ok();
    let first = server.last_call("w", 1).await;
    assert_eq!((&first["resent"], &first["statusCode"]), (&json!(false), &json!(404)));
    assert!(first["timing"]["firstByte"].as_f64().is_some_and(|ms| ms > 0.0), "{first}");
    let path = format!("/spaces/{SPACE}/webhooks/w/calls/{}/resend", first["sys"]["id"].as_str().unwrap());
    let answer = server.post(&path, &json!({})).await;
    assert_eq!((answer.status, &answer.json()["attempt"]), (202, &json!(2)));
    let again = server.last_call("w", 2).await;
    assert_eq!((&again["resent"], &again["attempt"]), (&json!(true), &json!(2)));
    let arrived = endpoint.arrived(2).await;
    assert_eq!(arrived[0].body, arrived[1].body);
    assert_eq!(
        arrived[0].header("x-contentful-idempotency-key"),
        arrived[1].header("x-contentful-idempotency-key")
    );
    server.post(&path.replace("/w/", "/other/"), &json!({})).await.error(404, "NotFound");
}
