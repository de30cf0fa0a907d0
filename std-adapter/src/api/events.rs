//! Events in, in every form that publishers send: Contentful's own webhook request, CloudEvents, lines of JSON.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use bytes::Bytes;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::error::ApiError;
use super::query::{header, read_body};
use super::{Answer, AppState, Reply, cloudevents, shape};
use crate::app::{App, Caller, Wish};
use crate::clock;
use crate::ingest::{Accepted, Incoming, Refusal};
use crate::limits::{BODY_BYTES_MAX, BULK_BODY_BYTES_MAX, BULK_EVENTS_MAX, CONTEXT_VALUE_BYTES_MAX};
use crate::webhooks::Space;

/// Headers that say in which context an event happened; they are passed on to the endpoints.
const CONTEXT_HEADERS: [&str; 6] = [
    "x-contentful-bulk-action-id",
    "x-contentful-scheduled-action-id",
    "x-contentful-release-id",
    "x-contentful-release-action-id",
    "x-contentful-release-version",
    "x-contentful-release-version-id",
];

/// What every form has in common.
pub(super) struct Publish<'a> {
    /// The environment of the path, if it has one.
    pub(super) environment: Option<String>,
    /// The publisher.
    pub(super) caller: &'a Caller,
    /// The request's headers.
    pub(super) headers: &'a HeaderMap,
}

impl Publish<'_> {
    /// A header's text, if it is there.
    pub(super) fn header(&self, name: &str) -> Result<Option<&str>, ApiError> {
        header(self.headers, name)
    }

    /// An event about which only topic and payload are known.
    pub(super) fn incoming(&self, topic: &str, payload: Bytes) -> Incoming {
        Incoming {
            environment: self.environment.clone(),
            publisher: self.caller.0.id.clone(),
            ..Incoming::new(topic, payload)
        }
    }

    /// The media type without parameters, in lower case.
    fn media_type(&self) -> Result<String, ApiError> {
        let text = self.header("Content-Type")?.unwrap_or_default();
        Ok(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }
}

/// `POST /spaces/{space}/events`: the environment is the payload's, else `master`.
pub(super) async fn publish(
    State(app): AppState,
    caller: Caller,
    Path(space): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let publish = Publish { environment: None, caller: &caller, headers: &headers };
    accept(app, &space, publish, body).await
}

/// `POST /spaces/{space}/environments/{environment}/events`.
pub(super) async fn publish_to_environment(
    State(app): AppState,
    caller: Caller,
    Path((space, environment)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let publish = Publish { environment: Some(environment), caller: &caller, headers: &headers };
    accept(app, &space, publish, body).await
}

async fn accept(app: Arc<App>, space: &str, publish: Publish<'_>, body: Body) -> Answer {
    let space = publish.caller.enter(&app, space, Wish::Publish)?;
    match publish.media_type()?.as_str() {
        "application/x-ndjson" | "application/ndjson" => {
            let body = read_body(body, BULK_BODY_BYTES_MAX).await?;
            accept_many(&app, space, read_lines(&publish, &body)?).await
        }
        "application/cloudevents-batch+json" => {
            let body = read_body(body, BULK_BODY_BYTES_MAX).await?;
            accept_many(&app, space, cloudevents::read_batch(&publish, &body)?).await
        }
        "application/cloudevents+json" => {
            let body = read_body(body, BODY_BYTES_MAX).await?;
            accept_one(&app, space, cloudevents::read_structured(&publish, &body)?).await
        }
        other => {
            let binary = publish.headers.contains_key("ce-specversion");
            let media_type = other.to_owned();
            let body = read_body(body, BODY_BYTES_MAX).await?;
            let incoming = if binary {
                cloudevents::read_binary(&publish, &media_type, body)?
            } else {
                read_webhook_request(&publish, body)?
            };
            accept_one(&app, space, incoming).await
        }
    }
}

async fn accept_one(app: &App, space: Arc<Space>, incoming: Incoming) -> Answer {
    let accepted = app.ingest.accept(space, incoming).await?;
    Ok(Reply::with_status(StatusCode::ACCEPTED, shape::accepted(&accepted)))
}

/// One result for each event, in their order. 202 when any was accepted; what was not says why.
async fn accept_many(app: &App, space: Arc<Space>, incoming: Vec<Result<Incoming, Refusal>>) -> Answer {
    if incoming.is_empty() {
        return Err(ApiError::BadRequest("The body holds no events.".into()));
    }
    let results = app.ingest.accept_all(space, incoming).await?;
    let any = results.iter().any(Result::is_ok);
    let total = results.len();
    let items =
        results.into_iter().enumerate().map(|(number, result)| result_item(number + 1, result)).collect();
    let status = if any { StatusCode::ACCEPTED } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(Reply::with_status(status, shape::array(total, 0, total, items)))
}

fn result_item(number: usize, result: Result<Accepted, Refusal>) -> Value {
    match result {
        Ok(accepted) => json!(shape::accepted(&accepted)),
        Err(refusal) => {
            let message = refusal.to_string();
            let error = ApiError::from(refusal);
            let object = error.to_json("");
            json!({"sys": object["sys"], "event": number, "status": error.status().as_u16(), "message": message})
        }
    }
}

/// Contentful's own webhook request: the topic in a header, the entity as the body.
fn read_webhook_request(publish: &Publish<'_>, body: Bytes) -> Result<Incoming, ApiError> {
    let topic = publish.header("X-Contentful-Topic")?.ok_or_else(|| {
        ApiError::BadRequest(
            "Say what happened: send the header X-Contentful-Topic with a topic such as Entry.publish, \
             a CloudEvent, or application/x-ndjson with lines of {\"topic\": …, \"payload\": …}."
                .into(),
        )
    })?;
    let occurred_at_ms = match publish.header("X-Contentful-Event-Datetime")? {
        None => None,
        Some(text) => Some(clock::parse_iso(text).ok_or_else(|| {
            ApiError::BadRequest(
                "The header X-Contentful-Event-Datetime must be an ISO 8601 time with an offset.".into(),
            )
        })?),
    };
    Ok(Incoming {
        idempotency_key: publish.header("X-Contentful-Idempotency-Key")?.map(str::to_owned),
        occurred_at_ms,
        context: context_headers(publish)?,
        ..publish.incoming(topic, body)
    })
}

fn context_headers(publish: &Publish<'_>) -> Result<Vec<(String, String)>, ApiError> {
    let mut context = Vec::new();
    for name in CONTEXT_HEADERS {
        let Some(value) = publish.header(name)? else { continue };
        if value.len() > CONTEXT_VALUE_BYTES_MAX {
            return Err(ApiError::BadRequest(format!(
                "The header {name} has more than {CONTEXT_VALUE_BYTES_MAX} bytes."
            )));
        }
        context.push((name.to_owned(), value.to_owned()));
    }
    Ok(context)
}

/// A line of the bulk form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Line<'a> {
    topic: String,
    #[serde(borrow)]
    payload: &'a RawValue,
    environment: Option<String>,
    idempotency_key: Option<String>,
    occurred_at: Option<String>,
}

/// The events of a body with a JSON object on each line. Empty lines are passed over.
fn read_lines(publish: &Publish<'_>, body: &Bytes) -> Result<Vec<Result<Incoming, Refusal>>, ApiError> {
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let events: Vec<_> = lines.take(BULK_EVENTS_MAX + 1).map(|line| read_line(publish, body, line)).collect();
    check_count(events.len())?;
    Ok(events)
}

/// Refuses more events in one body than are taken.
pub(super) fn check_count(events: usize) -> Result<(), ApiError> {
    if events > BULK_EVENTS_MAX {
        return Err(ApiError::BadRequest(format!("One request carries at most {BULK_EVENTS_MAX} events.")));
    }
    Ok(())
}

fn read_line(publish: &Publish<'_>, body: &Bytes, line: &[u8]) -> Result<Incoming, Refusal> {
    let line: Line<'_> = serde_json::from_slice(line).map_err(|cause| Refusal::NotJson(cause.to_string()))?;
    let occurred_at_ms =
        match &line.occurred_at {
            None => None,
            Some(text) => Some(clock::parse_iso(text).ok_or_else(|| {
                Refusal::Invalid("occurredAt must be an ISO 8601 time with an offset".into())
            })?),
        };
    let incoming = publish.incoming(&line.topic, body.slice_ref(line.payload.get().as_bytes()));
    Ok(Incoming {
        environment: line.environment.or(incoming.environment),
        idempotency_key: line.idempotency_key,
        occurred_at_ms,
        ..incoming
    })
}
