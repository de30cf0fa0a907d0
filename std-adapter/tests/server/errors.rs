//! Every error that the API documents, provoked.

use bellwire::config::Settings;
use hyper::Method;
use serde_json::{Value, json};

use super::support::{SPACE, Server, definition, definition_path, settings};

const LIST: &str = "/spaces/s1/webhook_definitions";

#[tokio::test]
async fn malformed_json_is_refused_with_its_place() {
    let server = Server::start().await;
    for (body, place) in [
        ("", "line 1 column 0"),
        ("{", "line 1"),
        ("{\"name\": \"x\",}", "line 1 column 14"),
        ("nonsense", "line 1 column 2"),
        ("{\"a\":\"\u{1}\"}", "line 1"),
    ] {
        for (method, path) in [(Method::POST, LIST.to_owned()), (Method::PUT, definition_path("w"))] {
            let object = server.send(method, &path, &[], body.to_owned()).await.error(400, "BadRequest");
            assert_eq!(object["message"], "The body you sent is not valid JSON.");
            assert!(object["details"]["errors"][0]["details"].as_str().unwrap().contains(place), "{object}");
        }
    }
    server.send(Method::POST, LIST, &[], &b"{\"name\": \"\xff\"}"[..]).await.error(400, "BadRequest");
    assert_eq!(server.get(LIST).await.ok()["total"], 0);
}

#[tokio::test]
async fn a_token_is_needed_and_must_be_known() {
    let server = Server::start().await;
    for authorization in ["", "Bearer", "Bearer wrong", "Basic YWRtaW46eA==", "admin-token-for-tests"] {
        let object = server
            .send(Method::GET, LIST, &[("Authorization", authorization)], "")
            .await
            .error(401, "AccessTokenInvalid");
        assert_eq!(object["message"], "The access token you sent could not be found or is invalid.");
    }
}

#[tokio::test]
async fn what_is_not_there_says_what_it_would_have_been() {
    let server = Server::start().await;
    server.webhook("w", &definition()).await;
    for (path, kind, id) in [
        (definition_path("x"), "WebhookDefinition", "x"),
        ("/spaces/nowhere/webhook_definitions".into(), "Space", "nowhere"),
        ("/spaces/s1/webhooks/x/calls".into(), "WebhookDefinition", "x"),
        ("/spaces/s1/webhooks/x/health".into(), "WebhookDefinition", "x"),
        ("/spaces/s1/webhooks/w/calls/nope".into(), "WebhookCallDetails", "nope"),
        (
            "/spaces/s1/webhooks/w/calls/0000000000000000000001".into(),
            "WebhookCallDetails",
            "0000000000000000000001",
        ),
        ("/spaces/s1/environments/no spaces".replace(' ', "%20"), "Environment", "no spaces"),
        ("/spaces/s1/environments/a%2Fb/tags".into(), "Environment", "a/b"),
    ] {
        let object = server.get(&path).await.error(404, "NotFound");
        assert_eq!(
            (&object["details"]["type"], &object["details"]["id"]),
            (&json!(kind), &json!(id)),
            "{path}"
        );
        assert_eq!(object["message"], "The resource could not be found.");
    }
    server.get("/nowhere").await.error(404, "NotFound");
    server.get(&format!("{LIST}/")).await.error(404, "NotFound");
    server.get(&definition_path("%FF")).await.error(400, "BadRequest");
    server.delete(LIST).await.error(405, "MethodNotAllowed");
    server.send(Method::PATCH, &definition_path("w"), &[], "{}").await.error(405, "MethodNotAllowed");
}

#[tokio::test]
async fn a_stale_or_missing_version_is_a_conflict() {
    let server = Server::start().await;
    server.webhook("w", &definition()).await;
    server.put_version(&definition_path("w"), 0, &definition()).await.ok();
    for version in ["0", "2", "99999999999"] {
        server
            .send(
                Method::PUT,
                &definition_path("w"),
                &[("x-contentful-version", version)],
                definition().to_string(),
            )
            .await
            .error(409, "VersionMismatch");
    }
    let object = server.put(&definition_path("w"), &definition()).await.error(409, "VersionMismatch");
    assert_eq!(object["details"]["currentVersion"], 1);
    let twice = [("X-Contentful-Version", "1"), ("X-Contentful-Version", "2")];
    server
        .send(Method::PUT, &definition_path("w"), &twice, definition().to_string())
        .await
        .error(400, "BadRequest");
    for version in ["one", "-1", "1.0", ""] {
        server
            .send(
                Method::PUT,
                &definition_path("w"),
                &[("X-Contentful-Version", version)],
                definition().to_string(),
            )
            .await
            .error(400, "BadRequest");
    }
}

#[tokio::test]
async fn bad_paging_is_refused_by_name() {
    let server = Server::start().await;
    server.webhook("w", &definition()).await;
    for path in [LIST, "/spaces/s1/webhooks/w/calls", "/spaces", "/spaces/s1/tokens"] {
        let object = server.get(&format!("{path}?limit=many")).await.error(400, "InvalidQuery");
        assert_eq!(
            object["message"],
            "The value provided for \"limit\" is invalid. Please provide a valid number value"
        );
        assert_eq!(object["details"], json!({"errors": []}));
        server.get(&format!("{path}?skip=-1")).await.error(400, "InvalidQuery");
        server.get(&format!("{path}?limit=1001")).await.error(400, "InvalidQuery");
    }
}

#[tokio::test]
async fn bodies_and_paths_have_their_limits() {
    let server = Server::start().await;
    let mut large = definition();
    large["transformation"] = json!({"body": "x".repeat(1_000_000)});
    let object = server.post(LIST, &large).await.error(413, "PayloadTooLarge");
    assert!(object["message"].as_str().unwrap().contains("1000000 bytes"), "{object}");
    let entity = json!({"fields": {"x": "y".repeat(1_000_000)}});
    server.publish("Entry.publish", &entity).await.error(413, "PayloadTooLarge");
    server.get(&format!("{LIST}?x={}", "y".repeat(7_600))).await.error(414, "UriTooLong");
}

#[tokio::test]
async fn too_many_requests_and_too_many_webhooks_are_refused() {
    let server = Server::start_with(Settings { rate_limit: 5, webhooks_per_space: 2, ..settings() }).await;
    let token = server.token("manage").await;
    let bearer = format!("Bearer {token}");
    let mut limited = None;
    for _ in 0..50 {
        let answer = server.send(Method::GET, LIST, &[("Authorization", &bearer)], "").await;
        if answer.status == 429 {
            limited = Some(answer);
            break;
        }
    }
    let limited = limited.expect("50 requests within a second or two pass 5 a second");
    assert_eq!(
        (limited.header("x-contentful-ratelimit-reset"), limited.header("retry-after")),
        (Some("1"), Some("1"))
    );
    assert!(
        limited.error(429, "RateLimitExceeded")["message"]
            .as_str()
            .unwrap()
            .starts_with("You have exceeded the rate limit")
    );
}

#[tokio::test]
async fn the_plan_s_limits_are_forbidden_to_pass() {
    let server = Server::start_with(Settings { webhooks_per_space: 2, ..settings() }).await;
    server.webhook("a", &definition()).await;
    server.post(LIST, &definition()).await.ok();
    let object = server.post(LIST, &definition()).await.error(403, "Forbidden");
    assert_eq!(object["message"], "You are not authorized to do this action or exceeded your plan limits.");
    server.put(&definition_path("b"), &definition()).await.error(403, "Forbidden");
    server.put_version(&definition_path("a"), 0, &definition()).await.ok();
}

/// A definition with some members replaced.
fn with(members: Value) -> Value {
    let mut whole = definition();
    for (name, value) in members.as_object().unwrap() {
        whole[name] = value.clone();
    }
    whole
}

#[tokio::test]
async fn definitions_that_are_not_acceptable_say_where_and_why() {
    let server = Server::start().await;
    let headers = |header: Value| with(json!({"headers": [header]}));
    let rows = [
        (json!([]), "", "invalid_type"),
        (json!({"url": "https://example.com", "topics": ["*.*"]}), "name", "required"),
        (with(json!({"name": ""})), "name", "invalid"),
        (with(json!({"name": "a\r\nb"})), "name", "invalid"),
        (with(json!({"name": "x".repeat(257)})), "name", "invalid"),
        (json!({"name": "x", "topics": ["*.*"]}), "url", "required"),
        (with(json!({"url": 5})), "url", "invalid"),
        (with(json!({"url": "ftp://example.com/"})), "url", "invalid"),
        (with(json!({"url": "https://{ /payload/sys/id }.example.com/"})), "url", "invalid"),
        (with(json!({"url": "https://user:pass@example.com/"})), "url", "invalid"),
        (json!({"name": "x", "url": "https://example.com"}), "topics", "invalid_type"),
        (with(json!({"topics": []})), "", "topics"),
        (with(json!({"topics": "*.*"})), "topics", "invalid"),
        (with(json!({"topics": ["*.*", "Entry"]})), "topics.1", "invalid"),
        (with(json!({"topics": ["ContentManagement.Entry.publish"]})), "topics.0", "invalid"),
        (with(json!({"topics": ["Ent*.publish"]})), "topics.0", "invalid"),
        (with(json!({"topics": [5]})), "topics.0", "invalid"),
        (with(json!({"filters": {}})), "filters", "invalid"),
        (with(json!({"filters": [{"equals": [{"doc": "fields.title"}, "x"]}]})), "filters", "invalid"),
        (with(json!({"filters": [{"regexp": [{"doc": "sys.id"}, {"pattern": "("}]}]})), "filters", "invalid"),
        (with(json!({"active": "yes"})), "active", "invalid"),
        (with(json!({"httpBasicUsername": "u"})), "httpBasicPassword", "required"),
        (with(json!({"httpBasicPassword": "p"})), "httpBasicUsername", "required"),
        (with(json!({"httpBasicUsername": "a:b", "httpBasicPassword": "p"})), "httpBasicUsername", "invalid"),
        (headers(json!({"key": "X-A", "value": "a\r\nX-B: b"})), "headers.0", "invalid"),
        (headers(json!({"key": "X-A", "value": "a\u{0}"})), "headers.0", "invalid"),
        (headers(json!({"key": "X A", "value": "a"})), "headers.0", "invalid"),
        (headers(json!({"key": "X-A"})), "headers.0", "invalid"),
        (headers(json!({"key": "X-A", "secret": true})), "headers.0", "invalid"),
        (headers(json!({"key": "X-Contentful-Topic", "value": "a"})), "headers.0", "invalid"),
        (headers(json!({"key": "Host", "value": "a"})), "headers.0", "invalid"),
        (headers(json!({"key": "Content-Length", "value": "1"})), "headers.0", "invalid"),
        (headers(json!({"value": "a"})), "headers.0", "invalid"),
        (with(json!({"transformation": {"method": "HEAD"}})), "transformation.method", "in"),
        (with(json!({"transformation": {"contentType": "text/plain"}})), "transformation.contentType", "in"),
        (with(json!({"transformation": "x"})), "transformation", "type"),
    ];
    for (body, path, name) in rows {
        let object = server.post(LIST, &body).await.error(422, "ValidationFailed");
        let errors = object["details"]["errors"].as_array().unwrap();
        let found = errors
            .iter()
            .any(|error| error["path"] == path && error["name"] == name && error["details"].is_string());
        assert!(found, "{body}: {object}");
    }
    assert_eq!(server.get(LIST).await.ok()["total"], 0);
    server.put("/spaces/s1/webhook_definitions/a%20b", &definition()).await.error(422, "ValidationFailed");
    server
        .put(&format!("/spaces/s1/webhook_definitions/{}", "x".repeat(65)), &definition())
        .await
        .error(422, "ValidationFailed");
}

#[tokio::test]
async fn json_that_the_parser_would_take_for_something_else_is_refused() {
    let server = Server::start().await;
    for body in
        [json!({"$serde_json::private::Number": "12"}), json!({"$serde_json::private::RawValue": "[1,2]"})]
    {
        let definition = with(json!({"transformation": {"body": [body]}}));
        let object = server.post(LIST, &definition).await.error(400, "BadRequest");
        let said = object["details"]["errors"][0]["details"].as_str().unwrap();
        assert!(said.contains("is reserved"), "{object}");
    }
}

#[tokio::test]
async fn a_secret_that_is_refused_is_not_echoed() {
    let server = Server::start().await;
    let body = with(
        json!({"headers": [{"key": "X-Key", "value": "hush\n", "secret": true}], "httpBasicUsername": "a:b", "httpBasicPassword": "hush"}),
    );
    let object = server.post(LIST, &body).await.error(422, "ValidationFailed");
    assert!(!object.to_string().contains("hush"), "{object}");
}

#[tokio::test]
async fn addresses_that_are_not_public_are_refused_when_they_are_saved() {
    let server = Server::start_with(Settings { allow_private_networks: false, ..settings() }).await;
    for url in [
        "http://127.0.0.1/",
        "http://10.0.0.1:8080/hook",
        "http://[::1]/",
        "http://localhost/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://169.254.169.254/latest/meta-data",
        "http://intranet/",
        "http://example.com:22/",
    ] {
        let object = server.post(LIST, &with(json!({"url": url}))).await.error(422, "ValidationFailed");
        assert_eq!(object["details"]["errors"][0]["path"], "url", "{url}");
    }
    server
        .post(LIST, &with(json!({"url": "http://example.com:8080/{ /payload/sys/id }?q={ /topic }"})))
        .await
        .ok();
    assert_eq!(server.get(LIST).await.ok()["items"][0]["sys"]["space"]["sys"]["id"], SPACE);
}
