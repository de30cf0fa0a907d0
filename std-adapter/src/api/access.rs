//! The caller of a request, from its `Authorization` header.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use hyper::header::AUTHORIZATION;

use super::error::ApiError;
use crate::app::{App, Caller};

/// The caller whose token the `Authorization` header shows, if it is a known one.
pub(super) fn identify(app: &App, headers: &HeaderMap) -> Option<Caller> {
    let shown = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = shown.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    app.tokens.authenticate(token.trim()).map(Caller)
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Caller, ApiError> {
        parts.extensions.get::<Caller>().cloned().ok_or(ApiError::TokenInvalid)
    }
}
