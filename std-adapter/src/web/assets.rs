//! Stylesheet, scripts and icon, embedded in the binary.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use sha2::{Digest, Sha256};

use super::error::WebError;
use super::{Page, WebState};
use crate::id;

/// Name, media type, bytes.
const FILES: [(&str, &str, &[u8]); 5] = [
    ("app.css", "text/css; charset=utf-8", include_bytes!("../../assets/app.css")),
    ("app.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/app.js")),
    ("editor.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/editor.js")),
    ("send.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/send.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("../../assets/icon.svg")),
];

/// Bytes of the digest that make an ETag.
const ETAG_BYTES: usize = 16;

/// The files with their ETags.
pub(super) struct Assets(Vec<Asset>);

struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
    etag: String,
}

impl Default for Assets {
    fn default() -> Assets {
        let asset = |(name, media_type, bytes)| Asset { name, media_type, bytes, etag: etag(bytes) };
        Assets(FILES.into_iter().map(asset).collect())
    }
}

fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", id::hex(&Sha256::digest(bytes)[..ETAG_BYTES]))
}

/// `GET /app/assets/{name}`: asked for again with every page, and answered 304 while it is the same.
pub(super) async fn serve(State(web): WebState, Path(name): Path<String>, headers: HeaderMap) -> Page {
    let asset = web.assets.0.iter().find(|asset| asset.name == name).ok_or(WebError::NoPage)?;
    let caching = [(ETAG, asset.etag.as_str()), (CACHE_CONTROL, "no-cache")];
    let known = headers.get(IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes().ends_with(asset.etag.as_bytes()));
    if known {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok((caching, [(CONTENT_TYPE, asset.media_type)], asset.bytes).into_response())
}
