//! `bellwire demo`: everything happens once, on a temporary data directory, told as it happens.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwire_core::table::Verdict;
use bellwire_core::topic::Topic;
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::calls::result_of;
use super::client::Api;
use super::output::{CliError, say, table};
use super::receiver::{Arrived, receive};
use super::serve::{StopSignals, first_steps, start_logging, web_app};
use crate::config::{LogFormat, Settings};
use crate::node::{Node, StartError};
use crate::secret::new_token;

const SPACE: &str = "demo";
const WEBHOOK: &str = "publish-hook";
/// The entity whose calls fail twice before they succeed.
const FLAKY: &str = "flaky-landing-page";
/// How often the story looks into the activity log, and how long it waits for a call.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS_MAX: usize = 600;
/// Signing secret of the demo's space: the format asks for 64 characters.
const SECRET: &str = "demo-secret-demo-secret-demo-secret-demo-secret-demo-secret-demo";

/// See everything happen once, on a temporary data directory with an endpoint of its own
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// End after the story instead of leaving the server running
    #[arg(long)]
    exit: bool,
    /// Where the server listens; a free port when this one is taken
    #[arg(long, default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)))]
    listen: SocketAddr,
    /// Delay before a failed call is tried again; 30s in a server for real
    #[arg(long, default_value = "1s")]
    retry_delay: crate::config::Span,
}

pub(crate) async fn run(args: DemoArgs) -> Result<(), CliError> {
    start_logging(LogFormat::Text, "error")?;
    let data = tempfile::tempdir()?;
    let token = new_token();
    let settings = Settings {
        data: data.path().join("data"),
        listen: args.listen,
        allow_private_networks: true,
        retry_delay: args.retry_delay.0,
        admin_token: Some(token.clone()),
        ..Settings::default()
    };
    let node = start(settings).await?;
    let (endpoint, _receiving) = start_endpoint().await?;
    let story = Story { node: &node, api: Api::with(url_of(node.address())?, token.clone())?, endpoint };
    story.tell().await?;
    if !args.exit {
        let mut stop = StopSignals::catch()?;
        say!(
            "{}",
            first_steps(&node.address().to_string(), &token).replace("shown only this once", "for this demo")
        );
        say!(
            "The server goes on at http://{} with what you saw, until Ctrl-C.{}",
            node.address(),
            web_app(&node)
        );
        stop.wait().await;
    }
    node.stop().await;
    Ok(())
}

/// Starts the server; when the port is taken, on a free one.
async fn start(settings: Settings) -> Result<Node, CliError> {
    let started = match Node::start(settings.clone()).await {
        Err(StartError::Listen { address, .. }) => {
            Node::start(Settings { listen: SocketAddr::new(address.ip(), 0), ..settings }).await
        }
        other => other,
    };
    started.map_err(|cause| CliError::new(cause.to_string()))
}

fn url_of(address: SocketAddr) -> Result<url::Url, CliError> {
    format!("http://{address}").parse().map_err(|_| CliError::new(format!("{address} makes no URL")))
}

/// The endpoint: checks signatures, and fails twice for one entity.
async fn start_endpoint() -> Result<(SocketAddr, JoinHandle<()>), CliError> {
    let failures: Arc<Mutex<HashMap<String, u32>>> = Arc::default();
    let answer = move |call: Arrived| {
        if call.verify(SECRET).is_err() {
            return StatusCode::UNAUTHORIZED;
        }
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let entity = body["sys"]["id"].as_str().unwrap_or_default();
        let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(entity.to_owned()).or_default();
        *count += 1;
        if entity == FLAKY && *count <= 2 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
    };
    receive(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), answer).await
}

/// One event of the story.
struct Scene {
    topic: &'static str,
    words: &'static str,
    payload: Value,
}

struct Story<'a> {
    node: &'a Node,
    api: Api,
    endpoint: SocketAddr,
}

impl Story<'_> {
    async fn tell(&self) -> Result<(), CliError> {
        say!(
            "A server listens on http://{}, an endpoint on http://{}/hook.\n",
            self.node.address(),
            self.endpoint
        );
        self.set_the_stage().await?;
        for scene in scenes() {
            self.play(&scene).await?;
        }
        self.show_the_log().await
    }

    async fn set_the_stage(&self) -> Result<(), CliError> {
        self.api.write(Method::PUT, &["spaces", SPACE], &json!({"name": "Demo"})).await?;
        let secret = ["spaces", SPACE, "webhook_settings", "signing_secret"];
        self.api.write(Method::PUT, &secret, &json!({"value": SECRET})).await?;
        let definition = json!({
            "name": "Tell the site about everything published",
            "url": format!("http://{}/hook", self.endpoint),
            "topics": ["*.publish"],
            "filters": [{"equals": [{"doc": "sys.environment.sys.id"}, "master"]}],
        });
        let path = ["spaces", SPACE, "webhook_definitions", WEBHOOK];
        self.api.write(Method::PUT, &path, &definition).await?;
        say!("The space \"{SPACE}\" has one webhook, \"{WEBHOOK}\":");
        say!("  it asks for *.publish where sys.environment.sys.id is \"master\", and calls are signed.\n");
        Ok(())
    }

    async fn play(&self, scene: &Scene) -> Result<(), CliError> {
        let payload = Bytes::from(scene.payload.to_string());
        say!("{} ({})", scene.topic, scene.words);
        let headers = [("X-Contentful-Topic", scene.topic)];
        let answer = self.api.post(&["spaces", SPACE, "events"], &headers, payload).await?;
        let event = answer["sys"]["id"].as_str().unwrap_or_default();
        say!("  202 accepted, on disk, as event {event}");
        let matched = answer["webhooks"].as_array().is_some_and(|webhooks| !webhooks.is_empty());
        say!("  {}", self.explain(scene));
        if matched {
            self.follow(event).await?;
        }
        say!("");
        Ok(())
    }

    /// Why the webhook gets the event or not, in the matcher's own words.
    fn explain(&self, scene: &Scene) -> String {
        let environment = scene.payload["sys"]["environment"]["sys"]["id"].as_str().unwrap_or("master");
        let attributes = [("sys.environment.sys.id", environment)];
        let space = self.node.app().registry.space(SPACE);
        let (Some(space), Ok(topic)) = (space, Topic::parse(scene.topic)) else { return String::new() };
        let live = space.live();
        match live.table.explain(0, &topic, &attributes) {
            Verdict::Matched { pattern } => {
                format!("{WEBHOOK} matches: its topic {pattern} takes in {topic}, its filter holds")
            }
            Verdict::NoPattern => format!("{WEBHOOK} does not want it: none of its topics takes in {topic}"),
            Verdict::FilterFailed { filter, actual, .. } => {
                let wanted: Vec<String> = filter.values().map(|value| value.to_string()).collect();
                format!(
                    "{WEBHOOK} does not want it: {} is {}, wanted [{}]",
                    filter.doc(),
                    actual.map_or("absent".into(), |value| value.to_string()),
                    wanted.join(", "),
                )
            }
            _ => String::new(),
        }
    }

    /// Tells of each attempt of an event until one succeeds or the last has failed.
    async fn follow(&self, event: &str) -> Result<(), CliError> {
        let mut told = 0;
        for _ in 0..LOOKS_MAX {
            let calls = self.calls_of(event).await?;
            for call in &calls[told..] {
                tell_call(call);
            }
            told = calls.len();
            if calls.last().is_some_and(|call| call["errors"][0] != "ServerError") {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(CliError::new("the endpoint was not called in time"))
    }

    /// The calls of an event, oldest first.
    async fn calls_of(&self, event: &str) -> Result<Vec<Value>, CliError> {
        let page = self.api.read(&["spaces", SPACE, "webhooks", WEBHOOK, "calls"], &[]).await?;
        let calls = page["items"].as_array().into_iter().flatten().rev();
        Ok(calls.filter(|call| call["sys"]["event"]["sys"]["id"] == event).cloned().collect())
    }

    async fn show_the_log(&self) -> Result<(), CliError> {
        let page = self.api.read(&["spaces", SPACE, "webhooks", WEBHOOK, "calls"], &[]).await?;
        let health = self.api.read(&["spaces", SPACE, "webhooks", WEBHOOK, "health"], &[]).await?;
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let row = |call: &Value| {
            [text(&call["requestAt"]), text(&call["topic"]), call["attempt"].to_string(), result_of(call)]
        };
        let rows: Vec<[String; 4]> = page["items"].as_array().into_iter().flatten().map(row).collect();
        say!(
            "The activity log of {WEBHOOK}, newest first:\n{}",
            table(["SENT", "TOPIC", "ATTEMPT", "RESULT"], &rows)
        );
        say!(
            "\nHealth: {} of {} calls were answered with 2xx.",
            health["calls"]["healthy"],
            health["calls"]["total"]
        );
        Ok(())
    }
}

fn tell_call(call: &Value) {
    let attempt = &call["attempt"];
    match call["statusCode"].as_u64() {
        Some(status) if status < 300 => {
            say!("  attempt {attempt}: the endpoint checked the signature and answered {status}");
        }
        Some(status) => {
            say!("  attempt {attempt}: the endpoint answered {status}; it will be tried again");
        }
        None => say!("  attempt {attempt}: {}", result_of(call)),
    }
}

fn scenes() -> Vec<Scene> {
    let entry = |id: &str, title: &str| {
        json!({
            "metadata": {"tags": []},
            "fields": {"title": {"en-US": title}, "slug": {"en-US": id}},
            "sys": sys("Entry", id, Some("article")),
        })
    };
    let asset = json!({
        "metadata": {"tags": []},
        "fields": {"title": {"en-US": "Nyan Cat"}, "file": {"en-US": {"fileName": "nyan.png", "contentType": "image/png"}}},
        "sys": sys("Asset", "nyan-cat", None),
    });
    let content_type = json!({
        "name": "Article", "displayField": "title",
        "fields": [{"id": "title", "name": "Title", "type": "Symbol", "required": true}],
        "sys": sys("ContentType", "article", None),
    });
    let mut deleted = json!({"sys": sys("Entry", "old-news", Some("article"))});
    deleted["sys"]["deletedBy"] = link("User", "editor");
    let mut staged = entry("next-year", "Not yet");
    staged["sys"]["environment"] = link("Environment", "staging");
    vec![
        Scene {
            topic: "Entry.publish",
            words: "an article goes live",
            payload: entry("hello-world", "Hello, world"),
        },
        Scene { topic: "Asset.publish", words: "and its picture", payload: asset },
        Scene { topic: "ContentType.publish", words: "the article's fields change", payload: content_type },
        Scene { topic: "Entry.save", words: "a draft is saved", payload: entry("draft", "Work in progress") },
        Scene { topic: "Entry.delete", words: "an old article is deleted", payload: deleted },
        Scene { topic: "Entry.publish", words: "published, but in the staging environment", payload: staged },
        Scene {
            topic: "Entry.publish",
            words: "while the endpoint has a bad moment",
            payload: entry(FLAKY, "Summer sale"),
        },
    ]
}

fn sys(kind: &str, id: &str, content_type: Option<&str>) -> Value {
    let mut sys = json!({
        "type": kind, "id": id,
        "space": link("Space", SPACE), "environment": link("Environment", "master"),
        "createdBy": link("User", "editor"), "updatedBy": link("User", "editor"), "revision": 1,
    });
    if let Some(content_type) = content_type {
        sys["contentType"] = link("ContentType", content_type);
    }
    sys
}

fn link(kind: &str, id: &str) -> Value {
    crate::api::shape::link(kind, id)
}
