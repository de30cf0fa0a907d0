//! The core's rows of topics and filters, through the API: what the table says is what a publisher hears.

use std::collections::BTreeSet;
use std::path::Path;

use bellwire::config::Settings;
use serde_json::{Map, Value, json};

use super::support::{Server, settings};

fn rows(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/testdata").join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Puts a value where a filter's `doc` points.
fn set(payload: &mut Value, doc: &str, value: &Value) {
    let mut place = payload;
    for member in doc.split('.') {
        place = place.as_object_mut().unwrap().entry(member).or_insert(Value::Object(Map::new()));
    }
    *place = value.clone();
}

/// A payload that has just these attributes.
fn payload(attributes: &Value) -> Value {
    let mut payload = json!({});
    attributes.as_object().unwrap().iter().for_each(|(doc, value)| set(&mut payload, doc, value));
    payload
}

/// The attributes that the API's filters know, but for the environment, which every event has.
const DOCS: [&str; 5] = [
    "sys.id",
    "sys.contentType.sys.id",
    "sys.createdBy.sys.id",
    "sys.updatedBy.sys.id",
    "sys.deletedBy.sys.id",
];

/// The names of attributes in a filter, to be changed.
fn docs(filter: &mut Value) -> Vec<&mut Value> {
    match filter {
        Value::Object(members) => members
            .iter_mut()
            .flat_map(|(name, value)| if name == "doc" { vec![value] } else { docs(value) })
            .collect(),
        Value::Array(items) => items.iter_mut().flat_map(docs).collect(),
        _ => Vec::new(),
    }
}

/// The row with Contentful's attributes in place of its own; nothing when it has too many.
fn with_known_attributes(row: &Value) -> Option<Value> {
    let mut row = row.clone();
    let filters = docs(&mut row["filters"]).into_iter().map(|doc| doc.as_str().unwrap().to_owned());
    let filters: Vec<String> = filters.collect();
    let attributes = row["attributes"].as_object().unwrap().keys().cloned();
    let own: BTreeSet<String> = attributes.chain(filters).collect();
    if own.len() > DOCS.len() {
        return None;
    }
    let known = |doc: &str| DOCS[own.iter().position(|own| own == doc).unwrap()];
    docs(&mut row["filters"]).into_iter().for_each(|doc| *doc = known(doc.as_str().unwrap()).into());
    let attributes = row["attributes"].as_object().unwrap().iter();
    row["attributes"] = attributes.map(|(doc, value)| (known(doc), value.clone())).collect::<Value>();
    Some(row)
}

fn definition(row: &Value) -> Value {
    json!({"name": "row", "url": "http://127.0.0.1:9/", "topics": row["topics"], "filters": row["filters"]})
}

/// Defines the webhook of a row and publishes its event. The answer is what the row says, or what it says of the API.
async fn check(server: &Server, id: &str, row: &Value) {
    let path = format!("/spaces/s1/webhook_definitions/{id}");
    let (api, defined) = (&row["api"], server.put(&path, &definition(row)).await);
    if let Some(refusal) = api["definition"].as_str() {
        return refused(defined.error(422, "ValidationFailed"), refusal);
    }
    defined.ok();
    let published = server.publish(row["topic"].as_str().unwrap(), &payload(&row["attributes"])).await;
    if let Some(refusal) = api["event"].as_str() {
        return refused(published.error(422, "ValidationFailed"), refusal);
    }
    let links = published.ok()["webhooks"].clone();
    let got = links.as_array().unwrap().iter().any(|link| link["sys"]["id"] == id);
    let expected = api.get("matched").unwrap_or(&row["expected"]);
    assert_eq!(json!(got), *expected, "{row}");
}

/// The error says what was expected, in its message or of its only detail.
fn refused(error: Value, expected: &str) {
    let details = &error["details"]["errors"];
    let said = details[0]["details"].as_str().or(error["message"].as_str()).unwrap();
    assert!(said.starts_with(expected) && details.get(1).is_none(), "{expected}: {error}");
}

#[tokio::test]
async fn filters_decide_through_the_api_as_in_the_table() {
    let (table, server) = (
        rows("filters.json"),
        Server::start_with(Settings { webhooks_per_space: 1_000, ..settings() }).await,
    );
    for (number, row) in table["rows"].as_array().unwrap().iter().enumerate() {
        check(&server, &format!("row-{number}"), row).await;
    }
}

#[tokio::test]
async fn filters_for_the_edge_are_judged_or_refused_through_the_api() {
    let (table, server) = (
        rows("filters.json"),
        Server::start_with(Settings { webhooks_per_space: 1_000, ..settings() }).await,
    );
    for (number, row) in table["edge_rows"].as_array().unwrap().iter().enumerate() {
        let id = format!("row-{number}");
        let mut own = row["filters"].clone();
        // As it is, it asks for attributes that no event of the server has.
        if let Some(doc) = docs(&mut own).first() {
            let no_operator = row["api"]["definition"].as_str().filter(|said| said.contains("no operator"));
            let refusal = no_operator.map_or_else(
                || format!("filter 0: {doc} cannot be filtered on: use one of sys.id, "),
                str::to_owned,
            );
            let path = format!("/spaces/s1/webhook_definitions/{id}");
            refused(server.put(&path, &definition(row)).await.error(422, "ValidationFailed"), &refusal);
        }
        if let Some(known) = with_known_attributes(row) {
            check(&server, &id, &known).await;
        }
    }
}

#[tokio::test]
async fn topics_decide_through_the_api_as_in_the_table() {
    let table = rows("topics.json");
    let table = table["matches"].as_array().unwrap();
    let server = Server::start_with(Settings { webhooks_per_space: 1_000, ..settings() }).await;
    let patterns: BTreeSet<&str> = table.iter().map(|row| row["pattern"].as_str().unwrap()).collect();
    let patterns: Vec<&str> = patterns.into_iter().collect();
    for (number, pattern) in patterns.iter().enumerate() {
        let definition = json!({"name": "row", "url": "http://127.0.0.1:9/", "topics": [pattern]});
        server.webhook(&format!("p{number}"), &definition).await;
    }
    for row in table {
        let answer = server.publish(row["topic"].as_str().unwrap(), &json!({})).await.ok();
        let id = format!("p{}", patterns.iter().position(|pattern| row["pattern"] == **pattern).unwrap());
        let got = answer["webhooks"].as_array().unwrap().iter().any(|link| link["sys"]["id"] == id);
        assert_eq!(json!(got), row["expected"], "{row}");
    }
}

#[tokio::test]
async fn texts_that_are_no_topics_are_refused_with_their_place() {
    let table = rows("topics.json");
    let server = Server::start().await;
    for row in table["refused_patterns"].as_array().unwrap() {
        let definition = json!({"name": "row", "url": "https://example.com/", "topics": [row["text"]]});
        let object =
            server.post("/spaces/s1/webhook_definitions", &definition).await.error(422, "ValidationFailed");
        assert_eq!(object["details"]["errors"][0]["details"], row["message"], "{row}");
    }
    for row in table["refused_topics"].as_array().unwrap() {
        // A header cannot carry what is not ASCII or has blanks at its ends; lines of JSON can carry anything.
        let line = json!({"topic": row["text"], "payload": {}}).to_string();
        let headers = [("Content-Type", "application/x-ndjson")];
        let answer = server.send(hyper::Method::POST, "/spaces/s1/events", &headers, line).await;
        assert_eq!(answer.status, 422);
        let message = answer.json()["items"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.ends_with(row["message"].as_str().unwrap()), "{row}: {message}");
    }
}
