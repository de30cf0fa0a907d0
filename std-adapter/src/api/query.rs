//! Query parameters of lists, and the headers and bodies that several endpoints read.

use axum::body::Body;
use axum::http::HeaderMap;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde_json::Value;
use url::form_urlencoded;

use super::error::ApiError;
use crate::json;
use crate::limits::{BODY_BYTES_MAX, BODY_TIMEOUT, DISCARDED_BYTES_MAX, PAGE_ITEMS, PAGE_ITEMS_MAX};
use crate::webhooks::Expected;

/// Which stretch of a list is asked for, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Paging {
    /// Items left out at the start.
    pub skip: usize,
    /// Items at the most.
    pub limit: usize,
    /// Fields to order by, the most important first; empty for the list's own order.
    pub order: Vec<Order>,
}

/// What a list that is kept in the order of creation can be ordered by.
pub(super) const CREATION: [&str; 1] = ["sys.createdAt"];

/// One field of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// The field, such as `sys.createdAt`.
    pub field: String,
    /// Whether the largest comes first.
    pub descending: bool,
}

impl Paging {
    /// Reads `skip`, `limit` and `order` from a query; other parameters are ignored. `fields` are those that the
    /// list can be ordered by.
    ///
    /// # Errors
    /// `InvalidQuery` that names the parameter.
    pub(super) fn parse(query: Option<&str>, fields: &[&str]) -> Result<Paging, ApiError> {
        let mut paging = Paging { skip: 0, limit: PAGE_ITEMS, order: Vec::new() };
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                "skip" => paging.skip = number("skip", &value)?,
                "limit" => paging.limit = number("limit", &value)?,
                "order" => paging.order = parse_order(&value, fields)?,
                _ => {}
            }
        }
        if paging.limit > PAGE_ITEMS_MAX {
            return Err(ApiError::InvalidQuery(format!(
                "The value provided for \"limit\" is invalid. The largest limit is {PAGE_ITEMS_MAX}"
            )));
        }
        Ok(paging)
    }

    /// Whether the largest comes first; `None` when no order was asked for.
    pub(super) fn descending(&self) -> Option<bool> {
        self.order.first().map(|order| order.descending)
    }

    /// The items of this page out of all.
    pub(super) fn cut<T>(&self, items: impl Iterator<Item = T>) -> Vec<T> {
        items.skip(self.skip).take(self.limit).collect()
    }
}

fn number(name: &str, value: &str) -> Result<usize, ApiError> {
    value.parse().map_err(|_| {
        ApiError::InvalidQuery(format!(
            "The value provided for \"{name}\" is invalid. Please provide a valid number value"
        ))
    })
}

fn parse_order(value: &str, fields: &[&str]) -> Result<Vec<Order>, ApiError> {
    value
        .split(',')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (field, descending) = part.strip_prefix('-').map_or((part, false), |field| (field, true));
            if !fields.contains(&field) {
                return Err(ApiError::InvalidQuery(format!(
                    "The value provided for \"order\" is invalid. This list can be ordered by {}",
                    fields.join(", ")
                )));
            }
            Ok(Order { field: field.to_owned(), descending })
        })
        .collect()
}

/// The text of a header that can be there once.
///
/// # Errors
/// `BadRequest` when it is there twice, or has other characters than visible ASCII and blanks: taking one of two or
/// passing over an unreadable one would be guessing.
pub(super) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ApiError::BadRequest(format!("The header {name} is there more than once.")));
    }
    value
        .to_str()
        .map(Some)
        .map_err(|_| ApiError::BadRequest(format!("The header {name} has characters beyond visible ASCII.")))
}

/// The version that a caller means to replace.
///
/// # Errors
/// `BadRequest` when the header is not a whole number.
pub(super) fn expected_version(headers: &HeaderMap) -> Result<Expected, ApiError> {
    let Some(text) = header(headers, "X-Contentful-Version")? else { return Ok(Expected::Unsaid) };
    text.trim()
        .parse()
        .map(Expected::Version)
        .map_err(|_| ApiError::BadRequest("The header X-Contentful-Version must be a whole number.".into()))
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// `TooLarge` above the limit, `TooSlow` when it takes too long, `BadRequest` when the caller stops in the middle.
pub(super) async fn read_body(body: Body, limit: usize) -> Result<Bytes, ApiError> {
    tokio::time::timeout(BODY_TIMEOUT, collect(body, limit)).await.map_err(|_| ApiError::TooSlow)?
}

/// Reads on beyond the limit, without keeping it: a caller that is still sending would not read the refusal.
async fn collect(mut body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let (mut kept, mut length) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| ApiError::BadRequest("The body could not be read to its end.".into()))?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length <= limit {
            kept.extend_from_slice(&data);
        } else if length > limit.saturating_add(DISCARDED_BYTES_MAX) {
            break;
        }
    }
    if length > limit { Err(ApiError::TooLarge(limit)) } else { Ok(kept.freeze()) }
}

/// Reads a JSON body, whatever its content type says.
///
/// # Errors
/// As [`read_body`], and `NotJson`.
pub(super) async fn read_json(body: Body) -> Result<Value, ApiError> {
    let bytes = read_body(body, BODY_BYTES_MAX).await?;
    json::parse(&bytes).map_err(|cause| ApiError::NotJson(cause.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_read_with_their_defaults() {
        let paging =
            Paging::parse(Some("skip=5&limit=0&order=-sys.createdAt,name&x=y"), &["sys.createdAt", "name"])
                .unwrap();
        assert_eq!((paging.skip, paging.limit), (5, 0));
        assert_eq!(paging.order[0], Order { field: "sys.createdAt".into(), descending: true });
        assert_eq!(paging.order[1], Order { field: "name".into(), descending: false });
        assert_eq!(Paging::parse(None, &[]).unwrap(), Paging { skip: 0, limit: 100, order: Vec::new() });
    }

    #[test]
    fn bad_values_are_named() {
        for (query, name) in [
            ("limit=x", "limit"),
            ("limit=", "limit"),
            ("skip=-1", "skip"),
            ("limit=1001", "limit"),
            ("skip=1e3", "skip"),
            ("order=colour", "order"),
            ("limit=99999999999999999999", "limit"),
        ] {
            match Paging::parse(Some(query), &["name"]) {
                Err(ApiError::InvalidQuery(message)) => {
                    assert!(message.contains(&format!("{name:?}")), "{message}");
                }
                other => panic!("{query}: {other:?}"),
            }
        }
    }
}
