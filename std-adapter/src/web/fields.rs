//! Fields of forms and queries, and the check that a form came from one of our pages.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use http_body_util::LengthLimitError;
use url::form_urlencoded;

use super::Web;
use super::error::WebError;
use super::session::User;
use crate::limits::{BODY_TIMEOUT, FORM_BYTES_MAX};

/// Fields of one form: 100 rows of headers, 32 of filters, the grid, and ample room.
const FIELDS_MAX: usize = 2_000;

/// Names and values in the order of the form; names may repeat.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(pub(super) Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded`. More fields than any form of ours has are not read.
    pub(super) fn parse(text: &[u8]) -> Fields {
        Fields(form_urlencoded::parse(text).into_owned().take(FIELDS_MAX).collect())
    }

    /// The first value of a name; empty when there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        let pair = self.0.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// Every value of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a name is there with a value.
    pub(super) fn has(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// A number, or its default where the value is none.
    pub(super) fn number(&self, name: &str, otherwise: usize) -> usize {
        self.text(name).parse().unwrap_or(otherwise)
    }
}

/// The fields of the address.
impl FromRequestParts<Arc<Web>> for Fields {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Web>) -> Result<Fields, Infallible> {
        Ok(Fields::parse(parts.uri.query().unwrap_or_default().as_bytes()))
    }
}

/// Refuses what a browser says another site made it send.
pub(super) fn check_site(headers: &HeaderMap) -> Result<(), WebError> {
    match headers.get("sec-fetch-site").map(hyper::header::HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(WebError::Forged),
    }
}

/// A form of a page, sent by the user that the page was made for.
pub(super) struct Submitted {
    /// Who sent it.
    pub(super) user: User,
    /// What it holds.
    pub(super) fields: Fields,
}

impl FromRequest<Arc<Web>> for Submitted {
    type Rejection = WebError;

    async fn from_request(request: Request, web: &Arc<Web>) -> Result<Submitted, WebError> {
        let (mut parts, body) = request.into_parts();
        let user = User::from_request_parts(&mut parts, web).await?;
        check_site(&parts.headers)?;
        let fields = read(body, FORM_BYTES_MAX).await?;
        user.check_csrf(fields.text("csrf"))?;
        Ok(Submitted { user, fields })
    }
}

/// Reads a form's body of at most so many bytes.
///
/// # Errors
/// `TooLarge` above the limit, `Bad` when it does not arrive.
pub(super) async fn read(body: axum::body::Body, bytes_max: usize) -> Result<Fields, WebError> {
    let late = || WebError::Bad("The form did not arrive in time.".into());
    let bytes = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, bytes_max)).await.map_err(|_| late())?;
    let bytes = bytes.map_err(|cause| {
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&cause);
        while let Some(error) = source {
            if error.is::<LengthLimitError>() {
                return WebError::TooLarge;
            }
            source = error.source();
        }
        WebError::Bad("The form could not be read to its end.".into())
    })?;
    Ok(Fields::parse(&bytes))
}
