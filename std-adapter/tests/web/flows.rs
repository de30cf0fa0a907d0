//! What people do: make a webhook, watch it, look into a call, send it again; with scripts, without, by keyboard.

use serde_json::json;

use super::browser::{Browser, ENTER, SPACE_BAR, TAB};
use super::support::{ADMIN, Endpoint, SPACE, Server};
use super::world::World;

#[tokio::test]
async fn a_webhook_is_made_in_the_grid_and_watched_without_loading_again() {
    let Some(world) = World::open(true).await else { return };
    let browser = &world.browser;
    world.go("/webhooks").await;
    browser.see("h2", "No webhooks yet").await;
    let add = browser.see("a", "Add webhook").await;
    browser.click(&add).await;
    browser.fill("#name", "Site").await;
    browser.fill("#url", &world.endpoint.url()).await;
    browser.press("input[value='Entry.publish']").await;
    browser.press("input[value='Asset.*']").await;
    // The sentence follows what is chosen.
    browser.see("p", "Asset: all, and future ones · Entry: publish").await;
    let kind = browser.find("[name=header-kind]").await;
    browser.click(&kind).await;
    browser.keys(&format!("Secret{ENTER}")).await;
    browser.fill("[name=header-key]", "X-Api-Key").await;
    browser.fill("[name=header-value]", "hunter2").await;
    browser.press(".side button[value=save]").await;
    browser.see("p", "The webhook is made.").await;

    // The row changes when a call ends.
    world.go("/webhooks").await;
    browser.until("document.body.dataset.connected !== undefined").await;
    browser.run("window.untouched = true").await;
    browser.see("span", "never called").await;
    world.publish("hello", "master").await;
    let last = browser.see("tbody//a", "HTTP 200").await;
    assert_eq!(browser.run("return window.untouched").await, true);

    // So does the log.
    browser.click(&last).await;
    browser.see("h1", "Entry.publish").await;
    let log = browser.see("p/a", "Site").await;
    browser.click(&log).await;
    browser.until("document.body.dataset.connected !== undefined").await;
    browser.run("window.untouched = true").await;
    world.publish("again", "master").await;
    browser.see("a", "again").await;
    assert_eq!(
        browser.run("return [window.untouched, document.querySelectorAll('tbody tr').length]").await,
        json!([true, 2])
    );

    // The call's details show what was sent, and not the secret.
    browser.press("[data-open]").await;
    let page = browser.words().await;
    assert!(page.contains("X-Api-Key\n[redacted]") && page.contains("thank you"), "{page}");
    assert!(
        !browser.run("return document.documentElement.outerHTML").await.as_str().unwrap().contains("hunter2")
    );
    let arrived = world.endpoint.arrived(2).await;
    assert_eq!(arrived[1].header("x-api-key"), "hunter2");

    // Sent again, it appears by itself, marked.
    let resend = browser.see("button", "Resend").await;
    browser.click(&resend).await;
    let again = browser.see("li/a", "Attempt 2").await;
    browser.see("span", "resent").await;
    assert_eq!(world.endpoint.arrived(3).await[2].body, arrived[1].body);
    browser.click(&again).await;
    browser.see("p", "attempt 2").await;
    world.assert_calm().await;
}

#[tokio::test]
async fn everything_but_live_updates_works_without_scripts() {
    let Some(world) = World::open(false).await else { return };
    let browser = &world.browser;
    world.go("/add").await;
    browser.fill("#name", "Plain").await;
    browser.fill("#url", "https://").await;
    browser.press("input[value='Entry.*']").await;
    browser.press("[data-add=filters]").await;
    // What was typed is kept, and there are more rows.
    browser.find("[data-rows=filters] > :nth-child(4)").await;
    browser.press(".side button[value=save]").await;
    browser.see("p", "Not saved yet").await;
    browser.find("#url[aria-invalid=true]").await;
    browser.fill("#url", &world.endpoint.url()).await;
    browser.press(".side button[value=preview]").await;
    browser.see("p", "Entry: all, and future ones").await;
    browser.press(".side button[value=save]").await;
    browser.see("p", "The webhook is made.").await;

    let test = browser.see("nav//a", "Test").await;
    browser.click(&test).await;
    browser.press(".side button[value=send]").await;
    browser.see("p", "The event is accepted.").await;
    browser.see("td", "its topic Entry.* takes the event in").await;
    world.endpoint.arrived(1).await;
    let id = world.server.get(&format!("/spaces/{SPACE}/webhook_definitions")).await.ok();
    world.server.calls(id["items"][0]["sys"]["id"].as_str().unwrap(), 1).await;
    browser.reload().await;
    let call = browser.see("td/a", "HTTP 200").await;
    browser.click(&call).await;
    browser.see("h2", "Response").await;

    let switch = world.url(&format!("/app/spaces/{SPACE}/webhooks"));
    browser.go(&switch).await;
    browser.press(".toggle").await;
    browser.see("p", "The webhook is inactive").await;
    let name = browser.see("th/a", "Plain").await;
    browser.click(&name).await;
    let delete = browser.see("a", "Delete…").await;
    browser.click(&delete).await;
    browser.see("li", "1 calls of its activity log").await;
    browser.press("form .danger").await;
    browser.see("p", "The webhook is deleted.").await;
    browser.see("h2", "No webhooks yet").await;
}

/// Moves the focus on by tabs until an expression about the focused element holds.
async fn tab_to(browser: &Browser, expression: &str) {
    for _ in 0..300 {
        browser.keys(TAB).await;
        let script = format!("const at = document.activeElement; return Boolean({expression})");
        if browser.run(&script).await == true {
            return;
        }
    }
    panic!("the focus does not come to {expression}");
}

#[tokio::test]
async fn a_keyboard_is_enough() {
    let Some(browser) = Browser::open(true).await else { return };
    let world = World { server: Server::start().await, endpoint: Endpoint::start().await, browser };
    let browser = &world.browser;
    browser.go(&world.url("/app")).await;
    browser.find("#token").await;
    browser.keys(&format!("{ADMIN}{ENTER}")).await;
    browser.see("h1", "Spaces").await;
    tab_to(browser, "at.textContent.includes('Space one')").await;
    browser.keys(ENTER).await;
    browser.see("h2", "No webhooks yet").await;
    tab_to(browser, "at.textContent === 'Add webhook'").await;
    browser.keys(ENTER).await;
    browser.find("#name").await;
    tab_to(browser, "at.id === 'name'").await;
    browser.keys("By hand").await;
    tab_to(browser, "at.id === 'url'").await;
    browser.keys(&world.endpoint.url()).await;
    tab_to(browser, "at.value === '*.publish'").await;
    browser.keys(SPACE_BAR).await;
    tab_to(browser, "at.value === 'save' && at.tabIndex === 0").await;
    browser.keys(ENTER).await;
    browser.see("p", "The webhook is made.").await;

    for entity in ["one", "two", "three"] {
        world.publish(entity, "master").await;
    }
    world.endpoint.arrived(3).await;
    world.go("/webhooks").await;
    browser.see("td", "HTTP 200").await;
    browser.keys("j").await;
    browser.until("document.activeElement.textContent === 'By hand'").await;
    browser.keys(ENTER).await;
    browser.see("a", "three").await;
    browser.until("document.querySelectorAll('tbody tr').length === 3").await;
    browser.keys("jjk").await;
    browser.until("document.querySelector('tr.at td:nth-child(2)')?.textContent.includes('three')").await;
    browser.keys("j").await;
    browser.until("document.querySelector('tr.at td:nth-child(2)').textContent.includes('two')").await;
    browser.keys(ENTER).await;
    browser.see("h1", "two").await;
    world.go("/webhooks").await;
    browser.keys("/").await;
    browser.until("document.activeElement.id === 'q'").await;
    browser.keys("nothing like it").await;
    browser.see("p", "No webhook has “nothing like it”").await;
    world.assert_calm().await;
}

#[tokio::test]
async fn an_editor_saves_by_itself_while_somebody_types() {
    let Some(world) = World::open(true).await else { return };
    let browser = &world.browser;
    world.webhook("typing", json!({"topics": ["Entry.auto_save"]})).await;
    world.webhook("saving", json!({"topics": ["Entry.save"]})).await;
    world.go("/send").await;
    browser.press("#auto").await;
    browser.press("#payload").await;
    browser.keys(" ").await;
    browser.see("p", "Entry.auto_save is accepted; it goes to one webhook.").await;
    world.server.calls("typing", 1).await;
    // Typing goes on; what is typed within the 20 s makes no further event, and saving one of its own.
    browser.keys("   ").await;
    browser.press("button[value=save]").await;
    browser.see("p", "Entry.save is accepted; it goes to one webhook.").await;
    world.server.calls("saving", 1).await;
    let topics: Vec<String> = world
        .endpoint
        .arrived(2)
        .await
        .iter()
        .map(|call| call.header("x-contentful-topic").to_owned())
        .collect();
    assert_eq!(topics, ["ContentManagement.Entry.auto_save", "ContentManagement.Entry.save"]);
    world.assert_calm().await;
}
