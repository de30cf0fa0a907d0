//! An endpoint: hands every call that arrives to its owner, who says how to answer.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use bellwire_core::sign;
use bytes::Bytes;
use hyper::{HeaderMap, StatusCode};
use tokio::net::TcpListener;

use super::output::CliError;
use crate::clock;

/// Bytes of a call's body at the most: a template may make it larger than the event.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Age at which a signature is refused, as the official verifier has it.
const SIGNATURE_TTL_MS: u64 = 30_000;

/// A call that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Arrived {
    /// A header's text; empty when it is absent or no text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Whether the signature is right, and if not, why.
    pub(crate) fn verify(&self, secret: &str) -> Result<(), String> {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let request =
            sign::Request { method: &self.method, path: &self.path, headers: &headers, body: &self.body };
        sign::verify(secret, &request, clock::now_ms(), SIGNATURE_TTL_MS).map_err(|cause| cause.to_string())
    }
}

/// Listens; every call goes through `answer`. Runs until the task is dropped.
pub(crate) async fn receive(
    address: SocketAddr,
    answer: impl Fn(Arrived) -> StatusCode + Send + Sync + 'static,
) -> Result<(SocketAddr, tokio::task::JoinHandle<()>), CliError> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|cause| CliError::new(format!("cannot listen on {address}: {cause}")))?;
    let address = listener.local_addr()?;
    let answer = Arc::new(answer);
    let router = Router::new().fallback(move |request: Request| {
        let answer = answer.clone();
        async move {
            match read(request).await {
                Some(arrived) => answer(arrived),
                None => StatusCode::PAYLOAD_TOO_LARGE,
            }
        }
    });
    let serving = tokio::spawn(async move {
        // Accepting goes on for ever; this returns only when the task is dropped.
        let _ = axum::serve(listener, router).await;
    });
    Ok((address, serving))
}

async fn read(request: Request<Body>) -> Option<Arrived> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await.ok()?;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    Some(Arrived { method: parts.method.to_string(), path, headers: parts.headers, body })
}
