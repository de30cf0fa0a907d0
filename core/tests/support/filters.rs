//! Reads filters as they stand in a definition: Contentful's JSON.

use bellwire_core::filter::{Filter, Test};
use serde_json::Value;

/// The filters of a JSON array. Texts are leaked, which a test can afford.
pub(crate) fn filters(json: &Value) -> Vec<Filter<'static>> {
    json.as_array().expect("an array of filters").iter().map(filter).collect()
}

fn filter(json: &Value) -> Filter<'static> {
    match json.get("not") {
        Some(inner) => Filter { negated: true, ..positive(inner) },
        None => positive(json),
    }
}

fn positive(json: &Value) -> Filter<'static> {
    let (operator, operands) = json.as_object().and_then(|object| object.iter().next()).expect("an operator");
    let [doc, wanted] = operands.as_array().expect("operands").as_slice() else {
        panic!("two operands: {json}")
    };
    let test = match operator.as_str() {
        "equals" => Test::Equals(text(wanted)),
        "in" => Test::In(wanted.as_array().expect("a list").iter().map(text).collect::<Vec<_>>().leak()),
        "regexp" => Test::Regexp(text(&wanted["pattern"])),
        operator => panic!("no operator: {operator}"),
    };
    Filter { negated: false, doc: text(&doc["doc"]), test }
}

/// The text of a JSON string.
pub(crate) fn text(json: &Value) -> &'static str {
    json.as_str().expect("a string").to_string().leak()
}
