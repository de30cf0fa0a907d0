//! Made-up entities: what an event's payload looks like, for tests and previews.

use serde_json::{Value, json};

use crate::clock;
use crate::ingest::DEFAULT_ENVIRONMENT;
use crate::store::record::EventRecord;

/// An event with a sample as its payload. A star in the topic becomes the commonest type or action.
pub(super) fn sample(space: &str, topic: &str, now_ms: u64) -> EventRecord {
    let (kind, action) = topic.split_once('.').unwrap_or((topic, ""));
    let kind = if kind.is_empty() || kind.starts_with('*') { "Entry" } else { kind };
    let action = if action.is_empty() || action.starts_with('*') { "publish" } else { action };
    let payload = payload(space, kind, action, now_ms);
    EventRecord {
        environment: DEFAULT_ENVIRONMENT.into(),
        topic: format!("{kind}.{action}"),
        occurred_at_ms: now_ms,
        user: "editor".into(),
        entity_id: payload["sys"]["id"].as_str().map(str::to_owned),
        context: Vec::new(),
        payload: payload.to_string().into_bytes(),
    }
}

/// The payload of a type, or that of an entry under another type's name, after an action. Of what is gone only its `sys` is left.
pub(super) fn payload(space: &str, kind: &str, action: &str, now_ms: u64) -> Value {
    let sys = sys(space, kind, action, now_ms);
    if matches!(action, "unpublish" | "delete") {
        return json!({"sys": sys});
    }
    match kind {
        "Asset" => json!({
            "metadata": {"tags": []},
            "fields": {
                "title": {"en-US": "A lighthouse"},
                "file": {"en-US": {"fileName": "lighthouse.jpg", "contentType": "image/jpeg", "url": "//images.example.com/lighthouse.jpg"}},
            },
            "sys": sys,
        }),
        "ContentType" => json!({
            "name": "Article", "displayField": "title",
            "fields": [{"id": "title", "name": "Title", "type": "Symbol", "required": true, "localized": false}],
            "sys": sys,
        }),
        _ => json!({
            "metadata": {"tags": []},
            "fields": {"title": {"en-US": "Hello, world"}, "slug": {"en-US": "hello-world"}},
            "sys": sys,
        }),
    }
}

fn sys(space: &str, kind: &str, action: &str, now_ms: u64) -> Value {
    let link = |kind: &str, id: &str| json!({"sys": {"type": "Link", "linkType": kind, "id": id}});
    let now = clock::iso(now_ms);
    let mut sys = json!({
        "type": kind, "id": format!("sample-{}", kind.to_lowercase()),
        "space": link("Space", space), "environment": link("Environment", DEFAULT_ENVIRONMENT),
        "revision": 1, "createdAt": now, "updatedAt": now,
    });
    if kind == "Entry" {
        sys["contentType"] = link("ContentType", "article");
    }
    if matches!(action, "unpublish" | "delete") {
        sys["deletedAt"] = now.into();
        sys["deletedBy"] = link("User", "editor");
        return sys;
    }
    sys["createdBy"] = link("User", "editor");
    sys["updatedBy"] = link("User", "editor");
    match action {
        "publish" => sys["publishedVersion"] = 2.into(),
        _ => sys["version"] = 2.into(),
    }
    sys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::events::Event;

    #[test]
    fn samples_have_what_filters_look_at() {
        for (topic, made) in [
            ("Entry.publish", "Entry.publish"),
            ("*.*", "Entry.publish"),
            ("Asset.*", "Asset.publish"),
            ("*.delete", "Entry.delete"),
            ("Order.created", "Order.created"),
        ] {
            let record = sample("s", topic, 0);
            assert_eq!(record.topic, made);
            let event = Event::new(1, record);
            assert!(event.record.entity_id.is_some());
        }
        let gone = payload("s", "Entry", "delete", 0);
        assert!(
            gone["sys"]["deletedBy"].is_object()
                && gone["sys"].get("createdBy").is_none()
                && gone.get("fields").is_none()
        );
    }
}
