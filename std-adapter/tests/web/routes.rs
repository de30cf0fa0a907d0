//! Every route as everybody: who gets in, and who is sent away how.

use std::collections::BTreeSet;

use bytes::Bytes;
use hyper::Method;
use serde::Deserialize;
use serde_json::json;

use super::support::{ADMIN, Answer, Endpoint, SPACE, Server};
use super::visitor::{Visitor, text};

/// A row of `testdata/pages.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    method: String,
    path: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    form: String,
    needs: String,
    /// What it answers to those who may, when that is neither a page nor a way on.
    answers: Option<u16>,
    #[serde(default)]
    streams: bool,
}

fn rows() -> Vec<Row> {
    serde_json::from_str(include_str!("../../testdata/pages.json")).unwrap()
}

#[test]
fn every_route_has_a_row() {
    let source = include_str!("../../src/web/mod.rs");
    let routes = source.split(".route(").skip(1).filter_map(|rest| rest.split('"').nth(1));
    let mut routes: BTreeSet<&str> = routes.collect();
    routes.remove("/app/{*path}");
    let rows = rows();
    let covered: BTreeSet<&str> = rows.iter().map(|row| row.path.as_str()).collect();
    assert_eq!(routes, covered);
}

/// A server with one of everything that routes name.
struct World {
    server: Server,
    _endpoint: Endpoint,
    call: String,
    event: String,
    token: String,
}

impl World {
    async fn new() -> World {
        let (server, endpoint) = (Server::start().await, Endpoint::start().await);
        server.put("/spaces/other", &json!({"name": "Other"})).await.ok();
        server.webhook("w", &json!({"name": "w", "url": endpoint.url(), "topics": ["*.*"]})).await;
        let event = server.publish("Entry.publish", &json!({"sys": {"id": "e"}})).await.ok();
        let call = server.calls("w", 1).await[0]["sys"]["id"].as_str().unwrap().to_owned();
        let token = server.post(&format!("/spaces/{SPACE}/tokens"), &json!({"role": "read"})).await.ok();
        let text = |json: &serde_json::Value| json["sys"]["id"].as_str().unwrap().to_owned();
        World { event: text(&event), token: text(&token), call, server, _endpoint: endpoint }
    }

    fn fill(&self, text: &str, space: &str) -> String {
        let rows = [
            ("{space}", space),
            ("{webhook}", "w"),
            ("{call}", &self.call),
            ("{event}", &self.event),
            ("{token}", &self.token),
            ("{template}", "generic"),
            ("{name}", "app.css"),
            ("{code}", "bw_used"),
        ];
        rows.into_iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    async fn ask(&self, row: &Row, visitor: &Visitor, space: &str) -> Answer {
        let path = format!("{}?{}", self.fill(&row.path, space), self.fill(&row.query, space));
        let method: Method = row.method.parse().unwrap();
        let body = if method == Method::POST {
            format!("csrf={}&{}", visitor.csrf, row.form)
        } else {
            String::new()
        };
        visitor.send(&self.server, method, &path, &[], Bytes::from(body)).await
    }
}

fn is_sign_in(answer: &Answer) -> bool {
    answer.status == 303 && answer.header("location").is_some_and(|to| to.starts_with("/app/sign-in"))
}

fn assert_let_in(row: &Row, who: &str, answer: &Answer) {
    let well = match row.answers {
        Some(status) => answer.status == status,
        None => matches!(answer.status, 200 | 303) && !(is_sign_in(answer) && row.path != "/app/sign-out"),
    };
    assert!(well, "{row:?} as {who}: {} {}", answer.status, text(answer));
}

fn may(needs: &str, role: &str) -> bool {
    match needs {
        "nothing" | "session" | "enter" => true,
        "read" => role != "publish",
        "publish" => role != "read",
        "manage" => role == "manage" || role == "admin",
        _ => role == "admin",
    }
}

#[tokio::test]
async fn nobody_and_those_whose_session_ended_are_sent_to_sign_in() {
    let world = World::new().await;
    let unknown = Visitor { cookie: "bellwire_session=bw_expired".into(), csrf: "x".into() };
    for row in rows().iter().filter(|row| row.needs != "nothing") {
        for visitor in [&Visitor::default(), &unknown] {
            let answer = world.ask(row, visitor, SPACE).await;
            assert!(is_sign_in(&answer), "{row:?}: {} {:?}", answer.status, answer.header("location"));
        }
    }
    for row in rows().iter().filter(|row| row.needs == "nothing") {
        assert_let_in(row, "nobody", &world.ask(row, &Visitor::default(), SPACE).await);
    }
}

#[tokio::test]
async fn a_role_sees_and_does_what_it_may_and_nothing_of_another_space() {
    let world = World::new().await;
    for role in ["read", "publish", "manage"] {
        let visitor = Visitor::with(&world.server, &world.server.token(role).await).await;
        for row in rows().iter().filter(|row| row.path.contains("{space}") || row.needs == "enter") {
            let other = world.ask(row, &visitor, "other").await;
            assert_eq!(other.status, 404, "{row:?} as {role} in another space");
            if !may(&row.needs, role) {
                let answer = world.ask(row, &visitor, SPACE).await;
                assert_eq!(answer.status, 403, "{row:?} as {role}");
                assert!(text(&answer).contains("may not"), "{}", text(&answer));
            }
        }
        for row in rows().iter().filter(|row| row.needs == "admin") {
            assert_eq!(world.ask(row, &visitor, SPACE).await.status, 403, "{row:?} as {role}");
        }
    }
}

#[tokio::test]
async fn a_form_without_its_token_changes_nothing() {
    let world = World::new().await;
    let admin = Visitor::with(&world.server, ADMIN).await;
    let before = world.server.get(&format!("/spaces/{SPACE}/webhook_definitions")).await.ok();
    for row in rows().iter().filter(|row| row.method == "POST") {
        let answer = world.ask(row, &admin.without_csrf(), SPACE).await;
        assert_eq!(answer.status, 403, "{row:?}");
        let stale = Visitor { csrf: "bw_of_another_session".into(), ..admin.clone() };
        assert_eq!(world.ask(row, &stale, SPACE).await.status, 403, "{row:?}");
    }
    assert_eq!(world.server.get(&format!("/spaces/{SPACE}/webhook_definitions")).await.ok(), before);
}

/// Reading is done by the weakest role that may, changing by each that may, on a server of its own: some routes take
/// away what others need, and stand last.
#[tokio::test]
async fn who_may_is_let_in() {
    for role in ["read", "publish", "manage", "admin"] {
        let world = World::new().await;
        let token = if role == "admin" { ADMIN.to_owned() } else { world.server.token(role).await };
        let visitor = Visitor::with(&world.server, &token).await;
        for row in rows().iter().filter(|row| may(&row.needs, role) && row.needs != "nothing" && !row.streams)
        {
            assert_let_in(row, role, &world.ask(row, &visitor, SPACE).await);
        }
    }
}
