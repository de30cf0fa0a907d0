//! A server in this process, a client for it, and an endpoint that remembers its calls.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use bellwire::config::Settings;
use bellwire::net::{AddressPolicy, ClientSettings, HttpClient, OutgoingRequest, Resolve, SystemResolver};
use bellwire::node::Node;
use bellwire::secret::Secret;
use bellwire::store::MemoryStore;
use bytes::Bytes;
use hyper::{HeaderMap, Method};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use url::Url;

/// The admin token of every test server.
pub(crate) const ADMIN: &str = "admin-token-for-tests";
/// The space that every test server has.
pub(crate) const SPACE: &str = "s1";
/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Settings of a test server: private networks allowed, quick retries, no rate limit.
pub(crate) fn settings() -> Settings {
    Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        allow_private_networks: true,
        retry_delay: Duration::from_millis(20),
        rate_limit: 0,
        admin_token: Some(Secret::new(ADMIN)),
        ..Settings::default()
    }
}

/// A server with one space.
pub(crate) struct Server {
    pub(crate) node: Node,
    client: HttpClient,
}

/// An answer of the server.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null when it is empty.
    pub(crate) fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|cause| panic!("{cause}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The object of a success; fails the test otherwise.
    pub(crate) fn ok(self) -> Value {
        assert!(
            (200..300).contains(&self.status),
            "{}: {}",
            self.status,
            String::from_utf8_lossy(&self.body)
        );
        self.json()
    }

    /// Checks an error's status and id, and that its request id is the header's. Answers with the object.
    pub(crate) fn error(self, status: u16, id: &str) -> Value {
        let object = self.json();
        assert_eq!(
            (self.status, object["sys"]["type"].as_str(), object["sys"]["id"].as_str()),
            (status, Some("Error"), Some(id)),
            "{object}"
        );
        assert_eq!(object["requestId"].as_str(), self.header("x-contentful-request-id"), "{object}");
        assert!(object["message"].as_str().is_some_and(|message| !message.is_empty()), "{object}");
        assert!(object["details"].is_object() || object.get("details").is_none(), "{object}");
        object
    }
}

impl Server {
    pub(crate) async fn start() -> Server {
        Server::start_with(settings()).await
    }

    pub(crate) async fn start_with(settings: Settings) -> Server {
        Server::start_resolving(settings, Arc::new(SystemResolver::new())).await
    }

    pub(crate) async fn start_resolving(settings: Settings, resolver: Arc<dyn Resolve>) -> Server {
        Server::around(Node::start_resolving(settings, MemoryStore::new(), resolver).await.unwrap()).await
    }

    pub(crate) async fn around(node: Node) -> Server {
        let client = ClientSettings { policy: AddressPolicy::AllowPrivate, ..ClientSettings::default() };
        let server = Server { node, client: HttpClient::new(client).unwrap() };
        let made = server.put(&format!("/spaces/{SPACE}"), &json!({"name": "Space one"})).await;
        // After a restart it is there already.
        assert!([200, 409].contains(&made.status), "{}", made.status);
        server
    }

    /// Any request; the admin token unless the headers say otherwise.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let url: Url = format!("http://{}{path}", self.node.address()).parse().unwrap();
        let mut sent: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
            sent.push(("Authorization".into(), format!("Bearer {ADMIN}")));
        }
        let body: Bytes = body.into();
        let bodiless = method == Method::GET || method == Method::DELETE;
        let request = OutgoingRequest {
            method,
            url,
            headers: sent,
            body: (!bodiless).then_some(body),
            timeout: PATIENCE,
            response_bytes_max: 64 << 20,
        };
        let exchange = self.client.send(request).await;
        let response = exchange.response.unwrap_or_else(|| panic!("no answer: {:?}", exchange.error));
        Answer { status: response.status, headers: response.headers, body: response.body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[], body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, &[], body.to_string()).await
    }

    /// A PUT that replaces a version.
    pub(crate) async fn put_version(&self, path: &str, version: u64, body: &Value) -> Answer {
        self.send(Method::PUT, path, &[("X-Contentful-Version", &version.to_string())], body.to_string())
            .await
    }

    /// Makes a webhook with an id.
    pub(crate) async fn webhook(&self, id: &str, definition: &Value) -> Value {
        self.put(&definition_path(id), definition).await.ok()
    }

    /// Publishes an event.
    pub(crate) async fn publish(&self, topic: &str, payload: &Value) -> Answer {
        self.send(
            Method::POST,
            &format!("/spaces/{SPACE}/events"),
            &[("X-Contentful-Topic", topic)],
            payload.to_string(),
        )
        .await
    }

    /// The calls of a webhook, newest first, once there are at least so many.
    pub(crate) async fn calls(&self, webhook: &str, at_least: usize) -> Vec<Value> {
        let path = format!("/spaces/{SPACE}/webhooks/{webhook}/calls");
        let looking = async {
            loop {
                let items = self.get(&path).await.ok()["items"].as_array().unwrap().clone();
                if items.len() >= at_least {
                    return items;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, looking)
            .await
            .unwrap_or_else(|_| panic!("{webhook} was not called {at_least} times"))
    }

    /// The newest call with its details.
    pub(crate) async fn last_call(&self, webhook: &str, at_least: usize) -> Value {
        let calls = self.calls(webhook, at_least).await;
        let id = calls[0]["sys"]["id"].as_str().unwrap();
        self.get(&format!("/spaces/{SPACE}/webhooks/{webhook}/calls/{id}")).await.ok()
    }

    /// A token of the test space.
    pub(crate) async fn token(&self, role: &str) -> String {
        let made = self.post(&format!("/spaces/{SPACE}/tokens"), &json!({"role": role})).await.ok();
        made["token"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn definition_path(id: &str) -> String {
    format!("/spaces/{SPACE}/webhook_definitions/{id}")
}

/// A definition for an endpoint that nobody will call.
pub(crate) fn definition() -> Value {
    json!({"name": "foo", "url": "https://www.example.com/", "topics": ["*.*"]})
}

/// A call that arrived at an endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Arrived {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// An endpoint on a real socket. It answers with what was scripted, then with 200.
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    arrived: Mutex<Vec<Arrived>>,
    script: Mutex<VecDeque<Response>>,
    changed: Notify,
}

impl Endpoint {
    pub(crate) async fn start() -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state: Arc<State> = Arc::default();
        let shared = state.clone();
        let router = Router::new().fallback(move |request: Request| {
            let state = shared.clone();
            async move { take(&state, request).await }
        });
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Endpoint { address, state, serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The next answers, each used once.
    pub(crate) fn answer_with(&self, answers: impl IntoIterator<Item = Response>) {
        self.state.script.lock().unwrap().extend(answers);
    }

    /// The next answers by status.
    pub(crate) fn answer_statuses(&self, statuses: &[u16]) {
        self.answer_with(
            statuses
                .iter()
                .map(|status| Response::builder().status(*status).body(Body::from("scripted")).unwrap()),
        );
    }

    /// What arrived, once that is at least so much.
    pub(crate) async fn arrived(&self, at_least: usize) -> Vec<Arrived> {
        let waiting = async {
            loop {
                let changed = self.state.changed.notified();
                let arrived = self.state.arrived.lock().unwrap().clone();
                if arrived.len() >= at_least {
                    return arrived;
                }
                changed.await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("fewer than {at_least} calls arrived"))
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(state: &State, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.path_and_query().unwrap().to_string();
    state.arrived.lock().unwrap().push(Arrived { method: parts.method, path, headers: parts.headers, body });
    state.changed.notify_waiters();
    let scripted = state.script.lock().unwrap().pop_front();
    scripted.unwrap_or_else(|| Response::new(Body::from("thank you")))
}
