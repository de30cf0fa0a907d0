//! Reads filters and attributes as the rows have them: Contentful's JSON, with the operators for use at the edge.

#[path = "json.rs"]
mod json;

use bellwire_core::filter::{Filter, Test, Value};
pub(crate) use json::{text, value};
use serde_json::Value as Json;

/// The filters of a JSON array. Texts are leaked, which a test can afford.
pub(crate) fn filters(json: &Json) -> Vec<Filter<'static>> {
    json.as_array().expect("an array of filters").iter().map(filter).collect()
}

/// The attributes of a JSON object.
pub(crate) fn attributes(json: &Json) -> Vec<(&'static str, Value<'static>)> {
    let members = json.as_object().expect("attributes").iter();
    members.map(|(doc, actual)| (&*doc.clone().leak(), value(actual))).collect()
}

fn filter(json: &Json) -> Filter<'static> {
    match json.get("not") {
        Some(inner) => positive(inner).not(),
        None => positive(json),
    }
}

fn positive(json: &Json) -> Filter<'static> {
    let (operator, operands) = json.as_object().and_then(|object| object.iter().next()).expect("an operator");
    let operands = operands.as_array().expect("operands").as_slice();
    let wanted = operands.get(1).unwrap_or(&Json::Null);
    let integer = |json: &Json| json.as_i64().expect("an integer");
    let test = match operator.as_str() {
        "equals" => Test::Equals(value(wanted)),
        "in" => Test::In(wanted.as_array().expect("a list").iter().map(value).collect::<Vec<_>>().leak()),
        "regexp" => Test::Regexp(text(&wanted["pattern"])),
        "prefix" => Test::Prefix(text(wanted)),
        "exists" => Test::Exists,
        "lt" => Test::Lt(integer(wanted)),
        "lte" => Test::Lte(integer(wanted)),
        "gt" => Test::Gt(integer(wanted)),
        "gte" => Test::Gte(integer(wanted)),
        "range" => Test::Range { min: integer(&wanted["min"]), max: integer(&wanted["max"]) },
        operator => panic!("no operator: {operator}"),
    };
    Filter::new(text(&operands[0]["doc"]), test)
}
