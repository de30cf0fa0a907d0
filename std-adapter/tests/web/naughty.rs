//! Strings that would break out of a page, in every place that a user can write to, on every page that shows it.

use axum::response::Response;
use serde_json::{Value, json};

use super::support::{SPACE, Server};
use super::visitor::{Visitor, text};
use super::world::World;

/// The strings. Those that would run set `window.pwned`.
fn strings() -> Vec<String> {
    serde_json::from_str(include_str!("../../testdata/naughty.json")).unwrap()
}

/// Several at a time, which are the same to a page that shows each of them as it is.
fn bundles() -> Vec<String> {
    strings().chunks(4).map(|few| few.join(" ")).collect()
}

/// What only a string that broke out could have put into a page.
const INTRUDERS: &str = "script:not([src^='/app/assets/']), link:not([href^='/app/assets/']), img:not([src^='/app/assets/']), \
    style, iframe, object, embed, base, meta[http-equiv], template, video, marquee, math, plaintext, xmp, noscript, animate, \
    [onload], [onerror], [onfocus], [onmouseover], [ontoggle], [onbegin], [onstart], [srcdoc], \
    a[href^='javascript'], form[action^='javascript'], [formaction], [style]";

/// Looks over the page that the browser is on.
async fn assert_intact(world: &World, page: &str) {
    let script = format!(
        "return [window.pwned === undefined, [...document.querySelectorAll(`{INTRUDERS}`)].map((x) => x.outerHTML), document.querySelectorAll('main, header').length]"
    );
    let found = world.browser.run(&script).await;
    assert_eq!(found, json!([true, [], 2]), "{page}");
    world.assert_calm().await;
}

/// As much of a string as a name may have.
fn name(string: &str) -> &str {
    &string[..string.floor_char_boundary(256)]
}

/// A webhook that has the string wherever a definition takes a text.
fn webhook(world: &World, number: usize, string: &str) -> Value {
    // Definitions refuse what HTTP cannot send; what they take is put in.
    let header = string.replace(|c: char| c.is_control(), " ");
    json!({
        "name": name(string),
        "url": format!("{}/{number}?q={}", world.endpoint.url(), url::form_urlencoded::byte_serialize(string.as_bytes()).collect::<String>()),
        "topics": ["*.*", format!("Naughty{number}.made")],
        "filters": [{"not": {"in": [{"doc": "sys.updatedBy.sys.id"}, [string, "x"]]}}, {"not": {"equals": [{"doc": "sys.id"}, format!("not {string}")]}}],
        "headers": [{"key": "X-Naughty", "value": header}],
        "httpBasicUsername": header.replace(':', " "), "httpBasicPassword": "p",
        "transformation": {"body": {"string": string, "id": "{ /payload/sys/id }"}},
    })
}

/// An answer of the endpoint that has the string in body and header.
fn answer(string: &str) -> Response {
    let header: String = string.chars().filter(char::is_ascii).collect();
    let body = axum::body::Body::from(string.to_owned());
    Response::builder()
        .status(404)
        .header("X-Naughty", header)
        .header("Content-Type", "text/html")
        .body(body)
        .unwrap()
}

#[tokio::test]
async fn nothing_that_a_user_writes_breaks_out_of_a_page() {
    let Some(world) = World::open(true).await else { return };
    // What would be looked for would take the browser's patience each time.
    for (number, string) in bundles().iter().enumerate() {
        let id = format!("w{number}");
        world.server.webhook(&id, &webhook(&world, number, string)).await;
        world.endpoint.answer_with([answer(string)]);
        let payload = json!({"title": string, string: 1, "sys": {"id": string, "updatedBy": {"sys": {"id": "somebody"}}}});
        let event = world.server.publish(&format!("Naughty{number}.made"), &payload).await.ok();
        let event = event["sys"]["id"].as_str().unwrap();
        let call = world.server.calls(&id, 1).await[0]["sys"]["id"].as_str().unwrap().to_owned();
        for page in [
            format!("/webhooks/{id}"),
            format!("/webhooks/{id}/calls/{call}"),
            format!("/events/{event}"),
            format!("/add?copy={id}"),
        ] {
            world.go(&page).await;
            // The form's preview is made of the same strings, and comes a little later.
            if !page.contains("/calls/") && !page.contains("/events/") {
                world.browser.until("document.querySelector('#preview .sentence')").await;
            }
            assert_intact(&world, &format!("{page} with {string:?}")).await;
        }
        for page in
            [format!("/webhooks/{id}/delete"), format!("/webhooks/{id}/calls?topic={}", encoded(string))]
        {
            world.go(&page).await;
            assert_intact(&world, &format!("{page} with {string:?}")).await;
        }
        // Another one would match what this one does, and the endpoint's answers come in order.
        world.server.delete(&super::support::definition_path(&id)).await;
    }
    world.go("/events").await;
    assert_intact(&world, "the events").await;
}

fn encoded(string: &str) -> String {
    url::form_urlencoded::byte_serialize(string.as_bytes()).collect()
}

#[tokio::test]
async fn lists_of_naughty_names_are_intact() {
    let Some(world) = World::open(true).await else { return };
    for (number, string) in strings().iter().enumerate() {
        let definition = json!({"name": name(string), "url": "https://example.com/", "topics": ["*.*"]});
        world.server.webhook(&format!("w{number}"), &definition).await;
        let token = json!({"role": "read", "name": name(string)});
        world.server.post(&format!("/spaces/{SPACE}/tokens"), &token).await.ok();
        world.server.put(&format!("/spaces/n{number}"), &json!({"name": name(string)})).await.ok();
    }
    for page in [
        "/webhooks",
        "/webhooks?q=<script>",
        "/settings",
        "/send?kind=<script>&action=\"><script>window.pwned=1</script>",
        "/settings?retries=<img src=x onerror=window.pwned=1>",
    ] {
        world.go(page).await;
        assert_intact(&world, page).await;
    }
    world.browser.go(&world.url("/app")).await;
    assert_intact(&world, "the spaces").await;
}

/// What forms send back, without a browser: the string is there, and never as markup.
#[tokio::test]
async fn what_forms_send_back_is_escaped() {
    let server = Server::start().await;
    let admin = Visitor::with(&server, super::support::ADMIN).await;
    let space = format!("/app/spaces/{SPACE}");
    for string in strings() {
        let typed = [
            ("name", string.as_str()),
            ("url", &string),
            ("method", &string),
            ("own", &string),
            ("scope", "some"),
            ("filter-doc", &string),
            ("filter-operator", &string),
            ("filter-value", &string),
            ("header-key", &string),
            ("header-value", &string),
            ("header-kind", "custom"),
            ("basic-username", &string),
            ("content-type", &string),
            ("body", "custom"),
            ("payload", &string),
        ];
        let token = [
            ("token", string.as_str()),
            ("next", &string),
            ("id", &string),
            ("value", &string),
            ("retries", &string),
        ];
        let event = [
            ("kind", string.as_str()),
            ("action", &string),
            ("environment", &string),
            ("payload", &string),
            ("do", "preview"),
        ];
        let made = [("name", string.as_str()), ("id", "a b")];
        for (path, fields) in [
            (format!("{space}/webhooks"), &typed[..]),
            (format!("{space}/preview"), &typed[..]),
            (format!("{space}/send"), &event[..]),
            (format!("{space}/settings/signing-secret"), &token[..]),
            (format!("{space}/settings/retry-policy"), &token[..]),
            (format!("{space}/templates/github"), &typed[..]),
            ("/app/spaces".to_owned(), &made[..]),
        ] {
            let html = text(&admin.post(&server, &path, fields).await);
            assert!(
                !string.contains('<') || string.len() < 8 || !html.contains(&string),
                "{path} repeats {string:?}"
            );
            assert!(
                !html.contains("<script>") && !html.contains("<img src=x"),
                "{path} with {string:?}: {html}"
            );
        }
    }
}
