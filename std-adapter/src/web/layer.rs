//! What every page carries: a request id, headers that keep the browser strict, and the page of every error.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::HeaderMap;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use percent_encoding::percent_decode_str;
use tracing::debug;

use super::Web;
use super::error::{Told, WebError};
use crate::id;

/// Nothing but our own files; nothing inline; in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The outermost layer: see the module.
pub(super) async fn wrap(State(_): State<Arc<Web>>, request: Request, next: Next) -> Response {
    let request_id = id::for_request();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = if percent_decode_str(&path).decode_utf8().is_err() {
        WebError::Bad("The address is not percent-encoded UTF-8.".into()).into_response()
    } else {
        // On a task of its own: what a request has begun is ended, also when its caller goes away.
        tokio::spawn(next.run(request)).await.unwrap_or_else(|_| WebError::Broken.into_response())
    };
    if let Some(told) = response.extensions_mut().remove::<Told>() {
        response = told.page(response.status(), &request_id);
    }
    add_headers(response.headers_mut(), &request_id);
    debug!(%method, path, status = response.status().as_u16(), request_id, "page answered");
    response
}

fn add_headers(headers: &mut HeaderMap, request_id: &str) {
    let mut set = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    set(REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(
        HeaderName::from_static("x-contentful-request-id"),
        HeaderValue::try_from(request_id).expect("hex digits"),
    );
}
