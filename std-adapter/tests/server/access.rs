//! Which token may do what: every route with every kind of token.

use hyper::Method;
use serde_json::json;

use super::support::{SPACE, Server, definition, definition_path};

/// What a route asks of a token: 'e' enter, 'r' read, 'p' publish, 'm' manage, 'a' admin.
const ROUTES: [(&str, &str, char); 24] = [
    ("GET", "/spaces/s1", 'e'),
    ("PUT", "/spaces/s1", 'a'),
    ("POST", "/spaces", 'a'),
    ("GET", "/spaces/s1/environments", 'e'),
    ("GET", "/spaces/s1/environments/master", 'e'),
    ("GET", "/spaces/s1/environments/master/tags", 'e'),
    ("GET", "/spaces/s1/tokens", 'm'),
    ("POST", "/spaces/s1/tokens", 'm'),
    ("DELETE", "/spaces/s1/tokens/none", 'm'),
    ("GET", "/spaces/s1/webhook_definitions", 'r'),
    ("POST", "/spaces/s1/webhook_definitions", 'm'),
    ("GET", "/spaces/s1/webhook_definitions/w", 'r'),
    ("PUT", "/spaces/s1/webhook_definitions/w", 'm'),
    ("DELETE", "/spaces/s1/webhook_definitions/none", 'm'),
    ("GET", "/spaces/s1/webhooks/w/calls", 'r'),
    ("GET", "/spaces/s1/webhooks/w/calls/none", 'r'),
    ("GET", "/spaces/s1/webhooks/w/health", 'r'),
    ("GET", "/spaces/s1/webhook_settings/signing_secret", 'r'),
    ("PUT", "/spaces/s1/webhook_settings/signing_secret", 'm'),
    ("DELETE", "/spaces/s1/webhook_settings/signing_secret", 'm'),
    ("GET", "/spaces/s1/webhook_settings/retry_policy", 'r'),
    ("PUT", "/spaces/s1/webhook_settings/retry_policy", 'm'),
    ("DELETE", "/spaces/s1/webhook_settings/retry_policy", 'm'),
    ("POST", "/spaces/s1/events", 'p'),
];

/// Each kind of token and what it may do.
const ROLES: [(&str, &str); 3] = [("read", "er"), ("publish", "ep"), ("manage", "erpm")];

#[tokio::test]
async fn every_route_asks_for_its_role() {
    let server = Server::start().await;
    server.webhook("w", &definition()).await;
    server.put("/spaces/s2", &json!({"name": "Another"})).await.ok();
    let other = server.post("/spaces/s2/tokens", &json!({"role": "manage"})).await.ok()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    for (role, may) in ROLES {
        let bearer = format!("Bearer {}", server.token(role).await);
        for (method, path, asks) in ROUTES {
            let method: Method = method.parse().unwrap();
            let status = server.send(method, path, &[("Authorization", &bearer)], "{}").await.status;
            let denied = !may.contains(asks);
            assert_eq!(status == 403, denied, "{role} {path}: {status}");
            assert!(status != 401 && status < 500, "{role} {path}: {status}");
        }
    }
    for (method, path, asks) in ROUTES {
        let method: Method = method.parse().unwrap();
        let none = server.send(method.clone(), path, &[("Authorization", "")], "{}").await;
        none.error(401, "AccessTokenInvalid");
        let bearer = format!("Bearer {other}");
        let foreign = server.send(method, path, &[("Authorization", &bearer)], "{}").await;
        // A space of others looks like one that does not exist.
        if asks == 'a' {
            foreign.error(403, "AccessDenied")
        } else {
            foreign.error(404, "NotFound")
        };
    }
}

#[tokio::test]
async fn a_denial_says_why_in_an_array() {
    let server = Server::start().await;
    let bearer = format!("Bearer {}", server.token("read").await);
    let denied = server
        .send(Method::POST, "/spaces/s1/webhook_definitions", &[("Authorization", &bearer)], "{}")
        .await;
    let object = denied.error(403, "AccessDenied");
    assert_eq!(object["details"]["reasons"], json!(["A token with the role read may not change anything."]));
}

#[tokio::test]
async fn a_token_is_shown_once_and_can_be_revoked() {
    let server = Server::start().await;
    let made = server.post("/spaces/s1/tokens", &json!({"role": "read", "name": "dashboard"})).await.ok();
    let text = made["token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {text}");
    let list = server.get("/spaces/s1/tokens").await.ok();
    assert_eq!(
        (&list["total"], &list["items"][0]["name"], &list["items"][0]["role"]),
        (&json!(1), &json!("dashboard"), &json!("read"))
    );
    assert!(!list.to_string().contains(&text));
    assert_eq!(server.send(Method::GET, "/spaces", &[("Authorization", &bearer)], "").await.ok()["total"], 1);
    let id = made["sys"]["id"].as_str().unwrap();
    assert_eq!(server.delete(&format!("/spaces/{SPACE}/tokens/{id}")).await.status, 204);
    server
        .send(Method::GET, "/spaces", &[("Authorization", &bearer)], "")
        .await
        .error(401, "AccessTokenInvalid");
    server.delete(&format!("/spaces/{SPACE}/tokens/{id}")).await.error(404, "NotFound");
    for bad in [json!({}), json!({"role": "admin"})] {
        server.post("/spaces/s1/tokens", &bad).await.error(422, "ValidationFailed");
    }
    for bad in [json!("x".repeat(300)), json!("a\u{1b}[2J"), json!(" "), json!(5)] {
        let token = json!({"role": "read", "name": bad});
        let object = server.post("/spaces/s1/tokens", &token).await.error(422, "ValidationFailed");
        assert_eq!(object["details"]["errors"][0]["path"], "name", "{object}");
        server.put("/spaces/s2", &json!({"name": bad})).await.error(422, "ValidationFailed");
    }
}

#[tokio::test]
async fn the_maker_is_named() {
    let server = Server::start().await;
    let made = server.post("/spaces/s1/tokens", &json!({"role": "manage"})).await.ok();
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let sent = server
        .send(Method::PUT, &definition_path("w"), &[("Authorization", &bearer)], definition().to_string())
        .await
        .ok();
    assert_eq!(sent["sys"]["createdBy"]["sys"]["id"], made["sys"]["id"]);
}

#[tokio::test]
async fn operators_need_no_token() {
    let server = Server::start().await;
    server.publish("Entry.publish", &json!({})).await.ok();
    for (path, said) in
        [("/healthz", "ok"), ("/readyz", "ready"), ("/metrics", "bellwire_events_accepted_total 1\n")]
    {
        let answer = server.send(Method::GET, path, &[("Authorization", "")], "").await;
        assert_eq!(answer.status, 200);
        assert!(String::from_utf8(answer.body).unwrap().contains(said), "{path}");
    }
}
