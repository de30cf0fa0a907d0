//! Events in, in every form; payloads byte for byte; repeated publishes; results of bulk requests.

use hyper::Method;
use serde_json::{Value, json};

use super::support::{Answer, Endpoint, Server};

const EVENTS: &str = "/spaces/s1/events";

async fn post(server: &Server, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    server.send(Method::POST, path, headers, body.to_owned()).await
}

/// A server with a webhook for everything, and its endpoint.
async fn with_endpoint() -> (Server, Endpoint) {
    let (server, endpoint) = (Server::start().await, Endpoint::start().await);
    server.webhook("all", &json!({"name": "all", "url": endpoint.url(), "topics": ["*.*"]})).await;
    (server, endpoint)
}

#[tokio::test]
async fn contentful_s_own_request_goes_in_and_out_unchanged() {
    let (server, endpoint) = with_endpoint().await;
    let body = "{ \"sys\":{\"id\":\"a\", \"environment\":{\"sys\":{\"id\":\"staging\"}}},\r\n \"n\": 1.0000000000000000000001, \"u\":\"\\u00fc\" }\n";
    let headers = [
        ("X-Contentful-Topic", "ContentManagement.Entry.publish"),
        ("Content-Type", "application/vnd.contentful.management.v1+json"),
        ("X-Contentful-Event-Datetime", "2026-01-02T03:04:05.678Z"),
        ("x-contentful-release-id", "r1"),
        ("X-Contentful-Bulk-Action-Id", "b1"),
        ("X-Contentful-Webhook-Name", "not passed on"),
    ];
    let answer = post(&server, EVENTS, &headers, body).await;
    assert_eq!(answer.status, 202);
    let accepted = answer.json();
    assert_eq!(accepted["sys"]["type"], "Event");
    assert_eq!(accepted["webhooks"][0]["sys"]["id"], "all");
    let call = endpoint.arrived(1).await.remove(0);
    assert_eq!(call.body, body);
    for (name, value) in [
        ("x-contentful-topic", "ContentManagement.Entry.publish"),
        ("x-contentful-event-datetime", "2026-01-02T03:04:05.678Z"),
        ("x-contentful-release-id", "r1"),
        ("x-contentful-bulk-action-id", "b1"),
        ("x-contentful-webhook-name", "all"),
        ("x-contentful-crn", "crn:contentful:::content:spaces/s1/environments/staging/entries/a"),
    ] {
        assert_eq!(call.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn the_environment_is_the_path_s_else_the_payload_s_else_master() {
    let (server, endpoint) = with_endpoint().await;
    let staging = "{\"sys\":{\"id\":\"a\",\"environment\":{\"sys\":{\"id\":\"staging\"}}}}";
    let none = "{\"sys\":{\"id\":\"a\"}}";
    let topic = [("X-Contentful-Topic", "Asset.publish")];
    for (path, body) in [("/spaces/s1/environments/qa/events", staging), (EVENTS, staging), (EVENTS, none)] {
        post(&server, path, &topic, body).await.ok();
    }
    let calls = endpoint.arrived(3).await;
    let mut environments: Vec<&str> =
        calls.iter().map(|call| call.header("x-contentful-crn").split('/').nth(3).unwrap()).collect();
    environments.sort_unstable();
    assert_eq!(environments, ["master", "qa", "staging"]);
    post(&server, "/spaces/s1/environments/a%20b/events", &topic, none).await.error(422, "ValidationFailed");
}

/// A text, or nothing: also a filter under `not` is false on an id that is a number.
#[tokio::test]
async fn an_id_that_is_no_text_is_absent_to_filters() {
    let server = Server::start().await;
    let filters = [
        json!({"equals": [{"doc": "sys.id"}, "5"]}),
        json!({"not": {"equals": [{"doc": "sys.id"}, "6"]}}),
        json!({"regexp": [{"doc": "sys.id"}, {"pattern": ""}]}),
    ];
    for (number, filter) in filters.iter().enumerate() {
        let url = "http://127.0.0.1:9/";
        let definition = json!({"name": "n", "url": url, "topics": ["*.*"], "filters": [filter]});
        server.webhook(&format!("w{number}"), &definition).await;
    }
    for (id, expected) in [(json!("5"), 3), (json!(5), 0), (json!(true), 0), (json!(null), 0)] {
        let answer = server.publish("Entry.publish", &json!({"sys": {"id": id}})).await.ok();
        assert_eq!(answer["webhooks"].as_array().unwrap().len(), expected, "{id}");
    }
}

#[tokio::test]
async fn cloudevents_come_in_binary_structured_and_batched() {
    let (server, endpoint) = with_endpoint().await;
    let binary = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/cms"),
        ("ce-type", "Entry.publish"),
        ("ce-time", "2026-01-01T00:00:00Z"),
        ("Content-Type", "application/json"),
    ];
    assert_eq!(post(&server, EVENTS, &binary, "{\"form\":  \"binary\"}").await.status, 202);
    let structured = json!({"specversion": "1.0", "id": "2", "source": "/cms", "type": "Entry.publish", "data": {"form": "structured"}, "extension": 1});
    let kind = [("Content-Type", "application/cloudevents+json; charset=utf-8")];
    assert_eq!(post(&server, EVENTS, &kind, &structured.to_string()).await.status, 202);
    let batch = json!([
        {"specversion": "1.0", "id": "3", "source": "/cms", "type": "Entry.publish", "data_base64": "eyJmb3JtIjoiYmFzZTY0In0="},
        {"specversion": "0.3", "id": "4", "source": "/cms", "type": "Entry.publish"},
        {"specversion": "1.0", "id": "5", "source": "/cms", "type": "com.example/thing"},
        {"specversion": "1.0", "id": "6", "source": "/cms", "type": "Entry.save"},
    ]);
    let kind = [("Content-Type", "application/cloudevents-batch+json")];
    let answer = post(&server, EVENTS, &kind, &batch.to_string()).await;
    assert_eq!(answer.status, 202);
    let results = answer.json();
    let statuses: Vec<&Value> =
        results["items"].as_array().unwrap().iter().map(|item| &item["sys"]["type"]).collect();
    assert_eq!(statuses, ["Event", "Error", "Error", "Event"]);
    let mut bodies: Vec<String> =
        endpoint.arrived(4).await.iter().map(|call| String::from_utf8(call.body.to_vec()).unwrap()).collect();
    bodies.sort_unstable();
    assert_eq!(
        bodies,
        ["null", "{\"form\":  \"binary\"}", "{\"form\":\"base64\"}", "{\"form\":\"structured\"}"]
    );
}

#[tokio::test]
async fn cloudevents_that_are_none_are_refused() {
    let server = Server::start().await;
    let structured = [("Content-Type", "application/cloudevents+json")];
    for body in [
        json!({}),
        json!([]),
        json!({"specversion": "1.0", "id": "1", "source": "/x", "type": 5}),
        json!({"specversion": "1.0", "id": "", "source": "/x", "type": "Entry.save"}),
        json!({"specversion": "1.0", "id": "1", "source": "/x", "type": "Entry.save", "time": "noon"}),
        json!({"specversion": "1.0", "id": "1", "source": "/x", "type": "Entry.save", "data_base64": "?"}),
        json!({"specversion": "1.0", "id": "1", "source": "/x", "type": "Entry.save", "data": 1, "data_base64": "MQ=="}),
    ] {
        post(&server, EVENTS, &structured, &body.to_string()).await.error(422, "ValidationFailed");
    }
    post(&server, EVENTS, &structured, "{").await.error(400, "BadRequest");
    let binary = [("ce-specversion", "1.0"), ("ce-source", "/x"), ("ce-type", "Entry.save")];
    post(&server, EVENTS, &binary, "{}").await.error(422, "ValidationFailed");
    let text = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/x"),
        ("ce-type", "Entry.save"),
        ("Content-Type", "text/plain"),
    ];
    post(&server, EVENTS, &text, "hello").await.error(415, "UnsupportedMediaType");
}

#[tokio::test]
async fn lines_of_json_get_one_result_each() {
    let (server, endpoint) = with_endpoint().await;
    let lines = "{\"topic\":\"Entry.publish\",\"payload\":{\"n\" : 1}}\n\n{\"topic\":\"nope\",\"payload\":{}}\r\n{\"topic\":\"Entry.save\"}\n{\"topic\":\"Entry.save\",\"payload\":[1,  2],\"environment\":\"qa\",\"idempotencyKey\":\"k\"}\n{\"topic\":\"Entry.save\",\"payload\":3,\"idempotencyKey\":\"k\"}\nnot json";
    let kind = [("Content-Type", "application/x-ndjson")];
    let answer = post(&server, EVENTS, &kind, lines).await;
    assert_eq!(answer.status, 202);
    let results = answer.json();
    let items = results["items"].as_array().unwrap();
    assert_eq!((results["total"].as_u64(), items.len()), (Some(6), 6));
    let statuses: Vec<u64> = items.iter().map(|item| item["status"].as_u64().unwrap_or(202)).collect();
    assert_eq!(statuses, [202, 422, 400, 202, 202, 400]);
    assert_eq!((&items[4]["duplicate"], &items[4]["sys"]["id"]), (&json!(true), &items[3]["sys"]["id"]));
    assert_eq!(items[5]["event"], 6);
    let mut bodies: Vec<String> =
        endpoint.arrived(2).await.iter().map(|call| String::from_utf8(call.body.to_vec()).unwrap()).collect();
    bodies.sort_unstable();
    assert_eq!(bodies, ["[1,  2]", "{\"n\" : 1}"]);
    assert_eq!(post(&server, EVENTS, &kind, "junk\n").await.status, 422);
    post(&server, EVENTS, &kind, "\n\n").await.error(400, "BadRequest");
}

#[tokio::test]
async fn a_repeated_publish_is_one_event() {
    let (server, endpoint) = with_endpoint().await;
    let keyed = [("X-Contentful-Topic", "Entry.publish"), ("X-Contentful-Idempotency-Key", "once")];
    let publish = || post(&server, EVENTS, &keyed, "{}");
    let (a, b, c) = tokio::join!(publish(), publish(), publish());
    let answers: Vec<Value> = [a, b, c].into_iter().map(Answer::ok).collect();
    assert!(answers.iter().all(|answer| answer["sys"]["id"] == answers[0]["sys"]["id"]), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer["duplicate"] == true).count(), 2);
    assert_eq!(publish().await.ok()["duplicate"], true);
    post(
        &server,
        EVENTS,
        &[("X-Contentful-Topic", "Entry.publish"), ("X-Contentful-Idempotency-Key", "twice")],
        "{}",
    )
    .await
    .ok();
    assert_eq!(endpoint.arrived(2).await.len(), 2);
    let id = json!({"specversion": "1.0", "id": "1", "source": "/x", "type": "Entry.save"}).to_string();
    let structured = [("Content-Type", "application/cloudevents+json")];
    let first = post(&server, EVENTS, &structured, &id).await.ok();
    assert_eq!(
        post(&server, EVENTS, &structured, &id).await.ok(),
        json!({"sys": first["sys"], "duplicate": true})
    );
    post(
        &server,
        EVENTS,
        &[("X-Contentful-Topic", "Entry.publish"), ("X-Contentful-Idempotency-Key", "")],
        "{}",
    )
    .await
    .error(422, "ValidationFailed");
}

#[tokio::test]
async fn what_is_not_an_event_is_refused() {
    let server = Server::start().await;
    let object = post(&server, EVENTS, &[], "{}").await.error(400, "BadRequest");
    assert!(object["message"].as_str().unwrap().contains("X-Contentful-Topic"), "{object}");
    for topic in [
        "Entry",
        "entry.Publish",
        "*.publish",
        "Entry.*",
        "Other..publish",
        "Entry.publish.now!",
        "site.line3.**",
    ] {
        let object = post(&server, EVENTS, &[("X-Contentful-Topic", topic)], "{}")
            .await
            .error(422, "ValidationFailed");
        assert_eq!(object["details"]["errors"][0]["path"], "topic");
    }
    let topic = [("X-Contentful-Topic", "Entry.publish")];
    for body in ["", "{\"a\":}", "{} {}"] {
        let object = post(&server, EVENTS, &topic, body).await.error(400, "BadRequest");
        assert!(
            object["details"]["errors"][0]["details"].as_str().unwrap().contains("line 1 column"),
            "{object}"
        );
    }
    let long = "r".repeat(1_025);
    for header in [
        ("X-Contentful-Event-Datetime", "noon"),
        ("X-Contentful-Idempotency-Key", "clé"),
        ("X-Contentful-Topic", "Asset.publish"),
        ("X-Contentful-Release-Id", &long),
    ] {
        post(&server, EVENTS, &[topic[0], header], "{}").await.error(400, "BadRequest");
    }
}

#[tokio::test]
async fn one_server_feeds_another() {
    let (second, endpoint) = with_endpoint().await;
    let first = Server::start().await;
    let token = second.token("publish").await;
    let url = format!("http://{}/spaces/s1/events", second.node.address());
    let feed = json!({"name": "feed", "url": url, "topics": ["*.*"], "headers": [{"key": "Authorization", "value": format!("Bearer {token}"), "secret": true}]});
    first.webhook("feed", &feed).await;
    first.publish("Entry.publish", &json!({"sys": {"id": "a"}, "fields": {}})).await.ok();
    let call = endpoint.arrived(1).await.remove(0);
    assert_eq!(
        (call.json(), call.header("x-contentful-topic")),
        (json!({"sys": {"id": "a"}, "fields": {}}), "ContentManagement.Entry.publish")
    );
    let logged = first.last_call("feed", 1).await;
    assert_eq!(
        (&logged["statusCode"], &logged["request"]["headers"]["Authorization"]),
        (&json!(202), &json!("[redacted]"))
    );
}
