//! What a browser test begins with: a server, an endpoint, a browser that is signed in.

use serde_json::{Value, json};

use super::browser::Browser;
use super::support::{ADMIN, Endpoint, SPACE, Server};

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) endpoint: Endpoint,
    pub(crate) browser: Browser,
}

impl World {
    /// Signed in with a token that was pasted; `None`, loudly, where there is no browser.
    pub(crate) async fn open(scripts: bool) -> Option<World> {
        let browser = Browser::open(scripts).await?;
        let world = World { server: Server::start().await, endpoint: Endpoint::start().await, browser };
        world.browser.go(&world.url("/app")).await;
        world.browser.fill("#token", ADMIN).await;
        world.browser.press("button").await;
        world.browser.see("h1", "Spaces").await;
        Some(world)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.node.origin())
    }

    /// Goes to a page of the space.
    pub(crate) async fn go(&self, path: &str) {
        self.browser.go(&self.url(&format!("/app/spaces/{SPACE}{path}"))).await;
    }

    /// Makes a webhook for this endpoint through the API.
    pub(crate) async fn webhook(&self, id: &str, more: Value) {
        let mut definition = json!({"name": id, "url": self.endpoint.url(), "topics": ["*.*"]});
        for (name, value) in more.as_object().unwrap() {
            definition[name] = value.clone();
        }
        self.server.webhook(id, &definition).await;
    }

    /// Publishes an entry. Answers with the event's id.
    pub(crate) async fn publish(&self, entity: &str, environment: &str) -> String {
        let environment = json!({"sys": {"type": "Link", "linkType": "Environment", "id": environment}});
        let payload = json!({"sys": {"type": "Entry", "id": entity, "environment": environment}});
        let made = self.server.publish("Entry.publish", &payload).await.ok();
        made["sys"]["id"].as_str().unwrap().to_owned()
    }

    /// Nothing was refused by the browser and no script failed.
    pub(crate) async fn assert_calm(&self) {
        assert_eq!(self.browser.complaints().await, Vec::<String>::new());
    }
}
