//! The one HTTP client: guarded, bounded in time and bytes, and silent about itself.
//!
//! What it does **not** do is as important: it takes no proxy from the environment, follows no redirect, decodes
//! no compression, and adds no header but `Host` and `Content-Length`.
//!
//! # Retries of its own
//! A pooled connection may have been closed by the other side just when it is picked. The client then takes
//! another connection, but only if not a byte of the request was handed to the closed one (hyper gives the
//! request back exactly then); a request that may have been seen is never sent twice. Idle connections are kept
//! for less time than common servers keep theirs, so that this is rare.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bellwire_core::call::Outcome;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING};
use hyper::{HeaderMap, Method, Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use url::Url;

use super::classify::classify;
use super::connector::{BoxError, GuardedConnector, TimedConnector};
use super::guard::AddressPolicy;
use super::resolver::{Resolve, SystemResolver};
use super::timing::{Stopwatch, Timing};
use super::tls::{RootsError, client_config};

/// How many bytes a response's status line and headers may have. Over HTTP/1.1 the limit is looked at between two
/// reads, so that the last read may go beyond it, to less than twice as much; and at most 100 headers are taken.
pub const RESPONSE_HEAD_BYTES_MAX: usize = 32 * 1024;
/// How long lookup, TCP and TLS may take together. The request's own deadline holds as well.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an unused connection is kept. Node.js servers close theirs after five seconds.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// The most unused connections kept for one host and port.
pub const IDLE_PER_HOST_MAX: usize = 256;
/// The most open connections that may be used more than once; any beyond are used once and closed.
pub const REUSED_CONNECTIONS_MAX: usize = 1_024;

/// How many bytes an HTTP/2 server may send on one stream, and on one connection, before we have read them.
const HTTP2_STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// An HTTP/2 connection with requests under way must answer a ping within this time, sent as often.
const HTTP2_PING_EVERY: Duration = Duration::from_secs(10);

/// What the client is made with. The limits' defaults are this module's constants.
#[derive(Clone)]
pub struct ClientSettings {
    /// Which addresses may be called.
    pub policy: AddressPolicy,
    /// Who looks names up.
    pub resolver: Arc<dyn Resolve>,
    /// Certificate authorities that are trusted beside the system's: see [`roots_from_pem`](super::roots_from_pem).
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// How long lookup, TCP and TLS may take together.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept.
    pub idle_timeout: Duration,
    /// The most unused connections kept for one host and port.
    pub idle_per_host_max: usize,
    /// The most open connections, over all hosts, that may be used more than once.
    pub reused_connections_max: usize,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            policy: AddressPolicy::PublicOnly,
            resolver: Arc::new(SystemResolver::new()),
            extra_roots: Vec::new(),
            connect_timeout: CONNECT_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
            idle_per_host_max: IDLE_PER_HOST_MAX,
            reused_connections_max: REUSED_CONNECTIONS_MAX,
        }
    }
}

/// One request to send.
#[derive(Clone)]
pub struct OutgoingRequest {
    /// The method.
    pub method: Method,
    /// Where to, as [`check_url`](super::check_url) gave it.
    pub url: Url,
    /// Header names and values in the order they are sent. `Content-Length` is always the client's own; `Host`,
    /// `Connection` and `Transfer-Encoding` are refused.
    pub headers: Vec<(String, String)>,
    /// The body; `None` for methods that have none.
    pub body: Option<Bytes>,
    /// How long the whole exchange may take, from the lookup of the name to the last byte of the body.
    pub timeout: Duration,
    /// How many bytes of the response's body are kept; what comes after is not read.
    pub response_bytes_max: usize,
}

/// Names, not values: headers and URLs hold secrets.
impl fmt::Debug for OutgoingRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingRequest")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("body_bytes", &self.body.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

/// What came of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// How it ended.
    pub outcome: Outcome,
    /// What was received. Beside [`Outcome::Response`] also when the response broke off or the time ran out while
    /// its body was read: then with the part that arrived.
    pub response: Option<ReceivedResponse>,
    /// One sentence for people saying what went wrong; `None` when a whole response arrived, whatever its status.
    pub error: Option<String>,
    /// How long each part took.
    pub timing: Timing,
}

/// A response, as far as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedResponse {
    /// The status code.
    pub status: u16,
    /// Names in lower case with their values; repeated headers are one, joined with `, `.
    pub headers: Vec<(String, String)>,
    /// The body as it came over the wire, at most `response_bytes_max` bytes.
    pub body: Vec<u8>,
    /// Whether the body had more bytes.
    pub truncated: bool,
}

/// An exchange under way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Exchange> + Send + 'a>>;

/// The port: sends a request and says what came of it. Dropping what it answers with breaks the exchange off.
pub trait Transport: Send + Sync + 'static {
    /// Sends one request and reads its response, all within the request's timeout.
    fn send(&self, request: OutgoingRequest) -> Sending<'_>;
}

impl Transport for HttpClient {
    fn send(&self, request: OutgoingRequest) -> Sending<'_> {
        Box::pin(HttpClient::send(self, request))
    }
}

/// A function that plays the network: for tests and simulations.
impl<F: Fn(OutgoingRequest) -> Sending<'static> + Send + Sync + 'static> Transport for F {
    fn send(&self, request: OutgoingRequest) -> Sending<'_> {
        self(request)
    }
}

/// From the URL to a connection that HTTP can be spoken on.
type Connector = TimedConnector<HttpsConnector<GuardedConnector>>;

/// The HTTP client. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct HttpClient {
    client: Client<Connector, Full<Bytes>>,
}

impl HttpClient {
    /// A client without connections.
    ///
    /// # Errors
    /// [`RootsError`] when an extra certificate authority cannot be used.
    pub fn new(settings: ClientSettings) -> Result<Self, RootsError> {
        let connector = connector(&settings)?;
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(settings.idle_timeout)
            .pool_max_idle_per_host(settings.idle_per_host_max)
            .http1_title_case_headers(true)
            .http1_max_buf_size(RESPONSE_HEAD_BYTES_MAX)
            .http2_max_header_list_size(RESPONSE_HEAD_BYTES_MAX as u32)
            .http2_initial_stream_window_size(HTTP2_STREAM_WINDOW_BYTES)
            .http2_initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES)
            .http2_keep_alive_interval(HTTP2_PING_EVERY)
            .http2_keep_alive_timeout(HTTP2_PING_EVERY)
            .build(connector);
        Ok(Self { client })
    }

    /// Sends one request and reads its response, all within the request's timeout. Never fails: what went wrong
    /// is in the [`Exchange`].
    pub async fn send(&self, request: OutgoingRequest) -> Exchange {
        let mut outgoing = match to_hyper(&request) {
            Ok(outgoing) => outgoing,
            Err(error) => {
                return conclude(None, Some((Outcome::Invalid, error)), Timing::default());
            }
        };
        let connection = capture_connection(&mut outgoing);
        let (mut response, mut watch) = (None, Stopwatch::start());
        let receiving = self.receive(outgoing, request.response_bytes_max, &mut response, &mut watch);
        let failure = match tokio::time::timeout(request.timeout, receiving).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(classify(error.as_ref())),
            Err(_) => Some((Outcome::Timeout, timeout_sentence(request.timeout, response.is_some()))),
        };
        let exchange = conclude(response, failure, watch.stop(&connection));
        if exchange.error.is_some() || exchange.response.as_ref().is_some_and(|r| r.truncated) {
            retire(&connection);
        }
        exchange
    }

    /// Sends the request and fills `received` with the response as it arrives.
    async fn receive(
        &self,
        request: Request<Full<Bytes>>,
        bytes_max: usize,
        received: &mut Option<ReceivedResponse>,
        watch: &mut Stopwatch,
    ) -> Result<(), BoxError> {
        let (head, body) = self.client.request(request).await?.into_parts();
        watch.head();
        let response = received.insert(ReceivedResponse {
            status: head.status.as_u16(),
            headers: joined_headers(&head.headers),
            body: Vec::new(),
            truncated: false,
        });
        Ok(read_capped(body, bytes_max, response).await?)
    }
}

fn connector(settings: &ClientSettings) -> Result<Connector, RootsError> {
    let tcp = GuardedConnector::new(
        settings.policy,
        Arc::clone(&settings.resolver),
        settings.connect_timeout,
        settings.reused_connections_max,
    );
    let tls = client_config(&settings.extra_roots)?;
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    let inner = https.enable_http1().enable_http2().wrap_connector(tcp);
    Ok(TimedConnector { inner, timeout: settings.connect_timeout })
}

/// Reads the body into `response`, at most `bytes_max` bytes of it.
async fn read_capped(
    mut body: Incoming,
    bytes_max: usize,
    response: &mut ReceivedResponse,
) -> Result<(), hyper::Error> {
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let room = bytes_max - response.body.len();
        response.body.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            response.truncated = true;
            break;
        }
    }
    Ok(())
}

fn conclude(
    response: Option<ReceivedResponse>,
    failure: Option<(Outcome, String)>,
    timing: Timing,
) -> Exchange {
    let (outcome, error) = match (failure, &response) {
        (Some((outcome, error)), _) => (outcome, Some(error)),
        (None, Some(response)) => (Outcome::Response { status: response.status }, None),
        (None, None) => (Outcome::Connection, Some("The connection ended without a response".to_owned())),
    };
    Exchange { outcome, response, error, timing }
}

/// Keeps the connection of a failed or broken-off exchange from being used again.
fn retire(connection: &CaptureConnection) {
    if let Some(connected) = connection.connection_metadata().as_ref() {
        connected.poison();
    }
}

fn timeout_sentence(timeout: Duration, head_arrived: bool) -> String {
    let what = if head_arrived { "The response did not end" } else { "No response arrived" };
    format!("{what} within {} ms", timeout.as_millis())
}

/// The request for hyper, or a sentence saying why it cannot be sent.
fn to_hyper(request: &OutgoingRequest) -> Result<Request<Full<Bytes>>, String> {
    let uri: Uri =
        request.url.as_str().parse().map_err(|error| format!("The URL cannot be sent: {error}"))?;
    let mut outgoing = Request::new(Full::new(request.body.clone().unwrap_or_default()));
    *outgoing.method_mut() = request.method.clone();
    *outgoing.uri_mut() = uri;
    *outgoing.headers_mut() = to_header_map(&request.headers)?;
    if let Some(length) = content_length(request) {
        outgoing.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(outgoing)
}

/// The `Content-Length` to send: always for a body, and 0 where a body is expected but there is none.
fn content_length(request: &OutgoingRequest) -> Option<usize> {
    let expects_body = matches!(request.method, Method::POST | Method::PUT | Method::PATCH);
    match &request.body {
        Some(body) => Some(body.len()),
        None => expects_body.then_some(0),
    }
}

fn to_header_map(headers: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::with_capacity(headers.len() + 2);
    for (name, value) in headers {
        let (name, value) = to_header(name, value)?;
        if name != CONTENT_LENGTH {
            map.try_append(name, value).map_err(|_| "The request has too many headers".to_owned())?;
        }
    }
    Ok(map)
}

/// The header for hyper, or a sentence that names it (its value may be secret).
fn to_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parsed =
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| "A header has no valid name".to_owned())?;
    if [HOST, CONNECTION, TRANSFER_ENCODING].contains(&parsed) {
        return Err(format!("The header {parsed} cannot be set"));
    }
    let value = HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| format!("The value of the header {parsed} cannot be sent"))?;
    Ok((parsed, value))
}

/// Names and values of `headers`, repeats joined with `, ` in the order they came.
fn joined_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let joined = |name| {
        let values = headers.get_all(name).iter();
        let texts: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        texts.join(", ")
    };
    headers.keys().map(|name| (name.as_str().to_owned(), joined(name))).collect()
}
