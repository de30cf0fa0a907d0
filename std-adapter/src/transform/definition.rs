//! A webhook's transformation: method, content type and body of its requests.

use bytes::Bytes;
use hyper::Method;
use serde_json::{Map, Value};

use super::form::form_encode;
use super::pointer::Scope;
use super::template::{RENDERED_BYTES_MAX, RenderError, TEMPLATE_DEPTH_MAX, json_bytes, render_value};
use crate::problem::Problem;

/// The content type of requests that a webhook does not change.
pub const CONTENT_TYPE_DEFAULT: &str = "application/vnd.contentful.management.v1+json";

/// The content types a webhook may choose, spelled as they are sent.
pub const CONTENT_TYPES: [&str; 6] = [
    CONTENT_TYPE_DEFAULT,
    "application/vnd.contentful.management.v1+json; charset=utf-8",
    "application/json",
    "application/json; charset=utf-8",
    FORM,
    "application/x-www-form-urlencoded; charset=utf-8",
];

const FORM: &str = "application/x-www-form-urlencoded";

/// The methods a webhook may choose.
pub const METHODS: [Method; 5] = [Method::POST, Method::GET, Method::PUT, Method::PATCH, Method::DELETE];

/// What a webhook changes in its requests; `None` leaves the default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transformation {
    /// One of [`METHODS`]; default `POST`.
    pub method: Option<Method>,
    /// One of [`CONTENT_TYPES`]; default [`CONTENT_TYPE_DEFAULT`].
    pub content_type: Option<String>,
    /// Kept and echoed only: `Content-Length` is sent in any case.
    pub include_content_length: Option<bool>,
    /// The template of the body; default: the event's payload, byte for byte.
    pub body: Option<Value>,
}

/// The body of a request and its content type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The body; `None` for methods that are sent without one.
    pub bytes: Option<Bytes>,
    /// The value of the `Content-Type` header.
    pub content_type: String,
}

impl Transformation {
    /// Reads a definition's `transformation`. A member that is null counts as absent, as does null itself; members
    /// with other names are ignored.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the members read.
    ///
    /// # Examples
    /// ```
    /// use bellwire::transform::Transformation;
    /// use serde_json::json;
    /// let read = Transformation::from_json(&json!({"method": "PUT", "body": null})).unwrap();
    /// assert_eq!(read.to_json(), json!({"method": "PUT"}));
    /// let problems = Transformation::from_json(&json!({"method": "put"})).unwrap_err();
    /// assert_eq!(problems[0].path, "transformation.method");
    /// ```
    pub fn from_json(value: &Value) -> Result<Self, Vec<Problem>> {
        let members = match value {
            Value::Null => return Ok(Self::default()),
            Value::Object(members) => members,
            other => {
                let wrong = ("type", "Not an object".to_owned());
                return Err(vec![problem("transformation", wrong, other)]);
            }
        };
        let mut problems = Vec::new();
        let mut note = |problem| problems.push(problem);
        let read = Self {
            method: member(members, "method", method, &mut note),
            content_type: member(members, "contentType", content_type, &mut note),
            include_content_length: member(members, "includeContentLength", boolean, &mut note),
            body: member(members, "body", body, &mut note),
        };
        if problems.is_empty() { Ok(read) } else { Err(problems) }
    }

    /// The transformation as a definition shows it, without what is not set.
    pub fn to_json(&self) -> Value {
        let members = [
            ("method", self.method.as_ref().map(|method| Value::from(method.as_str()))),
            ("contentType", self.content_type.clone().map(Value::from)),
            ("includeContentLength", self.include_content_length.map(Value::from)),
            ("body", self.body.clone()),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// The method of the requests.
    pub fn method(&self) -> Method {
        self.method.clone().unwrap_or(Method::POST)
    }

    /// The content type of the requests.
    pub fn content_type(&self) -> &str {
        self.content_type.as_deref().unwrap_or(CONTENT_TYPE_DEFAULT)
    }

    /// Whether [`render_body`](Self::render_body) looks at its scope. If not, the payload need not be parsed for it.
    pub fn body_reads_scope(&self) -> bool {
        self.sends_body() && (self.body.is_some() || self.sends_form())
    }

    /// The body of a request for the event whose payload is `payload`; `scope` holds the same payload, parsed.
    ///
    /// Without a body template and with a JSON content type the payload goes out byte for byte; with a form content
    /// type it is converted like a template's output. `GET` and `DELETE` have no body, whatever the template says.
    ///
    /// # Errors
    /// [`RenderError`] when the template's output is beyond a limit.
    pub fn render_body(&self, payload: &[u8], scope: &Scope<'_>) -> Result<Rendered, RenderError> {
        let bytes = if self.sends_body() { Some(self.body_bytes(payload, scope)?) } else { None };
        Ok(Rendered { bytes, content_type: self.content_type().to_owned() })
    }

    fn body_bytes(&self, payload: &[u8], scope: &Scope<'_>) -> Result<Bytes, RenderError> {
        let filled = self.body.as_ref().map(|template| render_value(template, scope)).transpose()?;
        if self.sends_form() {
            return Ok(form_encode(filled.as_ref().unwrap_or(&scope.payload))?.into());
        }
        Ok(filled.map_or_else(|| Bytes::copy_from_slice(payload), |value| value.to_string().into()))
    }

    fn sends_body(&self) -> bool {
        !matches!(self.method, Some(Method::GET | Method::DELETE))
    }

    fn sends_form(&self) -> bool {
        self.content_type().starts_with(FORM)
    }
}

/// What kind of thing is wrong with a value, and the sentence that says it.
type Wrong = (&'static str, String);

/// Reads one member; absent and null are `None`.
fn member<T>(
    members: &Map<String, Value>,
    name: &str,
    read: fn(&Value) -> Result<T, Wrong>,
    note: &mut impl FnMut(Problem),
) -> Option<T> {
    let value = members.get(name).filter(|value| !value.is_null())?;
    read(value).map_err(|wrong| note(problem(&format!("transformation.{name}"), wrong, value))).ok()
}

fn method(value: &Value) -> Result<Method, Wrong> {
    let known = METHODS.into_iter().find(|method| value == method.as_str());
    known.ok_or_else(|| ("in", one_of(METHODS.iter().map(Method::as_str))))
}

fn content_type(value: &Value) -> Result<String, Wrong> {
    let known = CONTENT_TYPES.into_iter().find(|known| value == known);
    known.map(str::to_owned).ok_or_else(|| ("in", one_of(CONTENT_TYPES)))
}

fn boolean(value: &Value) -> Result<bool, Wrong> {
    value.as_bool().ok_or_else(|| ("type", "Neither true nor false".to_owned()))
}

fn body(value: &Value) -> Result<Value, Wrong> {
    if depth_exceeds(value, TEMPLATE_DEPTH_MAX) {
        return Err(("size", format!("Nested deeper than {TEMPLATE_DEPTH_MAX} levels")));
    }
    let too_long = |_| ("size", format!("Longer than {RENDERED_BYTES_MAX} bytes"));
    json_bytes(value, RENDERED_BYTES_MAX).map_err(too_long)?;
    Ok(value.clone())
}

/// Whether arrays and objects are nested deeper than `depth` levels.
fn depth_exceeds(value: &Value, depth: usize) -> bool {
    let below = |child: &Value| depth == 0 || depth_exceeds(child, depth - 1);
    match value {
        Value::Array(items) => depth == 0 || items.iter().any(below),
        Value::Object(members) => depth == 0 || members.values().any(below),
        _ => false,
    }
}

fn one_of<'a>(allowed: impl IntoIterator<Item = &'a str>) -> String {
    let allowed: Vec<_> = allowed.into_iter().collect();
    format!("Not one of: {}", allowed.join(", "))
}

/// The problem at `path`; a value that is too large is not repeated.
fn problem(path: &str, (name, details): Wrong, value: &Value) -> Problem {
    let value = (name != "size").then(|| value.clone());
    Problem { path: path.to_owned(), name, details, value }
}
