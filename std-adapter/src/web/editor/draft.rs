//! A webhook as the form holds it: texts and check boxes, whether or not they make a definition yet.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::filter_row::FilterRow;
use super::grid;
use crate::problem::Problem;
use crate::store::record::{HeaderRecord, WebhookRecord};
use crate::transform::Transformation;
use crate::web::fields::Fields;

/// The topic of those who want everything.
const EVERYTHING: &str = "*.*";

/// What the form holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) method: String,
    pub(crate) active: bool,
    /// Whether the deliveries of one entity go one at a time.
    pub(crate) ordered: bool,
    /// Whether the webhook is called for all events.
    pub(crate) all: bool,
    /// The checked boxes of the grid.
    pub(crate) topics: BTreeSet<String>,
    /// Topics that the grid has no box for.
    pub(crate) own: String,
    pub(crate) filters: Vec<FilterRow>,
    pub(crate) headers: Vec<HeaderRow>,
    pub(crate) basic_username: String,
    pub(crate) basic_password: String,
    /// Whether a password is stored, which is kept if none is typed.
    pub(crate) basic_stored: bool,
    pub(crate) content_type: String,
    pub(crate) content_length: bool,
    /// Whether the payload is one of the webhook's own.
    pub(crate) custom: bool,
    pub(crate) payload: String,
    /// The version that the form was filled from; none for a new webhook.
    pub(crate) version: Option<u64>,
}

/// A custom header as a row of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeaderRow {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) secret: bool,
    /// Whether a secret value is stored, which is kept if none is typed.
    pub(crate) stored: bool,
}

impl HeaderRow {
    fn is_blank(&self) -> bool {
        self.key.is_empty() && self.value.is_empty()
    }

    fn of(header: &HeaderRecord) -> HeaderRow {
        let secret = header.secret == Some(true);
        let value = if secret { String::new() } else { header.value.expose().to_owned() };
        HeaderRow { key: header.key.clone(), value, secret, stored: secret }
    }

    fn to_json(&self) -> Value {
        match (self.secret, self.value.is_empty()) {
            (true, true) if self.stored => json!({"key": self.key, "secret": true}),
            (true, _) => json!({"key": self.key, "value": self.value, "secret": true}),
            (false, _) => json!({"key": self.key, "value": self.value}),
        }
    }
}

impl Draft {
    /// A new webhook: for `master`, as the environment most people mean.
    pub(crate) fn blank() -> Draft {
        Draft { active: true, filters: vec![FilterRow::master()], ..Draft::default() }
    }

    /// A stored webhook, without its secrets.
    pub(crate) fn of(record: &WebhookRecord) -> Draft {
        let json = record.transformation_json.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let transformation = json.and_then(|json| Transformation::from_json(&json).ok()).unwrap_or_default();
        let (known, other): (Vec<&String>, Vec<&String>) =
            record.topics.iter().filter(|topic| *topic != EVERYTHING).partition(|topic| grid::has(topic));
        let other: Vec<&str> = other.into_iter().map(String::as_str).collect();
        let payload =
            transformation.body.as_ref().map(|body| serde_json::to_string_pretty(body).unwrap_or_default());
        Draft {
            name: record.name.clone(),
            url: record.url.clone(),
            method: transformation.method().to_string(),
            active: record.active,
            ordered: record.ordered_by_entity,
            all: record.topics.iter().any(|topic| topic == EVERYTHING),
            topics: known.into_iter().cloned().collect(),
            own: other.join(", "),
            filters: FilterRow::all_of(record.filters_json.as_deref()),
            headers: record.headers.iter().map(HeaderRow::of).collect(),
            basic_username: record.basic_username.clone().unwrap_or_default(),
            basic_password: String::new(),
            basic_stored: record.basic_password.is_some(),
            content_type: transformation.content_type().to_owned(),
            content_length: transformation.include_content_length == Some(true),
            custom: payload.is_some(),
            payload: payload.unwrap_or_default(),
            version: Some(record.version),
        }
    }

    /// A webhook that is not stored yet, secrets included: they were typed a moment ago.
    pub(crate) fn filled_in(record: &WebhookRecord) -> Draft {
        let mut draft = Draft::of(record);
        for (row, header) in draft.headers.iter_mut().zip(&record.headers) {
            *row = HeaderRow { value: header.value.expose().to_owned(), stored: false, ..row.clone() };
        }
        draft.version = None;
        draft
    }

    /// A copy of a stored webhook. Stored secrets cannot be read, so they are not copied.
    pub(crate) fn copy_of(record: &WebhookRecord) -> Draft {
        let mut draft = Draft::of(record);
        draft.name = format!("Copy of {}", draft.name);
        draft.headers.iter_mut().for_each(|header| header.stored = false);
        (draft.basic_stored, draft.version) = (false, None);
        draft
    }

    /// What was typed. `was` is the webhook that the form is about.
    pub(crate) fn typed(fields: &Fields, was: Option<&WebhookRecord>) -> Draft {
        let text = |name| fields.text(name).to_owned();
        let rows =
            fields.all("filter-doc").zip(fields.all("filter-operator")).zip(fields.all("filter-value"));
        let filter = |((doc, operator), value): ((&str, &str), &str)| FilterRow {
            doc: doc.to_owned(),
            operator: operator.to_owned(),
            value: value.to_owned(),
        };
        Draft {
            name: text("name"),
            url: fields.text("url").trim().to_owned(),
            method: text("method"),
            active: fields.has("active"),
            ordered: fields.has("ordered"),
            all: fields.text("scope") == "all",
            topics: fields.all("topic").filter(|topic| grid::has(topic)).map(str::to_owned).collect(),
            own: text("own"),
            filters: rows.map(filter).filter(|row| !row.is_blank()).collect(),
            headers: typed_headers(fields, was),
            basic_username: text("basic-username"),
            basic_password: text("basic-password"),
            basic_stored: was.is_some_and(|was| was.basic_password.is_some()),
            content_type: text("content-type"),
            content_length: fields.has("content-length"),
            custom: fields.text("body") == "custom",
            payload: text("payload").replace("\r\n", "\n"),
            version: fields.text("version").parse().ok(),
        }
    }

    /// The definition that the API would take.
    ///
    /// # Errors
    /// What cannot even be written as JSON: the payload.
    pub(crate) fn to_json(&self, was: Option<&WebhookRecord>) -> Result<Value, Vec<Problem>> {
        let basic = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
        Ok(json!({
            "name": self.name,
            "url": self.url,
            "topics": self.topics_in_order(was),
            "filters": self.filters.iter().map(FilterRow::to_json).collect::<Vec<Value>>(),
            "headers": self.headers.iter().map(HeaderRow::to_json).collect::<Vec<Value>>(),
            "httpBasicUsername": basic(&self.basic_username),
            "httpBasicPassword": basic(&self.basic_password),
            "transformation": self.transformation()?,
            "active": self.active,
            "orderedByEntity": self.ordered,
        }))
    }

    /// Those that were there before keep their order.
    fn topics_in_order(&self, was: Option<&WebhookRecord>) -> Vec<String> {
        let own = self.own.split([',', ' ', '\n', '\r', '\t']).filter(|topic| !topic.is_empty());
        let mut wanted: Vec<String> = self.topics.iter().cloned().chain(own.map(str::to_owned)).collect();
        if self.all {
            wanted = vec![EVERYTHING.to_owned()];
        }
        let before = was.map(|was| &was.topics[..]).unwrap_or_default();
        let kept: Vec<String> = before.iter().filter(|topic| wanted.contains(topic)).cloned().collect();
        wanted.retain(|topic| !kept.contains(topic));
        kept.into_iter().chain(wanted).collect()
    }

    fn transformation(&self) -> Result<Value, Vec<Problem>> {
        let defaults = Transformation::default();
        let mut members = serde_json::Map::new();
        if !self.method.is_empty() && self.method != defaults.method().as_str() {
            members.insert("method".into(), self.method.as_str().into());
        }
        if !self.content_type.is_empty() && self.content_type != defaults.content_type() {
            members.insert("contentType".into(), self.content_type.as_str().into());
        }
        if self.content_length {
            members.insert("includeContentLength".into(), true.into());
        }
        if self.custom {
            let payload = crate::json::parse(self.payload.as_bytes());
            let payload = payload.map_err(|cause| vec![not_json(&cause.to_string())])?;
            members.insert("body".into(), payload);
        }
        Ok(if members.is_empty() { Value::Null } else { Value::Object(members) })
    }
}

fn not_json(cause: &str) -> Problem {
    Problem::new("json", "transformation.body", format!("The payload is not valid JSON: {cause}"))
}

fn typed_headers(fields: &Fields, was: Option<&WebhookRecord>) -> Vec<HeaderRow> {
    let stored = |key: &str| {
        let mut headers = was.iter().flat_map(|was| &was.headers);
        headers.any(|header| header.secret == Some(true) && header.key.eq_ignore_ascii_case(key))
    };
    let rows = fields.all("header-key").zip(fields.all("header-value")).zip(fields.all("header-kind"));
    let row = |((key, value), kind): ((&str, &str), &str)| HeaderRow {
        key: key.trim().to_owned(),
        value: value.to_owned(),
        secret: kind == "secret",
        stored: stored(key.trim()),
    };
    rows.map(row).filter(|row| !row.is_blank()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::AddressPolicy;
    use crate::webhooks::definition::Definition;

    fn parse(json: &Value, was: Option<&WebhookRecord>) -> Definition {
        Definition::parse(json, was, AddressPolicy::AllowPrivate).expect("an acceptable definition")
    }

    fn stored(definition: Definition) -> WebhookRecord {
        crate::webhooks::Live::draft(definition).unwrap().webhooks[0].record.clone()
    }

    #[test]
    fn a_stored_webhook_goes_through_the_form_unchanged() {
        let definition = json!({
            "name": "n", "url": "https://example.com/{ /payload/sys/id }",
            "topics": ["Order.created", "Entry.publish", "*.delete", "Asset.*"],
            "filters": [{"not": {"in": [{"doc": "sys.id"}, ["a", "b,c"]]}}],
            "headers": [{"key": "X-A", "value": "1"}, {"key": "X-S", "value": "s", "secret": true}],
            "httpBasicUsername": "u", "httpBasicPassword": "p",
            "transformation": {"method": "PUT", "contentType": "application/json", "includeContentLength": true, "body": {"a": [1, "{ /topic }"]}},
            "active": false, "orderedByEntity": true,
        });
        let record = stored(parse(&definition, None));
        let draft = Draft::of(&record);
        assert_eq!((draft.own.as_str(), draft.headers[1].value.as_str()), ("Order.created", ""));
        let again = stored(parse(&draft.to_json(Some(&record)).unwrap(), Some(&record)));
        assert_eq!(again.topics, record.topics);
        assert_eq!(again.filters_json, record.filters_json);
        assert_eq!(again.headers[1], record.headers[1]);
        assert_eq!(again.headers[0].value, record.headers[0].value);
        assert_eq!((again.basic_password, again.active), (record.basic_password, false));
        assert!(again.ordered_by_entity);
        assert_eq!(again.transformation_json, record.transformation_json);
    }

    #[test]
    fn a_copy_asks_for_the_secrets_again() {
        let definition = json!({
            "name": "n", "url": "https://example.com/", "topics": ["*.*"],
            "headers": [{"key": "X-S", "value": "s", "secret": true}],
        });
        let record = stored(parse(&definition, None));
        let copy = Draft::copy_of(&record);
        assert_eq!((copy.name.as_str(), copy.all, copy.version), ("Copy of n", true, None));
        assert_eq!(
            copy.headers,
            [HeaderRow { key: "X-S".into(), value: String::new(), secret: true, stored: false }]
        );
    }

    #[test]
    fn what_is_typed_becomes_a_definition() {
        let typed = "name=n&url=+https://example.com/+&method=POST&active=on&scope=some&topic=Entry.publish&topic=Evil.x\
                     &own=Order.created%0AOrder.*&filter-doc=sys.id&filter-operator=regexp&filter-value=%5Ea\
                     &filter-doc=&filter-operator=equals&filter-value=&header-key=X-A&header-value=1&header-kind=custom\
                     &header-key=&header-value=&header-kind=custom&body=custom&payload=%7B%22a%22%3A1%7D";
        let draft = Draft::typed(&Fields::parse(typed.as_bytes()), None);
        let json = draft.to_json(None).unwrap();
        assert_eq!(json["topics"], json!(["Entry.publish", "Order.created", "Order.*"]));
        assert_eq!(json["filters"], json!([{"regexp": [{"doc": "sys.id"}, {"pattern": "^a"}]}]));
        assert_eq!(json["headers"], json!([{"key": "X-A", "value": "1"}]));
        assert_eq!(json["transformation"], json!({"body": {"a": 1}}));
        assert_eq!(json["url"], "https://example.com/");
        let broken = Draft { payload: "{".into(), ..draft };
        assert_eq!(broken.to_json(None).unwrap_err()[0].path, "transformation.body");
    }
}
