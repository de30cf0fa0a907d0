//! The public JSON: how every object that the API answers with looks. No other file writes these shapes.

use bellwire_core::call::Outcome;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::app::events::{Event, Explanation, Reason};
use crate::calls::Health;
use crate::clock::iso;
use crate::deliver::Pause;
use crate::id;
use crate::ingest::Accepted;
use crate::secret::Secret;
use crate::store::record::{
    CallDetailsRecord, CallRecord, HeaderRecord, History, ResponseRecord, RetryPolicyRecord,
    SigningSecretRecord, SpaceRecord, TimingRecord, TokenRecord, WebhookRecord,
};
use crate::webhooks::Live;

/// The one organization that every space belongs to.
pub const ORGANIZATION: &str = "bellwire";

/// A link to another object.
pub fn link(kind: &str, id: &str) -> Value {
    json!({"sys": {"type": "Link", "linkType": kind, "id": id}})
}

/// A page of a list.
pub fn array(total: usize, skip: usize, limit: usize, items: Vec<Value>) -> Value {
    json!({"sys": {"type": "Array"}, "total": total, "skip": skip, "limit": limit, "items": items})
}

fn add_history(sys: &mut Value, history: &History) {
    sys["createdBy"] = link("User", &history.created.by);
    sys["createdAt"] = iso(history.created.at_ms).into();
    sys["updatedBy"] = link("User", &history.updated.by);
    sys["updatedAt"] = iso(history.updated.at_ms).into();
}

/// A space.
pub fn space(record: &SpaceRecord) -> Value {
    let mut sys = json!({"type": "Space", "id": record.id, "version": record.version, "organization": link("Organization", ORGANIZATION)});
    add_history(&mut sys, &record.history);
    json!({"name": record.name, "sys": sys})
}

/// An environment: a label on events, always ready.
pub fn environment(space: &SpaceRecord, id: &str) -> Value {
    let mut sys = json!({
        "type": "Environment", "id": id, "version": 1,
        "space": link("Space", &space.id),
        "status": link("Status", "ready"),
    });
    add_history(&mut sys, &space.history);
    json!({"name": id, "sys": sys})
}

fn stored_json(text: Option<&String>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
}

fn header(header: &HeaderRecord) -> Value {
    let mut object = json!({"key": header.key});
    if header.secret != Some(true) {
        object["value"] = header.value.expose().into();
    }
    if let Some(secret) = header.secret {
        object["secret"] = secret.into();
    }
    object
}

/// A webhook definition. Passwords and the values of secret headers are left out.
pub fn webhook_definition(space: &str, record: &WebhookRecord) -> Value {
    let mut sys = json!({"type": "WebhookDefinition", "id": record.id, "version": record.version, "space": link("Space", space)});
    add_history(&mut sys, &record.history);
    let mut object = json!({
        "name": record.name,
        "url": record.url,
        "httpBasicUsername": record.basic_username,
        "headers": record.headers.iter().map(header).collect::<Vec<Value>>(),
        "topics": record.topics,
        "filters": stored_json(record.filters_json.as_ref()),
        "transformation": stored_json(record.transformation_json.as_ref()),
        "active": record.active,
        "sys": sys,
    });
    // A field of ours: there only where it says something, so that all other answers are Contentful's.
    if record.ordered_by_entity {
        object["orderedByEntity"] = true.into();
    }
    object
}

/// A space's signing secret; only its last characters show.
pub fn signing_secret(space: &str, record: &SigningSecretRecord) -> Value {
    let mut sys =
        json!({"type": "WebhookSigningSecret", "version": record.version, "space": link("Space", space)});
    add_history(&mut sys, &record.history);
    json!({"redactedValue": record.value.last_chars(), "sys": sys})
}

/// A space's own retry policy.
pub fn retry_policy(space: &str, record: &RetryPolicyRecord) -> Value {
    let mut sys =
        json!({"type": "WebhookRetryPolicy", "version": record.version, "space": link("Space", space)});
    add_history(&mut sys, &record.history);
    json!({"maxRetries": record.retries_max, "sys": sys})
}

/// An access token; its text is there only in the answer to its making.
pub fn token(space: &str, record: &TokenRecord, text: Option<&Secret>) -> Value {
    let mut object = json!({
        "name": record.name,
        "role": record.role.name(),
        "sys": {
            "type": "AccessToken", "id": record.id, "space": link("Space", space),
            "createdBy": link("User", &record.created.by), "createdAt": iso(record.created.at_ms),
        },
    });
    if let Some(text) = text {
        object["token"] = text.expose().into();
    }
    object
}

/// Where a call belongs.
#[derive(Clone, Copy, Debug)]
pub struct CallPlace<'a> {
    /// The space's id.
    pub space: &'a str,
    /// The webhook's id.
    pub webhook: &'a str,
    /// The call's id.
    pub call: u128,
}

/// A call as the activity log lists it.
pub fn call_overview(place: CallPlace<'_>, call: &CallRecord) -> Value {
    call_fields("WebhookCallOverview", place, call)
}

fn call_fields(kind: &str, place: CallPlace<'_>, call: &CallRecord) -> Value {
    let status = match call.outcome {
        Outcome::Response { status } => Some(status),
        _ => None,
    };
    let errors: Vec<&str> = call.outcome.error_name().into_iter().collect();
    json!({
        "sys": {
            "id": id::to_text(place.call), "type": kind,
            "space": link("Space", place.space),
            "createdBy": link("WebhookDefinition", place.webhook),
            "createdAt": iso(id::made_at_ms(place.call)),
            "event": link("Event", &id::to_text(call.event_id)),
        },
        "statusCode": status,
        "errors": errors,
        "eventType": call.topic.rsplit('.').next(),
        "topic": call.topic,
        "attempt": call.attempt,
        "resent": call.resent,
        "url": call.url,
        "requestAt": iso(call.request_at_ms),
        "responseAt": call.response_at_ms.map(iso),
    })
}

fn header_map(headers: &[(String, String)]) -> Value {
    Value::Object(
        headers
            .iter()
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
            .collect::<Map<_, _>>(),
    )
}

fn response(url: &str, response: &ResponseRecord) -> Value {
    json!({
        "url": url, "statusCode": response.status, "headers": header_map(&response.headers),
        "body": response.body, "bodyTruncated": response.cut,
    })
}

/// A call with its request and response.
pub fn call_details(place: CallPlace<'_>, call: &CallRecord, details: &CallDetailsRecord) -> Value {
    let mut object = call_fields("WebhookCallDetails", place, call);
    object["request"] = json!({
        "url": call.url, "method": details.method, "headers": header_map(&details.request_headers),
        "body": details.request_body, "bodyTruncated": details.request_cut, "timeout": details.timeout_ms,
    });
    object["response"] =
        details.response.as_ref().map_or(Value::Null, |received| response(&call.url, received));
    object["error"] = details.error.as_deref().into();
    object["timing"] = timing(&details.timing);
    object
}

/// Milliseconds with their fractions; null for a part that did not happen.
fn timing(timing: &TimingRecord) -> Value {
    let ms = |us: Option<u64>| us.map(|us| us as f64 / 1_000.0);
    json!({
        "lookup": ms(timing.lookup_us), "connect": ms(timing.connect_us), "tls": ms(timing.tls_us),
        "firstByte": ms(timing.first_byte_us), "body": ms(timing.body_us),
    })
}

/// A webhook's health. `switchedOff` and `paused` are there only while they say something.
pub fn health(space: &str, record: &WebhookRecord, health: Health, pause: Option<Pause>) -> Value {
    let webhook = &record.id;
    let mut object = json!({
        "sys": {"id": webhook, "type": "Webhook", "space": link("Space", space), "createdBy": link("WebhookDefinition", webhook)},
        "calls": {"total": health.total, "healthy": health.healthy},
    });
    if let Some(off) = &record.switched_off {
        object["switchedOff"] = json!({"at": iso(off.at_ms), "reason": off.reason});
    }
    if let Some(pause) = pause {
        object["paused"] = json!({"until": pause.until_ms.map(iso), "pauses": pause.pauses});
    }
    object
}

/// A kept event as the list shows it, with the webhooks that match it as they are now.
pub fn event_overview(space: &str, event: &Event, live: &Live) -> Value {
    let record = &event.record;
    let webhooks = event.matching(live).into_iter().filter_map(|number| live.webhooks.get(number as usize));
    json!({
        "sys": {
            "type": "Event", "id": id::to_text(event.id), "space": link("Space", space),
            "environment": link("Environment", &record.environment),
            "createdBy": link("User", &record.user), "createdAt": iso(id::made_at_ms(event.id)),
        },
        "topic": record.topic,
        "occurredAt": iso(record.occurred_at_ms),
        "entity": record.entity_id,
        "bytes": record.payload.len(),
        "webhooks": webhooks.map(|webhook| link("WebhookDefinition", &webhook.record.id)).collect::<Vec<Value>>(),
    })
}

/// A kept event with its payload.
pub fn event_details(space: &str, event: &Event, live: &Live) -> Value {
    let mut object = event_overview(space, event, live);
    object["context"] = header_map(&event.record.context);
    object["payload"] = crate::json::parse(&event.record.payload).unwrap_or(Value::Null);
    object
}

/// Why a webhook gets an event or not.
pub fn explanation(explanation: &Explanation) -> Value {
    let Explanation { webhook, reason } = explanation;
    let mut object = json!({
        "webhook": link("WebhookDefinition", &webhook.record.id),
        "name": webhook.record.name,
        "matched": reason.is_match(),
        "reason": reason.sentence(),
    });
    match reason {
        Reason::Matched { pattern } => object["topic"] = pattern.as_str().into(),
        Reason::FilterFailed(failed) => {
            object["filter"] = json!({
                "number": failed.number, "doc": failed.doc, "operator": failed.operator, "not": failed.negated,
                "wanted": failed.wanted, "actual": failed.actual,
            });
        }
        Reason::Inactive | Reason::NoPattern => {}
    }
    object
}

/// An accepted event, and the webhooks that it is owed to: there may be very many, so no tree of values is made of them.
pub fn accepted(accepted: &Accepted) -> impl Serialize {
    let link = |id| Sys { sys: Identity { kind: "Link", link_type: Some("WebhookDefinition"), id } };
    AcceptedObject {
        sys: Identity { kind: "Event", link_type: None, id: id::to_text(accepted.event_id) },
        duplicate: accepted.duplicate.then_some(true),
        webhooks: (!accepted.duplicate).then(|| accepted.webhooks.iter().map(link).collect::<Vec<_>>()),
    }
}

#[derive(Serialize)]
struct AcceptedObject<L> {
    sys: Identity<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhooks: Option<L>,
}

#[derive(Serialize)]
struct Sys<S> {
    sys: S,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    link_type: Option<&'static str>,
    id: T,
}
