//! Reads texts and values as the rows have them.

use bellwire_core::filter::Value;
use serde_json::Value as Json;

/// The value that a JSON scalar is.
pub(crate) fn value(json: &Json) -> Value<'static> {
    match json {
        Json::String(_) => Value::Text(text(json)),
        Json::Bool(boolean) => Value::Boolean(*boolean),
        _ => Value::Integer(json.as_i64().expect("a text, an integer or a boolean")),
    }
}

/// The text of a JSON string, leaked, which a test can afford.
pub(crate) fn text(json: &Json) -> &'static str {
    json.as_str().expect("a string").to_string().leak()
}
