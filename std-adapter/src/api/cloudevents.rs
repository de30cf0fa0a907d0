//! CloudEvents 1.0 over HTTP: binary, structured and batched. `type` is the topic, `data` the payload.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::ApiError;
use super::events::{Publish, check_count};
use crate::clock;
use crate::ingest::{Incoming, Refusal};
use crate::problem::Problem;

/// The version of the specification that is understood.
const SPEC_VERSION: &str = "1.0";

/// The payload of an event without data.
const NO_DATA: &[u8] = b"null";

/// The attributes of an event that mean something here; others are passed over.
#[derive(Deserialize)]
struct Attributes<'a> {
    specversion: String,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    time: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    data_base64: Option<String>,
}

/// Checks what every form has, and puts the event together.
fn incoming(publish: &Publish<'_>, attributes: &Attributes<'_>, payload: Bytes) -> Result<Incoming, Refusal> {
    if attributes.specversion != SPEC_VERSION {
        return Err(Refusal::Invalid(format!("specversion must be \"{SPEC_VERSION}\"")));
    }
    if attributes.id.is_empty() || attributes.source.is_empty() {
        return Err(Refusal::Invalid("A CloudEvent's id and source cannot be empty".into()));
    }
    let occurred_at_ms = match &attributes.time {
        None => None,
        Some(text) => Some(
            clock::parse_iso(text).ok_or_else(|| Refusal::Invalid("time must be an RFC 3339 time".into()))?,
        ),
    };
    Ok(Incoming {
        // Source and id together name an event; the line break cannot stand in either.
        idempotency_key: Some(format!("{}\n{}", attributes.source, attributes.id)),
        occurred_at_ms,
        ..publish.incoming(&attributes.kind, payload)
    })
}

/// The binary form: attributes in `ce-` headers, the data as the body.
pub(super) fn read_binary(
    publish: &Publish<'_>,
    media_type: &str,
    body: Bytes,
) -> Result<Incoming, ApiError> {
    if !(media_type.is_empty() || media_type == "application/json" || media_type.ends_with("+json")) {
        return Err(ApiError::MediaType(format!(
            "The data of a CloudEvent must be JSON here, not {media_type}."
        )));
    }
    let attribute = |name: &str| decode_header(publish, name);
    let required = |name: &str| {
        attribute(name)?.ok_or_else(|| {
            ApiError::Validation(vec![Problem::new(
                "required",
                name,
                format!("The header {name} is required"),
            )])
        })
    };
    let attributes = Attributes {
        specversion: required("ce-specversion")?,
        id: required("ce-id")?,
        source: required("ce-source")?,
        kind: required("ce-type")?,
        time: attribute("ce-time")?,
        data: None,
        data_base64: None,
    };
    let payload = if body.is_empty() { Bytes::from_static(NO_DATA) } else { body };
    Ok(incoming(publish, &attributes, payload)?)
}

/// Header values are percent-encoded; older senders put them in quotes.
fn decode_header(publish: &Publish<'_>, name: &str) -> Result<Option<String>, ApiError> {
    let Some(text) = publish.header(name)? else { return Ok(None) };
    let invalid = |_| ApiError::BadRequest(format!("The header {name} is not percent-encoded UTF-8."));
    let text = text.trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let decoded = percent_decode_str(text).decode_utf8().map_err(invalid)?;
    Ok(Some(decoded.into_owned()))
}

/// The structured form: one event as a JSON object.
pub(super) fn read_structured(publish: &Publish<'_>, body: &Bytes) -> Result<Incoming, ApiError> {
    Ok(read_event(publish, body, body)?)
}

/// The batched form: a JSON array of events, each accepted or refused for itself.
pub(super) fn read_batch(
    publish: &Publish<'_>,
    body: &Bytes,
) -> Result<Vec<Result<Incoming, Refusal>>, ApiError> {
    let events: Vec<&RawValue> =
        serde_json::from_slice(body).map_err(|cause| ApiError::NotJson(cause.to_string()))?;
    check_count(events.len())?;
    Ok(events.into_iter().map(|event| read_event(publish, body, event.get().as_bytes())).collect())
}

/// Reads one event, a part of `body`, so that its data needs no copy.
fn read_event(publish: &Publish<'_>, body: &Bytes, event: &[u8]) -> Result<Incoming, Refusal> {
    let attributes: Attributes<'_> =
        serde_json::from_slice(event).map_err(|cause| match cause.classify() {
            serde_json::error::Category::Data => {
                Refusal::Invalid(format!("This is not a CloudEvent: {cause}"))
            }
            _ => Refusal::NotJson(cause.to_string()),
        })?;
    let payload = match (attributes.data, &attributes.data_base64) {
        (Some(_), Some(_)) => {
            return Err(Refusal::Invalid("A CloudEvent has data or data_base64, not both".into()));
        }
        (Some(data), None) => body.slice_ref(data.get().as_bytes()),
        (None, Some(data)) => {
            let decoded = BASE64_STANDARD.decode(data);
            decoded.map_err(|_| Refusal::Invalid("data_base64 is not base64".into()))?.into()
        }
        (None, None) => Bytes::from_static(NO_DATA),
    };
    incoming(publish, &attributes, payload)
}
