//! What is wrong with a value that a caller sent: one item of a `ValidationFailed` answer.

use serde_json::Value;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The kind of problem, in the API's words: `invalid`, `required`, `invalid_type`, `topics`, …
    pub name: &'static str,
    /// Where: member names and indices joined with dots; empty for the whole.
    pub path: String,
    /// A sentence for the caller.
    pub details: String,
    /// The value that was refused, when it may be shown.
    pub value: Option<Value>,
}

impl Problem {
    /// A problem without the value: for values that are absent, large or secret.
    pub fn new(name: &'static str, path: impl Into<String>, details: impl Into<String>) -> Problem {
        Problem { name, path: path.into(), details: details.into(), value: None }
    }

    /// A value of the wrong kind or content.
    pub fn invalid(path: impl Into<String>, details: impl Into<String>, value: &Value) -> Problem {
        Problem { name: "invalid", path: path.into(), details: details.into(), value: Some(value.clone()) }
    }
}
