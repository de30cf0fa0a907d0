//! Signing in and out, the one-time link, and what every page's headers promise.

use std::time::Duration;

use bellwire::config::Settings;

use super::support::{ADMIN, SPACE, Server, settings};
use super::visitor::{Visitor, cookie, text};

#[tokio::test]
async fn a_session_begins_with_a_token_and_ends_with_signing_out() {
    let server = Server::start().await;
    let admin = Visitor::with(&server, ADMIN).await;
    let path = format!("/app/spaces/{SPACE}/webhooks");
    assert_eq!(admin.get(&server, &path).await.status, 200);
    let left = admin.post(&server, "/app/sign-out", &[]).await;
    assert_eq!((left.status, left.header("location")), (303, Some("/app/sign-in")));
    let after = admin.get(&server, &path).await;
    assert_eq!(after.status, 303);
    assert_eq!(after.header("location"), Some("/app/sign-in?next=%2Fapp%2Fspaces%2Fs1%2Fwebhooks"));
}

#[tokio::test]
async fn an_unknown_token_is_told_apart_from_a_forged_form() {
    let server = Server::start().await;
    let form = Visitor::default().get(&server, "/app/sign-in").await;
    let stranger = Visitor { cookie: cookie(&form, "bellwire_form"), csrf: super::visitor::csrf(&form) };
    let refused = stranger.post(&server, "/app/sign-in", &[("token", "bw_guess")]).await;
    assert_eq!(refused.status, 401);
    assert!(text(&refused).contains("This token is not known"));
    // Without the cookie, with another token in the form, or from another site: not our form.
    let forged = Visitor { cookie: String::new(), ..stranger.clone() };
    assert_eq!(forged.post(&server, "/app/sign-in", &[("token", ADMIN)]).await.status, 403);
    assert_eq!(stranger.without_csrf().post(&server, "/app/sign-in", &[("token", ADMIN)]).await.status, 403);
    let body = format!("csrf={}&token={ADMIN}", stranger.csrf);
    let elsewhere = [("Sec-Fetch-Site", "cross-site")];
    let sent = stranger.send(&server, hyper::Method::POST, "/app/sign-in", &elsewhere, body.into()).await;
    assert_eq!(sent.status, 403);
}

#[tokio::test]
async fn the_one_time_link_signs_in_once() {
    let server = Server::start().await;
    let link = server.node.sign_in_link().expect("there is an admin token");
    let path = link.expose().strip_prefix(&server.node.origin()).unwrap().to_owned();
    let nobody = Visitor::default();
    // A browser that loads ahead does not use it up.
    let ahead =
        nobody.send(&server, hyper::Method::GET, &path, &[("Sec-Purpose", "prefetch")], "".into()).await;
    assert_eq!(ahead.status, 503);
    let entered = nobody.get(&server, &path).await;
    assert_eq!(entered.status, 200);
    let admin = Visitor { cookie: cookie(&entered, "bellwire_session"), csrf: String::new() };
    assert!(text(&admin.get(&server, "/app").await).contains("Space one"));
    let again = nobody.get(&server, &path).await;
    assert_eq!(again.status, 401);
    assert!(!again.header("set-cookie").unwrap_or_default().contains("bellwire_session"));
}

#[tokio::test]
async fn a_revoked_token_ends_its_sessions() {
    let server = Server::start().await;
    let made =
        server.post(&format!("/spaces/{SPACE}/tokens"), &serde_json::json!({"role": "read"})).await.ok();
    let reader = Visitor::with(&server, made["token"].as_str().unwrap()).await;
    let path = format!("/app/spaces/{SPACE}/events");
    assert_eq!(reader.get(&server, &path).await.status, 200);
    let id = made["sys"]["id"].as_str().unwrap();
    server.delete(&format!("/spaces/{SPACE}/tokens/{id}")).await;
    assert_eq!(reader.get(&server, &path).await.status, 303);
}

#[tokio::test]
async fn cookies_travel_over_tls_only_where_people_do() {
    let public = Settings { public_url: Some("https://hooks.example.com/".parse().unwrap()), ..settings() };
    let server = Server::start_with(public).await;
    let form = Visitor::default().get(&server, "/app/sign-in").await;
    let set = form.header("set-cookie").unwrap();
    assert!(set.starts_with("__Host-bellwire_form=") && set.contains("; Secure"), "{set}");
    assert!(set.contains("; HttpOnly; SameSite=Strict"), "{set}");
    assert!(server.node.sign_in_link().unwrap().expose().starts_with("https://hooks.example.com/app/enter/"));
}

#[tokio::test]
async fn every_page_keeps_the_browser_strict_and_errors_carry_the_request_s_id() {
    let server = Server::start().await;
    let admin = Visitor::with(&server, ADMIN).await;
    for (path, status) in [("/app/sign-in", 200), ("/app/nowhere", 404), ("/app/spaces/none/webhooks", 404)] {
        let page = admin.get(&server, path).await;
        assert_eq!(page.status, status, "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(page.header(name), Some(value), "{path}");
        }
        assert_eq!(page.header("access-control-allow-origin"), None);
        if status == 404 {
            assert!(text(&page).contains(page.header("x-contentful-request-id").unwrap()), "{path}");
        }
    }
    // What the API says of paths that nobody knows stays the API's.
    server.get("/nowhere").await.error(404, "NotFound");
}

#[tokio::test]
async fn a_stopping_server_does_not_wait_for_those_who_watch() {
    let server = Server::start().await;
    let admin = Visitor::with(&server, ADMIN).await;
    let stream =
        format!("GET /app/spaces/{SPACE}/live HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n\r\n", admin.cookie);
    let mut socket = tokio::net::TcpStream::connect(server.node.address()).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut socket, stream.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut socket, &mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    // Far less than the drain, and than the life of a stream.
    tokio::time::timeout(Duration::from_secs(20), server.node.stop()).await.expect("the server stops");
}
