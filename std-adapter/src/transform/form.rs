//! Form data from JSON, in the bracket notation of Node's `qs` and of PHP.

use percent_encoding::utf8_percent_encode;
use serde_json::Value;

use super::template::{NOT_UNRESERVED, RenderError, push};

/// Writes `value` as `application/x-www-form-urlencoded`.
///
/// Members and items are named by their path in brackets (`a[b]=1&l[0]=x`, the brackets percent-encoded as `qs`
/// does); null is an empty value; empty objects and arrays leave nothing. At the top an array is named by its
/// indices (`0=x`), as `qs` does; a single text, number or boolean has no name to go under and is written alone,
/// encoded; null is nothing.
///
/// # Errors
/// [`RenderError::TooLong`]: long names repeat for each value under them.
///
/// # Examples
/// ```
/// use bellwire::transform::form_encode;
/// use serde_json::json;
/// let form = form_encode(&json!({"a": {"b": true}, "l": ["x y", null]})).unwrap();
/// assert_eq!(form, "a%5Bb%5D=true&l%5B0%5D=x%20y&l%5B1%5D=");
/// ```
pub fn form_encode(value: &Value) -> Result<String, RenderError> {
    let mut form = Form::default();
    match value {
        Value::Object(_) | Value::Array(_) => form.children(value, Named::Bare)?,
        alone => push(&mut form.output, &encoded(&text(alone)))?,
    }
    Ok(form.output)
}

/// The output so far, and the encoded name of the value that is being written.
#[derive(Default)]
struct Form {
    output: String,
    name: String,
}

/// How a child's key joins the name of its parent.
#[derive(Clone, Copy)]
enum Named {
    /// At the top: the key is the name.
    Bare,
    /// Below: the key follows in brackets.
    Bracketed,
}

impl Form {
    fn value(&mut self, value: &Value) -> Result<(), RenderError> {
        match value {
            Value::Object(_) | Value::Array(_) => self.children(value, Named::Bracketed),
            leaf => self.pair(&text(leaf)),
        }
    }

    fn children(&mut self, value: &Value, named: Named) -> Result<(), RenderError> {
        match value {
            Value::Object(members) => {
                members.iter().try_for_each(|(key, value)| self.child(key, value, named))
            }
            Value::Array(items) => {
                let mut items = items.iter().enumerate();
                items.try_for_each(|(index, item)| self.child(&index.to_string(), item, named))
            }
            _ => Ok(()),
        }
    }

    fn child(&mut self, key: &str, value: &Value, named: Named) -> Result<(), RenderError> {
        let parent_bytes = self.name.len();
        let key = encoded(key);
        match named {
            Named::Bare => push(&mut self.name, &key)?,
            Named::Bracketed => push(&mut self.name, &format!("%5B{key}%5D"))?,
        }
        self.value(value)?;
        self.name.truncate(parent_bytes);
        Ok(())
    }

    fn pair(&mut self, text: &str) -> Result<(), RenderError> {
        if !self.output.is_empty() {
            push(&mut self.output, "&")?;
        }
        push(&mut self.output, &self.name)?;
        push(&mut self.output, "=")?;
        push(&mut self.output, &encoded(text))
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NOT_UNRESERVED).to_string()
}

fn text(leaf: &Value) -> String {
    match leaf {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
