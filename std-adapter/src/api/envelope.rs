//! What every answer carries: request id, headers, ETag, and the body of every error.

use std::sync::Arc;

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::header::{
    self, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, CACHE_CONTROL,
    CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{HeaderMap, Method, StatusCode};
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};
use tracing::debug;

use super::access::identify;
use super::error::ApiError;
use super::shape::ORGANIZATION;
use crate::app::App;
use crate::app::rate::Allowance;
use crate::clock;
use crate::id;
use crate::limits::URI_CHARS_MAX;

/// The media type of the management API.
pub const MEDIA_TYPE: &str = "application/vnd.contentful.management.v1+json";
/// Bytes of an answer for which an ETag is worked out; larger ones, pages of huge definitions, go without.
const ETAG_BODY_BYTES_MAX: usize = 16_000_000;
/// Bytes of the digest that make an ETag.
const ETAG_BYTES: usize = 16;

/// The outermost layer: see the module.
pub async fn wrap(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let request_id = id::for_request();
    let outline = Outline::of(&request);
    let (allowance, early) = admit(&app, &mut request, &outline);
    // Answered like GET, so that the headers are the same; the connection leaves out the body.
    if outline.method == Method::HEAD {
        *request.method_mut() = Method::GET;
    }
    let response = match early {
        Some(error) => error.into_response(),
        None if outline.preflight => preflight(),
        // On a task of its own: what a request has begun is ended, also when its caller goes away.
        None => tokio::spawn(next.run(request)).await.unwrap_or_else(|_| ApiError::Internal.into_response()),
    };
    let mut response = fill_error(response, &request_id);
    if outline.is_read() && response.status() == StatusCode::OK {
        response = tag(response, outline.if_none_match.as_ref()).await;
    }
    add_headers(response.headers_mut(), &outline, &request_id, allowance);
    debug!(method = %outline.method, path = outline.path, status = response.status().as_u16(), request_id, "answered");
    response
}

/// What the layer needs to know of a request after it is gone.
struct Outline {
    method: Method,
    path: String,
    preflight: bool,
    requested_headers: Option<HeaderValue>,
    if_none_match: Option<HeaderValue>,
}

impl Outline {
    fn of(request: &Request) -> Outline {
        let header = |name: HeaderName| request.headers().get(name).cloned();
        Outline {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            preflight: request.method() == Method::OPTIONS,
            requested_headers: header(ACCESS_CONTROL_REQUEST_HEADERS),
            if_none_match: header(IF_NONE_MATCH),
        }
    }

    fn is_read(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }

    /// Publishing has limits of its own: what waits to be written.
    fn is_management(&self) -> bool {
        self.path.starts_with("/spaces") && !(self.method == Method::POST && self.path.ends_with("/events"))
    }

    fn space(&self) -> Option<&str> {
        self.path.strip_prefix("/spaces/")?.split('/').next().filter(|space| !space.is_empty())
    }
}

/// Recognises the caller and counts the request.
fn admit(app: &App, request: &mut Request, outline: &Outline) -> (Option<Allowance>, Option<ApiError>) {
    let uri_chars = request.uri().path_and_query().map_or(0, |uri| uri.as_str().len());
    if uri_chars > URI_CHARS_MAX {
        return (None, Some(ApiError::UriTooLong));
    }
    if percent_decode_str(&outline.path).decode_utf8().is_err() {
        return (None, Some(ApiError::BadRequest("The path is not percent-encoded UTF-8.".into())));
    }
    let Some(caller) = identify(app, request.headers()) else { return (None, None) };
    let allowance = outline.is_management().then(|| app.rates.take(&caller.0.id, clock::now_ms())).flatten();
    request.extensions_mut().insert(caller);
    let refused = allowance.filter(|allowance| !allowance.taken);
    (allowance, refused.map(|allowance| ApiError::RateLimited(allowance.reset_seconds)))
}

fn preflight() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// Gives an error its body.
fn fill_error(mut response: Response, request_id: &str) -> Response {
    let Some(error) = response.extensions_mut().remove::<ApiError>() else { return response };
    *response.body_mut() = Body::from(error.to_json(request_id).to_string());
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if let Some(seconds) = error.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Adds the ETag, and answers 304 when the caller has just this.
async fn tag(response: Response, if_none_match: Option<&HeaderValue>) -> Response {
    if response.body().size_hint().exact().is_none_or(|bytes| bytes > ETAG_BODY_BYTES_MAX as u64) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, ETAG_BODY_BYTES_MAX).await else {
        return ApiError::Internal.into_response();
    };
    let digest = id::hex(&Sha256::digest(&bytes)[..ETAG_BYTES]);
    let etag = format!("W/\"{digest}\"");
    let known =
        if_none_match.and_then(|value| value.to_str().ok()).is_some_and(|list| matches_etag(list, &digest));
    parts.headers.insert(ETAG, HeaderValue::try_from(etag).expect("hex digits"));
    if known {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(CONTENT_TYPE);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Weak comparison of RFC 9110: any listed tag with the same digits, or `*`.
fn matches_etag(list: &str, digest: &str) -> bool {
    list.split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"') == digest)
}

fn add_headers(headers: &mut HeaderMap, outline: &Outline, request_id: &str, allowance: Option<Allowance>) {
    let mut set = |name: HeaderName, value: HeaderValue| headers.insert(name, value);
    set(
        HeaderName::from_static("x-contentful-request-id"),
        HeaderValue::try_from(request_id).expect("hex digits"),
    );
    set(HeaderName::from_static("contentful-api"), HeaderValue::from_static("cma"));
    set(HeaderName::from_static("cf-organization-id"), HeaderValue::from_static(ORGANIZATION));
    if let Some(space) = outline.space().and_then(|space| HeaderValue::try_from(space).ok()) {
        set(HeaderName::from_static("cf-space-id"), space);
    }
    let cache = if outline.path.contains("/calls") { "no-cache" } else { "max-age=0" };
    set(CACHE_CONTROL, HeaderValue::from_static(cache));
    set(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    set(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    set(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("DELETE,GET,HEAD,POST,PUT,OPTIONS"));
    set(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Etag"));
    set(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("1728000"));
    if outline.preflight {
        let asked = outline.requested_headers.clone();
        set(ACCESS_CONTROL_ALLOW_HEADERS, asked.unwrap_or(HeaderValue::from_static("*")));
    }
    if let Some(allowance) = allowance {
        add_allowance(headers, allowance);
    }
}

fn add_allowance(headers: &mut HeaderMap, allowance: Allowance) {
    let rows = [
        ("x-contentful-ratelimit-second-limit", u64::from(allowance.second_limit)),
        ("x-contentful-ratelimit-second-remaining", u64::from(allowance.second_left)),
        ("x-contentful-ratelimit-hour-limit", u64::from(allowance.hour_limit)),
        ("x-contentful-ratelimit-hour-remaining", u64::from(allowance.hour_left)),
        ("x-contentful-ratelimit-reset", allowance.reset_seconds),
    ];
    for (name, value) in rows {
        headers.insert(HeaderName::from_static(name), value.into());
    }
}
