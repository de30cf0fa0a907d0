//! A webhook definition as a caller sends it, checked against every rule before anything is stored.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bellwire_core::limits::PATTERNS_PER_WEBHOOK_MAX;
use bellwire_core::topic::TopicPattern;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

use super::filters::{Dialect, parse_filters};
use crate::limits::{HEADER_VALUE_BYTES_MAX, HEADERS_MAX, NAME_BYTES_MAX};
use crate::net::AddressPolicy;
use crate::problem::Problem;
use crate::secret::Secret;
use crate::store::record::{HeaderRecord, SwitchedOff, WebhookRecord};
use crate::transform::{Transformation, check_url_template};

/// Header names that a definition may not set: they belong to the connection or to us.
const RESERVED_HEADERS: [&str; 6] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te"];
/// Prefix of the headers that we set.
const RESERVED_PREFIX: &str = "x-contentful-";

/// What a caller may say about a webhook, checked. Everything that was left out has its default.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The name.
    pub name: String,
    /// The URL, possibly with pointers.
    pub url: String,
    /// Topics in the caller's order.
    pub topics: Vec<String>,
    /// Filters as JSON text; `None` for none.
    pub filters_json: Option<String>,
    /// Custom headers.
    pub headers: Vec<HeaderRecord>,
    /// Basic auth's user name.
    pub basic_username: Option<String>,
    /// Basic auth's password.
    pub basic_password: Option<Secret>,
    /// Transformation as JSON text; `None` for none.
    pub transformation_json: Option<String>,
    /// Whether calls are made.
    pub active: bool,
    /// Whether the deliveries of one entity's events are made one at a time, in order.
    pub ordered_by_entity: bool,
    /// Why it is not active, when the server switched it off and the caller left it so.
    pub switched_off: Option<SwitchedOff>,
}

impl Definition {
    /// What a stored webhook says, secrets included.
    pub fn of(record: &WebhookRecord) -> Definition {
        Definition {
            name: record.name.clone(),
            url: record.url.clone(),
            topics: record.topics.clone(),
            filters_json: record.filters_json.clone(),
            headers: record.headers.clone(),
            basic_username: record.basic_username.clone(),
            basic_password: record.basic_password.clone(),
            transformation_json: record.transformation_json.clone(),
            active: record.active,
            ordered_by_entity: record.ordered_by_entity,
            switched_off: record.switched_off.clone(),
        }
    }

    /// Reads a definition from JSON. `previous` is the definition it replaces: stored secrets that the caller
    /// cannot know are kept from there when the caller repeats their names.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first.
    pub fn parse(
        body: &Value,
        previous: Option<&WebhookRecord>,
        policy: AddressPolicy,
    ) -> Result<Definition, Vec<Problem>> {
        let Some(members) = body.as_object() else {
            return Err(vec![Problem::new("invalid_type", "", "A webhook definition is a JSON object")]);
        };
        let same_origin = previous.filter(|was| has_origin(&was.url, members.get("url")));
        let mut reader = Reader { members, previous, same_origin, policy, problems: Vec::new() };
        let definition = reader.read();
        if reader.problems.is_empty() { Ok(definition) } else { Err(reader.problems) }
    }
}

struct Reader<'a> {
    members: &'a Map<String, Value>,
    previous: Option<&'a WebhookRecord>,
    /// The previous definition, when it calls the same host: only then are its secrets kept.
    same_origin: Option<&'a WebhookRecord>,
    policy: AddressPolicy,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn read(&mut self) -> Definition {
        let (basic_username, basic_password) = self.basic_auth();
        let active = self.active();
        let switched_off = self.previous.filter(|_| !active).and_then(|was| was.switched_off.clone());
        Definition {
            name: self.name(),
            url: self.url(),
            topics: self.topics(),
            filters_json: self.filters(),
            headers: self.headers(),
            basic_username,
            basic_password,
            transformation_json: self.transformation(),
            active,
            ordered_by_entity: self.ordered_by_entity(),
            switched_off,
        }
    }

    /// A member that is neither absent nor null.
    fn given(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn refuse(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn required_text(&mut self, name: &'static str) -> Option<&'a str> {
        match self.given(name) {
            None => {
                self.refuse(Problem::new("required", name, format!("The property \"{name}\" is required")));
            }
            Some(Value::String(text)) => return Some(text),
            Some(other) => self.refuse(Problem::invalid(name, format!("\"{name}\" must be a string"), other)),
        }
        None
    }

    fn optional_text(&mut self, name: &'static str) -> Option<&'a str> {
        let value = self.given(name)?;
        if value.as_str().is_none() {
            self.refuse(Problem::new("invalid_type", name, format!("\"{name}\" must be a string or null")));
        }
        value.as_str()
    }

    fn name(&mut self) -> String {
        let Some(name) = self.required_text("name") else { return String::new() };
        if let Err(refusal) = check_name(name) {
            self.refuse(Problem::invalid("name", refusal, &Value::from(name)));
        }
        name.into()
    }

    fn url(&mut self) -> String {
        let Some(url) = self.required_text("url") else { return String::new() };
        if let Err(refusal) = check_url_template(url, self.policy) {
            self.refuse(Problem::invalid("url", refusal.to_string(), &Value::from(url)));
        }
        url.into()
    }

    fn topics(&mut self) -> Vec<String> {
        let Some(value) = self.given("topics") else {
            let details = "Invalid input: expected array, received undefined";
            self.refuse(Problem::new("invalid_type", "topics", details));
            return Vec::new();
        };
        let Some(items) = value.as_array() else {
            self.refuse(Problem::invalid("topics", "Topics must be an array of strings", value));
            return Vec::new();
        };
        match items.len() {
            0 => self.refuse(Problem::new("topics", "", "Topics cannot be empty")),
            1..=PATTERNS_PER_WEBHOOK_MAX => {}
            _ => self.refuse(Problem::new(
                "topics",
                "topics",
                format!("A webhook has at most {PATTERNS_PER_WEBHOOK_MAX} topics"),
            )),
        }
        items
            .iter()
            .take(PATTERNS_PER_WEBHOOK_MAX)
            .enumerate()
            .filter_map(|(number, item)| self.topic(number, item))
            .collect()
    }

    fn topic(&mut self, number: usize, item: &Value) -> Option<String> {
        let refusal = match item.as_str().map(|text| (text, TopicPattern::parse(text))) {
            Some((text, Ok(_))) => return Some(text.into()),
            Some((_, Err(error))) => error.to_string(),
            None => "A topic is a string such as Entry.publish, Entry.* or *.*".into(),
        };
        self.refuse(Problem::invalid(format!("topics.{number}"), refusal, item));
        None
    }

    fn filters(&mut self) -> Option<String> {
        let value = self.given("filters")?;
        if let Err(refusal) = parse_filters(value, Dialect::Contentful) {
            self.refuse(Problem::invalid("filters", refusal, value));
        }
        Some(value.to_string())
    }

    fn transformation(&mut self) -> Option<String> {
        let value = self.given("transformation")?;
        match Transformation::from_json(value) {
            Ok(transformation) => Some(transformation.to_json().to_string()),
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
        }
    }

    fn active(&mut self) -> bool {
        self.flag("active", true)
    }

    /// A field of ours: clients that do not know it leave it out, which must not change it.
    fn ordered_by_entity(&mut self) -> bool {
        self.flag("orderedByEntity", self.previous.is_some_and(|was| was.ordered_by_entity))
    }

    fn flag(&mut self, name: &'static str, otherwise: bool) -> bool {
        match self.given(name) {
            None => otherwise,
            Some(Value::Bool(flag)) => *flag,
            Some(other) => {
                self.refuse(Problem::invalid(name, format!("\"{name}\" must be true or false"), other));
                otherwise
            }
        }
    }

    /// User name and password come together, or the password is the one stored with this user name.
    fn basic_auth(&mut self) -> (Option<String>, Option<Secret>) {
        let username = self.optional_text("httpBasicUsername");
        let password = self.optional_text("httpBasicPassword").map(Secret::new);
        let stored = self
            .same_origin
            .filter(|was| was.basic_username.as_deref() == username)
            .and_then(|was| was.basic_password.clone());
        match (username, password) {
            (None, None) => (None, None),
            (Some(username), Some(password)) => {
                if username.contains(':')
                    || username.chars().chain(password.expose().chars()).any(char::is_control)
                {
                    let details =
                        "A user name has no colon, and neither it nor the password has control characters";
                    self.refuse(Problem::new("invalid", "httpBasicUsername", details));
                }
                (Some(username.into()), Some(password))
            }
            (Some(username), None) => {
                if stored.is_none() {
                    let details = if self.has_moved() {
                        "The URL leads to another host, so the stored password is not kept: send it again"
                    } else {
                        "httpBasicUsername and httpBasicPassword must be given together"
                    };
                    self.refuse(Problem::new("required", "httpBasicPassword", details));
                }
                (Some(username.into()), stored)
            }
            (None, Some(_)) => {
                let details = "httpBasicUsername and httpBasicPassword must be given together";
                self.refuse(Problem::new("required", "httpBasicUsername", details));
                (None, None)
            }
        }
    }

    fn headers(&mut self) -> Vec<HeaderRecord> {
        let Some(value) = self.given("headers") else { return Vec::new() };
        let Some(items) = value.as_array().filter(|items| items.len() <= HEADERS_MAX) else {
            let details =
                format!("Headers must be an array of at most {HEADERS_MAX} objects with key and value");
            self.refuse(Problem::new("invalid", "headers", details));
            return Vec::new();
        };
        let mut headers: Vec<HeaderRecord> = Vec::with_capacity(items.len());
        for (number, item) in items.iter().enumerate() {
            match self.header(item, &headers) {
                Ok(header) => headers.push(header),
                // The value is never echoed: it may be a secret.
                Err(details) => self.refuse(Problem::new("invalid", format!("headers.{number}"), details)),
            }
        }
        headers
    }

    fn header(&self, item: &Value, before: &[HeaderRecord]) -> Result<HeaderRecord, String> {
        let key = item.get("key").and_then(Value::as_str).ok_or("A header needs a key")?;
        check_header_name(key)?;
        if before.iter().any(|header| header.key.eq_ignore_ascii_case(key)) {
            return Err(format!("The header {key} appears twice"));
        }
        let secret = match item.get("secret") {
            None | Some(Value::Null) => None,
            Some(Value::Bool(secret)) => Some(*secret),
            Some(_) => return Err(format!("\"secret\" of the header {key} must be true or false")),
        };
        let value = match item.get("value") {
            Some(Value::String(value)) => Secret::new(value.as_str()),
            None | Some(Value::Null) if secret == Some(true) => self.stored_header(key)?,
            None | Some(Value::Null) => return Err(format!("The header {key} needs a value")),
            Some(_) => return Err(format!("The value of the header {key} must be a string")),
        };
        check_header_value(key, value.expose())?;
        Ok(HeaderRecord { key: key.into(), value, secret })
    }

    fn stored_header(&self, key: &str) -> Result<Secret, String> {
        let stored = self.same_origin.iter().flat_map(|was| &was.headers);
        let mut secrets = stored.filter(|header| header.secret == Some(true));
        let found = secrets.find(|header| header.key.eq_ignore_ascii_case(key));
        let reason = if self.has_moved() {
            "the URL leads to another host, so no stored value is kept"
        } else {
            "none is stored for it"
        };
        found
            .map(|header| header.value.clone())
            .ok_or_else(|| format!("The secret header {key} needs a value: {reason}"))
    }

    /// Whether the definition replaces one for another host.
    fn has_moved(&self) -> bool {
        self.previous.is_some() && self.same_origin.is_none()
    }
}

/// Whether both URLs lead to the same scheme, host and port. Pointers stand behind these, where they change nothing.
fn has_origin(url: &str, other: Option<&Value>) -> bool {
    let origin = |url: &str| Url::parse(url).map(|url| url.origin());
    let other = other.and_then(Value::as_str).and_then(|other| origin(other).ok());
    origin(url).ok().is_some_and(|origin| origin.is_tuple() && Some(origin) == other)
}

/// Checks the name of a webhook, space or token.
///
/// # Errors
/// A sentence with the rule that it breaks.
pub fn check_name(name: &str) -> Result<(), String> {
    match name {
        _ if name.trim().is_empty() => Err("A name cannot be empty".into()),
        _ if name.len() > NAME_BYTES_MAX => Err(format!("A name has at most {NAME_BYTES_MAX} bytes")),
        _ if name.chars().any(char::is_control) => Err("A name has no control characters".into()),
        _ => Ok(()),
    }
}

fn check_header_name(key: &str) -> Result<(), String> {
    let Ok(name) = HeaderName::from_bytes(key.as_bytes()) else {
        return Err(format!("{key:?} is not a header name"));
    };
    if RESERVED_HEADERS.contains(&name.as_str()) || name.as_str().starts_with(RESERVED_PREFIX) {
        return Err(format!("The header {key} cannot be set: it is reserved"));
    }
    Ok(())
}

fn check_header_value(key: &str, value: &str) -> Result<(), String> {
    if value.len() > HEADER_VALUE_BYTES_MAX {
        return Err(format!("The value of the header {key} has more than {HEADER_VALUE_BYTES_MAX} bytes"));
    }
    match HeaderValue::from_bytes(value.as_bytes()) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("The value of the header {key} has a line break or another control character")),
    }
}

/// The value of `Authorization` for a user name and password, both taken as UTF-8.
pub fn basic_authorization(username: &str, password: &Secret) -> Secret {
    Secret::new(format!("Basic {}", BASE64_STANDARD.encode(format!("{username}:{}", password.expose()))))
}
