//! Editing: a conflict shows both versions, a filter that fails says why, errors stand beside their fields.

use serde_json::json;

use super::support::{SPACE, definition_path};
use super::visitor::{Visitor, text};
use super::world::World;

#[tokio::test]
async fn a_conflict_shows_both_versions_and_lets_one_choose() {
    let Some(world) = World::open(true).await else { return };
    let browser = &world.browser;
    world.webhook("w", json!({"name": "Before", "topics": ["Entry.*"]})).await;
    world.go("/webhooks/w").await;
    browser.fill("#name", "Mine").await;
    // Meanwhile somebody else saves.
    let theirs = json!({"name": "Theirs", "url": world.endpoint.url(), "topics": ["Entry.*", "Asset.*"]});
    world.server.put_version(&definition_path("w"), 0, &theirs).await.ok();
    browser.press(".side button[value=save]").await;
    browser.see("h1", "Somebody else saved this webhook meanwhile").await;
    let page = browser.words().await;
    assert!(page.contains("Name differs Mine Theirs"), "{page}");
    assert!(page.contains("Asset: all, and future ones"), "{page}");
    let mine = browser.see("button", "Save mine over it").await;
    browser.click(&mine).await;
    browser.see("p", "Saved.").await;
    let stored = world.server.get(&definition_path("w")).await.ok();
    assert_eq!(
        (&stored["name"], &stored["topics"], &stored["sys"]["version"]),
        (&json!("Mine"), &json!(["Entry.*"]), &json!(2))
    );
    world.assert_calm().await;
}

#[tokio::test]
async fn a_failed_filter_says_why_on_the_event_s_page() {
    let Some(world) = World::open(true).await else { return };
    let browser = &world.browser;
    let master = json!([{"equals": [{"doc": "sys.id"}, "hello"]}, {"equals": [{"doc": "sys.environment.sys.id"}, "master"]}]);
    world.webhook("w", json!({"name": "Only master", "filters": master})).await;
    world.publish("hello", "staging").await;
    world.go("/events").await;
    let why = browser.see("a", "nobody: why?").await;
    browser.click(&why).await;
    browser.see("td", "filter 2: sys.environment.sys.id is").await;
    let page = browser.words().await;
    assert!(page.contains("filter 2: sys.environment.sys.id is \"staging\", wanted \"master\""), "{page}");
}

#[tokio::test]
async fn a_regexp_is_judged_while_it_is_typed() {
    let Some(world) = World::open(true).await else { return };
    let browser = &world.browser;
    world.publish("hello", "master").await;
    world.publish("bye", "master").await;
    world.go("/add").await;
    browser.fill("#name", "n").await;
    browser.fill("#url", &world.endpoint.url()).await;
    browser.press("input[value=all]").await;
    browser.press("[name=filter-doc]").await;
    browser.keys("sys.id\u{E007}").await;
    browser.press("[name=filter-operator]").await;
    browser.keys("matches\u{E007}").await;
    browser.fill("[name=filter-value]", "^(he").await;
    browser.see("p", "the regexp is not understood: unclosed group").await;
    browser
        .until("document.querySelector('[data-problem-row=filters]').textContent.includes('unclosed group')")
        .await;
    browser.find("[name=filter-value][aria-invalid=true]").await;
    browser.fill("[name=filter-value]", "^(he)").await;
    browser.see("p", "Of the last 2 events this would have received 1").await;
    browser.until("document.querySelector('[data-problem-row=filters]').hidden").await;
    world.assert_calm().await;
}

#[tokio::test]
async fn a_template_fills_in_the_form() {
    let Some(world) = World::open(true).await else { return };
    let browser = &world.browser;
    world.go("/templates").await;
    let github = browser.see("a", "GitHub Actions").await;
    browser.click(&github).await;
    for (field, value) in [
        ("owner", "octocat"),
        ("repo", "site"),
        ("workflow", "build.yml"),
        ("ref", "main"),
        ("token", "ghp_secret"),
    ] {
        browser.fill(&format!("#f-{field}"), value).await;
    }
    let fill = browser.see("button", "Use template").await;
    browser.click(&fill).await;
    browser.see("h1", "Add webhook").await;
    browser.press(".side button[value=save]").await;
    browser.see("p", "The webhook is made.").await;
    let made = world.server.get(&format!("/spaces/{SPACE}/webhook_definitions")).await.ok();
    let made = &made["items"][0];
    assert_eq!(
        made["url"],
        "https://api.github.com/repos/octocat/site/actions/workflows/build.yml/dispatches"
    );
    assert_eq!(made["headers"][0], json!({"key": "Authorization", "secret": true}));
    assert_eq!(made["transformation"]["body"], json!({"ref": "main"}));
}

#[tokio::test]
async fn secrets_are_shown_once_and_redacted_after() {
    let server = super::support::Server::start().await;
    let admin = Visitor::with(&server, super::support::ADMIN).await;
    let settings = format!("/app/spaces/{SPACE}/settings");
    let made = text(&admin.post(&server, &format!("{settings}/signing-secret"), &[]).await);
    let (_, rest) = made.split_once("id=\"new-secret\">").expect("the secret is shown");
    let secret = rest.split('<').next().unwrap().to_owned();
    assert_eq!(secret.len(), 64);
    let after = text(&admin.get(&server, &settings).await);
    assert!(!after.contains(&secret) && after.contains(&format!("<code>{}</code>", &secret[60..])));
    let token = text(
        &admin.post(&server, &format!("{settings}/tokens"), &[("role", "read"), ("name", "eyes")]).await,
    );
    assert!(token.contains("id=\"new-token\">bw_"), "{token}");
    let refused = admin.post(&server, &format!("{settings}/retry-policy"), &[("retries", "100")]).await;
    assert!(text(&refused).contains("must be a whole number from 2 to 99"));
    // The signature of a copied command is of now; the secret header stays out of it.
    let endpoint = super::support::Endpoint::start().await;
    let headers = json!([{"key": "X-Key", "value": "hunter2", "secret": true}]);
    server
        .webhook("w", &json!({"name": "w", "url": endpoint.url(), "topics": ["*.*"], "headers": headers}))
        .await;
    server.publish("Entry.publish", &json!({"sys": {"id": "it's"}})).await.ok();
    let call = server.last_call("w", 1).await;
    let old = call["request"]["headers"]["X-Contentful-Signature"].as_str().unwrap();
    let path = format!("/app/spaces/{SPACE}/webhooks/w/calls/{}/curl", call["sys"]["id"].as_str().unwrap());
    let command = text(&admin.get(&server, &path).await);
    assert!(
        command.contains("X-Contentful-Signature: ")
            && !command.contains(old)
            && !command.contains("hunter2"),
        "{command}"
    );
    assert!(command.contains("<the secret value of X-Key>") && command.contains(r"it'\''s"), "{command}");
}
