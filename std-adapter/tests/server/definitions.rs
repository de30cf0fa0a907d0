//! Webhook definitions: shapes, defaults, versions, what is kept and what is cleared by a PUT, lists, ETags, CORS.

use hyper::Method;
use serde_json::{Value, json};

use super::support::{SPACE, Server, definition, definition_path, settings};

const LIST: &str = "/spaces/s1/webhook_definitions";

#[tokio::test]
async fn the_documented_example_makes_a_webhook_of_the_documented_shape() {
    let server = Server::start().await;
    let answer = server
        .post(LIST, &json!({"url": "https://www.example.com/", "name": "foo", "topics": ["*.*"]}))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/vnd.contentful.management.v1+json"));
    let location = answer.header("location").unwrap().to_owned();
    let mut made = answer.ok();
    let id = made["sys"]["id"].as_str().unwrap().to_owned();
    assert_eq!(location, definition_path(&id));
    assert!(id.len() == 22 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    for moment in ["createdAt", "updatedAt"] {
        assert!(made["sys"][moment].take().as_str().is_some_and(|text| text.ends_with('Z')));
    }
    let user = json!({"sys": {"type": "Link", "linkType": "User", "id": "admin"}});
    let expected = json!({
        "name": "foo", "url": "https://www.example.com/", "httpBasicUsername": null, "headers": [], "topics": ["*.*"],
        "filters": null, "transformation": null, "active": true,
        "sys": {
            "type": "WebhookDefinition", "id": id, "version": 0,
            "space": {"sys": {"type": "Link", "linkType": "Space", "id": SPACE}},
            "createdBy": user, "createdAt": null, "updatedBy": user, "updatedAt": null,
        },
    });
    assert_eq!(made, expected);
}

#[tokio::test]
async fn a_put_replaces_everything_but_the_secrets_that_it_repeats() {
    let server = Server::start().await;
    let first = json!({
        "name": "n", "url": "https://example.com/a", "topics": ["Entry.*", "Asset.publish"], "active": false,
        "httpBasicUsername": "user", "httpBasicPassword": "pass",
        "filters": [{"equals": [{"doc": "sys.environment.sys.id"}, "master"]}],
        "headers": [{"key": "X-Plain", "value": "v"}, {"key": "X-Key", "value": "hush", "secret": true}, {"key": "X-No", "value": "n", "secret": false}],
        "transformation": {"method": "PUT", "contentType": "application/json", "includeContentLength": true, "body": {"id": "{ /payload/sys/id }"}},
    });
    let made = server.webhook("w", &first).await;
    let shown = json!([{"key": "X-Plain", "value": "v"}, {"key": "X-Key", "secret": true}, {"key": "X-No", "value": "n", "secret": false}]);
    assert_eq!(made["headers"], shown);
    assert_eq!((&made["active"], &made["httpBasicUsername"]), (&json!(false), &json!("user")));
    assert_eq!((&made["filters"], &made["transformation"]), (&first["filters"], &first["transformation"]));
    assert!(!made.to_string().contains("hush") && !made.to_string().contains("pass\""));

    // What clients send back: everything that was shown, without the values that were not.
    let mut again = made.clone();
    again["name"] = "renamed".into();
    let updated = server.put_version(&definition_path("w"), 0, &again).await.ok();
    assert_eq!((&updated["sys"]["version"], &updated["headers"]), (&json!(1), &shown));

    // Another user has another password.
    again["httpBasicUsername"] = "another".into();
    let refused = server.put_version(&definition_path("w"), 1, &again).await.error(422, "ValidationFailed");
    assert_eq!(refused["details"]["errors"][0]["path"], "httpBasicPassword");

    let bare = server.put_version(&definition_path("w"), 1, &definition()).await.ok();
    assert_eq!(
        (&bare["headers"], &bare["filters"], &bare["transformation"]),
        (&json!([]), &Value::Null, &Value::Null)
    );
    assert_eq!((&bare["active"], &bare["httpBasicUsername"]), (&json!(true), &Value::Null));
    assert_eq!(bare["sys"]["createdAt"], made["sys"]["createdAt"]);
}

#[tokio::test]
async fn nulls_are_taken_for_absent_members_and_empty_filters_are_echoed() {
    let server = Server::start().await;
    let sent = json!({
        "name": "plain renamed", "url": "https://www.example.com/hook", "httpBasicUsername": null, "httpBasicPassword": null,
        "topics": ["Entry.publish"], "filters": null, "transformation": null, "active": true, "headers": [], "sys": {"mangled": {}},
        "unknown": 1,
    });
    assert_eq!(server.webhook("w", &sent).await["filters"], Value::Null);
    let mut empty = definition();
    empty["filters"] = json!([]);
    empty["transformation"] = json!({"method": null, "contentType": null});
    let made = server.webhook("e", &empty).await;
    assert_eq!((&made["filters"], &made["transformation"]), (&json!([]), &json!({})));
}

#[tokio::test]
async fn a_deleted_webhook_is_gone_with_its_calls() {
    let server = Server::start().await;
    server.webhook("w", &definition()).await;
    let gone = server.send(Method::DELETE, &definition_path("w"), &[("X-Contentful-Version", "7")], "").await;
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    server.delete(&definition_path("w")).await.error(404, "NotFound");
    server.get("/spaces/s1/webhooks/w/calls").await.error(404, "NotFound");
    assert_eq!(server.webhook("w", &definition()).await["sys"]["version"], 0);
}

#[tokio::test]
async fn lists_are_cut_and_ordered_as_asked() {
    let server = Server::start().await;
    for (id, name) in [("c", "three"), ("a", "one"), ("b", "two")] {
        let mut webhook = definition();
        webhook["name"] = name.into();
        server.webhook(id, &webhook).await;
    }
    let ids = async |query: &str| {
        let page = server.get(&format!("{LIST}{query}")).await.ok();
        let ids: Vec<String> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["sys"]["id"].as_str().unwrap().into())
            .collect();
        (
            page["total"].as_u64().unwrap(),
            page["skip"].as_u64().unwrap(),
            page["limit"].as_u64().unwrap(),
            ids.concat(),
        )
    };
    assert_eq!(ids("").await, (3, 0, 100, "cab".into()));
    assert_eq!(ids("?order=-sys.createdAt").await, (3, 0, 100, "bac".into()));
    assert_eq!(ids("?order=sys.id&skip=1&limit=1").await, (3, 1, 1, "b".into()));
    assert_eq!(ids("?order=-name&unknown=5").await, (3, 0, 100, "bca".into()));
    assert_eq!(ids("?limit=0").await, (3, 0, 0, String::new()));
    assert_eq!(ids("?skip=9").await, (3, 9, 100, String::new()));
}

#[tokio::test]
async fn lists_kept_by_creation_can_be_turned_round() {
    let server = Server::start().await;
    server.put("/spaces/s2", &json!({"name": "Space two"})).await.ok();
    for role in ["read", "manage"] {
        server.token(role).await;
    }
    for (path, member, oldest) in [("/spaces", "name", "Space one"), ("/spaces/s1/tokens", "role", "read")] {
        for (order, place) in [("", 0), ("?order=sys.createdAt", 0), ("?order=-sys.createdAt", 1)] {
            let page = server.get(&format!("{path}{order}")).await.ok();
            assert_eq!(page["items"][place][member], oldest, "{path}{order}");
        }
    }
    server.get("/spaces/s1/environments?order=-sys.createdAt").await.ok();
}

#[tokio::test]
async fn an_unchanged_object_is_answered_with_304() {
    let server = Server::start().await;
    server.webhook("w", &definition()).await;
    let first = server.get(&definition_path("w")).await;
    let etag = first.header("etag").unwrap().to_owned();
    assert!(etag.starts_with("W/\"") && etag.len() == 3 + 32 + 1, "{etag}");
    for known in [etag.clone(), format!("\"other\", {etag}"), "*".into()] {
        let again = server.send(Method::GET, &definition_path("w"), &[("If-None-Match", &known)], "").await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
    }
    let head = server.send(Method::HEAD, &definition_path("w"), &[], "").await;
    assert_eq!((head.status, head.header("etag"), head.body.len()), (200, Some(&*etag), 0));
    let known = server.send(Method::HEAD, &definition_path("w"), &[("If-None-Match", &etag)], "").await;
    assert_eq!(known.status, 304);
    server.put_version(&definition_path("w"), 0, &definition()).await.ok();
    let changed = server.send(Method::GET, &definition_path("w"), &[("If-None-Match", &etag)], "").await;
    assert_eq!(changed.status, 200);
}

#[tokio::test]
async fn a_page_of_huge_definitions_is_answered_without_an_etag() {
    let server = Server::start().await;
    let mut huge = definition();
    huge["transformation"] = json!({"body": "x".repeat(990_000)});
    for number in 0..17 {
        server.webhook(&format!("w{number}"), &huge).await;
    }
    let page = server.get(LIST).await;
    assert_eq!((page.status, page.header("etag")), (200, None));
    assert_eq!(page.json()["items"].as_array().unwrap().len(), 17);
    assert!(server.get(&format!("{LIST}?limit=5")).await.header("etag").is_some());
}

#[tokio::test]
async fn answers_carry_the_recorded_headers() {
    let server = Server::start_with(bellwire::config::Settings { rate_limit: 10, ..settings() }).await;
    let answer = server.get(LIST).await;
    for (name, value) in [
        ("contentful-api", "cma"),
        ("cf-space-id", SPACE),
        ("cf-organization-id", "bellwire"),
        ("cache-control", "max-age=0"),
        ("x-contentful-ratelimit-second-limit", "10"),
        ("x-contentful-ratelimit-hour-limit", "36000"),
        ("x-contentful-ratelimit-reset", "0"),
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "DELETE,GET,HEAD,POST,PUT,OPTIONS"),
        ("access-control-expose-headers", "Etag"),
        ("access-control-max-age", "1728000"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let request_id = answer.header("x-contentful-request-id").unwrap();
    assert!(
        request_id.len() == 32 && request_id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{request_id}"
    );
}

#[tokio::test]
async fn browsers_may_ask_first_and_big_answers_are_compressed_when_asked_for() {
    let server = Server::start().await;
    let asked = [
        ("Access-Control-Request-Headers", "authorization,x-contentful-version"),
        ("Access-Control-Request-Method", "PUT"),
        ("Authorization", ""),
    ];
    let preflight = server.send(Method::OPTIONS, LIST, &asked, "").await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-headers"), Some("authorization,x-contentful-version"));
    for number in 0..5 {
        server.webhook(&format!("w{number}"), &definition()).await;
    }
    let zipped = server.send(Method::GET, LIST, &[("Accept-Encoding", "gzip, deflate")], "").await;
    assert_eq!((zipped.header("content-encoding"), &zipped.body[..2]), (Some("gzip"), &[0x1f, 0x8b][..]));
    assert_eq!(server.get(LIST).await.header("content-encoding"), None);
}

#[tokio::test]
async fn the_objects_that_clients_fetch_first_are_there() {
    let server = Server::start().await;
    let space = server.get("/spaces/s1").await.ok();
    assert_eq!(
        (&space["name"], &space["sys"]["type"], &space["sys"]["id"]),
        (&json!("Space one"), &json!("Space"), &json!(SPACE))
    );
    assert_eq!(space["sys"]["organization"]["sys"]["linkType"], "Organization");
    let environment = server.get("/spaces/s1/environments/master").await.ok();
    assert_eq!(environment["sys"]["status"]["sys"]["id"], "ready");
    assert_eq!(environment["sys"]["space"]["sys"]["id"], SPACE);
    let tags = server.get("/spaces/s1/environments/master/tags?skip=0&limit=100").await.ok();
    assert_eq!(tags, json!({"sys": {"type": "Array"}, "total": 0, "skip": 0, "limit": 100, "items": []}));
    server.put("/spaces/s1", &json!({"name": "x"})).await.error(409, "VersionMismatch");
    let renamed = server.put_version("/spaces/s1", 1, &json!({"name": "Renamed"})).await.ok();
    assert_eq!((&renamed["name"], &renamed["sys"]["version"]), (&json!("Renamed"), &json!(2)));
    assert_eq!(server.get("/spaces").await.ok()["total"], 1);
}

#[tokio::test]
async fn signing_secret_and_retry_policy_are_made_shown_and_removed() {
    let server = Server::start().await;
    let secret = "/spaces/s1/webhook_settings/signing_secret";
    server.get(secret).await.error(404, "NotFound");
    server.delete(secret).await.error(404, "NotFound");
    let value = format!("{}wxyz", "a".repeat(60));
    let made = server.put(secret, &json!({"value": value})).await.ok();
    assert_eq!(
        (&made["redactedValue"], &made["sys"]["type"], &made["sys"]["version"]),
        (&json!("wxyz"), &json!("WebhookSigningSecret"), &json!(1))
    );
    assert!(made["sys"].get("id").is_none() && !made.to_string().contains(&value));
    assert_eq!(server.put(secret, &json!({"value": value})).await.ok()["sys"]["version"], 2);
    assert_eq!(server.get(secret).await.ok()["redactedValue"], "wxyz");
    for bad in [
        json!({"value": "a".repeat(63)}),
        json!({"value": "ü".repeat(64)}),
        json!({"value": 5}),
        json!({}),
        json!([]),
    ] {
        server.put(secret, &bad).await.error(422, "ValidationFailed");
    }
    assert_eq!(server.delete(secret).await.status, 204);

    let policy = "/spaces/s1/webhook_settings/retry_policy";
    server.get(policy).await.error(404, "NotFound");
    let made = server.put(policy, &json!({"maxRetries": 15})).await.ok();
    assert_eq!((&made["maxRetries"], &made["sys"]["type"]), (&json!(15), &json!("WebhookRetryPolicy")));
    for bad in [
        json!({"maxRetries": 1}),
        json!({"maxRetries": 100}),
        json!({"maxRetries": 2.5}),
        json!({"maxRetries": "5"}),
        json!({}),
    ] {
        server.put(policy, &bad).await.error(422, "ValidationFailed");
    }
    assert_eq!(server.get(policy).await.ok()["maxRetries"], 15);
    assert_eq!(server.delete(policy).await.status, 204);
    server.get(policy).await.error(404, "NotFound");
}
