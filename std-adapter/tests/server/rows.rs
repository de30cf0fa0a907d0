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

fn mentions(filters: &Value, doc: &str) -> bool {
    filters.to_string().contains(&format!("{doc:?}"))
}

/// Whether the API can say what the row says. It always knows an environment, which must be a well-formed id, and
/// it refuses lists without values.
fn is_for_the_api(row: &Value) -> bool {
    const ENVIRONMENT: &str = "sys.environment.sys.id";
    let environment = row["attributes"][ENVIRONMENT].as_str();
    let well_formed = environment.is_none_or(|id| bellwire_core::id::Id::parse(id).is_ok());
    let absent_matters = environment.is_none() && mentions(&row["filters"], ENVIRONMENT);
    well_formed && !absent_matters && !row["filters"].to_string().contains("[]]")
}

#[tokio::test]
async fn filters_decide_through_the_api_as_in_the_table() {
    let table = rows("filters.json");
    let table: Vec<&Value> =
        table["rows"].as_array().unwrap().iter().filter(|row| is_for_the_api(row)).collect();
    assert!(table.len() >= 90, "only {} rows can be said through the API", table.len());
    let server = Server::start_with(Settings { webhooks_per_space: 1_000, ..settings() }).await;
    for (number, row) in table.iter().enumerate() {
        // Inactive until its own event comes, so that nothing is called: only the match is looked at.
        let definition = json!({"name": "row", "url": "http://127.0.0.1:9/", "topics": row["topics"], "filters": row["filters"]});
        server.webhook(&format!("row-{number}"), &definition).await;
        let answer = server.publish(row["topic"].as_str().unwrap(), &payload(&row["attributes"])).await.ok();
        let got = answer["webhooks"]
            .as_array()
            .unwrap()
            .iter()
            .any(|link| link["sys"]["id"] == format!("row-{number}"));
        assert_eq!(json!(got), row["expected"], "{row}");
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
