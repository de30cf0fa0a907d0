//! Every page through axe-core, light and dark, wide and narrow: no serious or critical violation.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::programs::{Outcome, output_of, skip};
use super::support::SPACE;
use super::world::World;

/// The installed checker, installed once for each lock file.
fn install() -> Outcome<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web/axe");
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("axe");
    let script = copy.join("node_modules/axe-core/axe.min.js");
    let lock = fs::read(source.join("package-lock.json"))?;
    if fs::read(copy.join("installed")).is_ok_and(|installed| installed == lock) {
        return Ok(script);
    }
    fs::create_dir_all(&copy)?;
    for name in ["package.json", "package-lock.json", ".npmrc"] {
        fs::copy(source.join(name), copy.join(name))?;
    }
    output_of(Command::new("npm").arg("ci").current_dir(&copy))?;
    fs::write(copy.join("installed"), lock)?;
    Ok(script)
}

const RUN: &str = "const done = arguments[0];
    axe.run(document, {resultTypes: ['violations']}).then(
        (found) => done(found.violations.filter((rule) => ['serious', 'critical'].includes(rule.impact))
            .map((rule) => [rule.id, rule.help, rule.nodes.slice(0, 3).map((node) => [node.html.slice(0, 200), node.failureSummary])])),
        (error) => done(String(error)))";

#[tokio::test]
async fn no_page_has_a_serious_barrier() {
    let axe = match install().and_then(|script| Ok(fs::read_to_string(script)?)) {
        Ok(axe) => axe,
        Err(cause) => return skip("the accessibility of the web app", &*cause),
    };
    let Some(world) = World::open(true).await else { return };
    let pages = furnish(&world).await;
    for (width, dark) in [(1280, false), (1280, true), (360, false)] {
        world.browser.resize(width, dark).await;
        for page in &pages {
            world.browser.go(&world.url(page)).await;
            let found = check(&world, &axe).await;
            assert_eq!(found, json!([]), "{page}, {width} wide, dark: {dark}\n{found:#}");
            let overflow =
                world.browser.run("return document.documentElement.scrollWidth - innerWidth").await;
            assert!(
                overflow.as_i64().is_some_and(|pixels| pixels <= 0),
                "{page} is {overflow} wider than {width}"
            );
        }
    }
}

async fn check(world: &World, axe: &str) -> Value {
    world.browser.run(axe).await;
    world.browser.run_async(RUN).await
}

/// A space with something on every page. Answers with the pages.
async fn furnish(world: &World) -> Vec<String> {
    world.server.put("/spaces/other", &json!({"name": "Another space"})).await.ok();
    let definition = json!({
        "name": "Site", "topics": ["Entry.publish", "Order.*"],
        "filters": [{"equals": [{"doc": "sys.environment.sys.id"}, "master"]}],
        "headers": [{"key": "X-Key", "value": "s", "secret": true}],
        "transformation": {"body": {"id": "{ /payload/sys/id }"}},
    });
    world.webhook("w", definition).await;
    world.webhook("off", json!({"active": false})).await;
    world
        .server
        .post(&format!("/spaces/{SPACE}/tokens"), &json!({"role": "read", "name": "eyes"}))
        .await
        .ok();
    world.endpoint.answer_statuses(&[200, 503, 404]);
    for entity in ["one", "two", "three"] {
        world.publish(entity, "master").await;
    }
    let event = world.publish("elsewhere", "staging").await;
    let calls = world.server.calls("w", 4).await;
    let call = calls.iter().find(|call| call["statusCode"] == 404).unwrap()["sys"]["id"].as_str().unwrap();
    let space = |page: &str| format!("/app/spaces/{SPACE}{page}");
    [
        "/webhooks",
        "/add",
        "/webhooks/w",
        "/webhooks/w/calls",
        "/webhooks/w/test",
        "/webhooks/w/delete",
        "/webhooks/off/calls",
        "/events",
        "/send",
        "/templates",
        "/templates/github",
        "/settings",
        "/settings?retries=15",
        "/webhooks?q=nothing",
        &format!("/webhooks/w/calls/{call}"),
        &format!("/events/{event}"),
        "/nowhere",
    ]
    .map(space)
    .into_iter()
    .chain(
        ["/app", "/app/sign-in", "/app/spaces/other/webhooks", "/app/spaces/other/events"].map(str::to_owned),
    )
    .collect()
}
