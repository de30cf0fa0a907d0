//! The request that one attempt sends: the definition's parts rendered for the event, our headers, the signature.

use bellwire_core::sign;
use bellwire_core::topic::Topic;
use bytes::Bytes;
use hyper::Method;
use hyper::header::HeaderValue;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::{Position, Url};

use crate::clock;
use crate::id;
use crate::limits::{CONTEXT_VALUE_BYTES_MAX, HEADER_VALUE_BYTES_MAX};
use crate::net::AddressPolicy;
use crate::net::check_url;
use crate::planted::{Bug, is_planted};
use crate::secret::Secret;
use crate::store::record::{CallDetailsRecord, CallRecord, EventRecord, OwedKey};
use crate::transform::{Scope, has_pointers, render_header, render_url};
use crate::webhooks::Webhook;
use crate::webhooks::definition::basic_authorization;

/// What the log shows in place of a value that nobody may see.
pub const REDACTED: &str = "[redacted]";
/// Room for the list of signed header names.
const SIGNED_HEADERS_BYTES: usize = 1_024;
/// The headers that a signature consists of.
const SIGNATURE_HEADERS: [&str; 3] =
    ["X-Contentful-Signature", "X-Contentful-Signed-Headers", "X-Contentful-Timestamp"];
/// In a name: everything that a header value cannot hold, and `%` itself.
const NAME_ESCAPES: &AsciiSet = &CONTROLS.add(b'%');

/// One header, and whether the log may show its value.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) value: Secret,
    pub(crate) shown: bool,
}

/// A request ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Option<Bytes>,
}

impl Prepared {
    /// The headers as they go on the wire.
    pub(crate) fn wire_headers(&self) -> Vec<(String, String)> {
        self.headers.iter().map(|header| (header.name.clone(), header.value.expose().to_owned())).collect()
    }

    /// The headers as the log shows them.
    pub(crate) fn logged_headers(&self) -> Vec<(String, String)> {
        let shown = |header: &Header| {
            if header.shown { header.value.expose().to_owned() } else { REDACTED.to_owned() }
        };
        self.headers.iter().map(|header| (header.name.clone(), shown(header))).collect()
    }

    fn set(&mut self, name: &str, value: impl Into<String>, shown: bool) {
        self.headers.retain(|header| !header.name.eq_ignore_ascii_case(name));
        self.headers.push(Header { name: name.to_owned(), value: Secret::new(value), shown });
    }
}

/// What an attempt is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) space_id: &'a str,
    pub(crate) webhook: &'a Webhook,
    pub(crate) event: &'a EventRecord,
    pub(crate) key: OwedKey,
    pub(crate) number: u32,
    pub(crate) resent: bool,
    pub(crate) signing_secret: Option<&'a Secret>,
    pub(crate) policy: AddressPolicy,
}

impl Attempt<'_> {
    /// Renders the request. The signature is made last, over what will be sent.
    ///
    /// # Errors
    /// A sentence when the rendered parts make no valid request.
    pub(crate) fn prepare(&self, now_ms: u64) -> Result<Prepared, String> {
        let topic = self.topic();
        let scope = self.scope(&topic)?;
        let record = &self.webhook.record;
        let url = render_url(&record.url, &scope)
            .map_err(|cause| format!("The URL cannot be rendered: {cause}"))?;
        let url =
            check_url(&url, self.policy).map_err(|cause| format!("The rendered URL is refused: {cause}"))?;
        let rendered = self.webhook.transformation.render_body(&self.event.payload, &scope);
        let rendered = rendered.map_err(|cause| format!("The payload cannot be rendered: {cause}"))?;
        let method = self.webhook.transformation.method();
        let mut prepared =
            Prepared { method, url, headers: self.custom_headers(&scope)?, body: rendered.bytes };
        self.add_own_headers(&mut prepared, &rendered.content_type);
        if let Some(secret) = self.signing_secret {
            add_signature(&mut prepared, secret, now_ms)?;
        }
        Ok(prepared)
    }

    /// What pointers point into. The payload is read only when something points.
    fn scope<'s>(&self, topic: &'s str) -> Result<Scope<'s>, String> {
        let record = &self.webhook.record;
        let points = has_pointers(&record.url)
            || record.headers.iter().any(|header| has_pointers(header.value.expose()))
            || self.webhook.transformation.body_reads_scope();
        if !points {
            return Ok(Scope { payload: Value::Null, topic, user: Value::Null });
        }
        let payload = crate::json::parse(&self.event.payload)
            .map_err(|cause| format!("The payload cannot be read for the transformation: {cause}"))?;
        let user = json!({"sys": {"type": "Link", "linkType": "User", "id": self.event.user}});
        Ok(Scope { payload, topic, user })
    }

    fn topic(&self) -> String {
        let prefix = Topic::parse(&self.event.topic).map_or("", |topic| topic.header_prefix());
        format!("{prefix}{}", self.event.topic)
    }

    fn custom_headers(&self, scope: &Scope<'_>) -> Result<Vec<Header>, String> {
        let mut headers = Vec::with_capacity(self.webhook.record.headers.len() + 12);
        for header in &self.webhook.record.headers {
            let value = render_header(header.value.expose(), scope)
                .map_err(|cause| format!("The header {} cannot be rendered: {cause}", header.key))?;
            if value.len() > HEADER_VALUE_BYTES_MAX {
                return Err(format!(
                    "The rendered value of the header {} has more than {HEADER_VALUE_BYTES_MAX} bytes",
                    header.key
                ));
            }
            if HeaderValue::from_bytes(value.as_bytes()).is_err() {
                return Err(format!(
                    "The rendered value of the header {} has a line break or another control character",
                    header.key
                ));
            }
            let shown = header.secret != Some(true) && !header.key.eq_ignore_ascii_case("authorization");
            headers.push(Header { name: header.key.clone(), value: Secret::new(value), shown });
        }
        Ok(headers)
    }

    fn add_own_headers(&self, prepared: &mut Prepared, content_type: &str) {
        let record = &self.webhook.record;
        prepared.set("X-Contentful-Topic", self.topic(), true);
        prepared.set("X-Contentful-Webhook-Name", encode_name(&record.name), true);
        if !prepared.headers.iter().any(|header| header.name.eq_ignore_ascii_case("content-type")) {
            prepared.set("Content-Type", content_type, true);
        }
        prepared.set("X-Contentful-Webhook-Request-Attempt", self.number.to_string(), true);
        prepared.set("X-Contentful-Event-Datetime", clock::iso(self.event.occurred_at_ms), true);
        let event_id =
            self.key.event_id + u128::from(self.number) * u128::from(is_planted(Bug::KeyPerAttempt));
        prepared.set("X-Contentful-Idempotency-Key", idempotency_key(OwedKey { event_id, ..self.key }), true);
        if let Some(crn) = self.crn() {
            prepared.set("X-Contentful-CRN", crn, true);
        }
        for (name, value) in &self.event.context {
            prepared.set(name, value.as_str(), true);
        }
        if let (Some(username), Some(password)) = (&record.basic_username, &record.basic_password) {
            prepared.set("Authorization", basic_authorization(username, password).expose(), false);
        }
    }

    /// The entity's resource name; entries and assets have one.
    fn crn(&self) -> Option<String> {
        let collection = match self.event.topic.split('.').next() {
            Some("Entry") => "entries",
            Some("Asset") => "assets",
            _ => return None,
        };
        let entity = self.event.entity_id.as_deref().filter(|entity| {
            entity.len() <= CONTEXT_VALUE_BYTES_MAX && entity.bytes().all(|byte| byte.is_ascii_graphic())
        })?;
        Some(format!(
            "crn:contentful:::content:spaces/{}/environments/{}/{collection}/{entity}",
            self.space_id, self.event.environment
        ))
    }
}

/// Header values carry ASCII safely; anything else in a name is percent-encoded UTF-8.
fn encode_name(name: &str) -> String {
    if name.is_ascii() { name.to_owned() } else { utf8_percent_encode(name, NAME_ESCAPES).to_string() }
}

/// The same for every attempt of one event to one webhook, and for no other: SHA-256 of both, in hex.
pub(crate) fn idempotency_key(key: OwedKey) -> String {
    let digest = Sha256::new()
        .chain_update(key.webhook_uid.to_be_bytes())
        .chain_update(id::to_text(key.event_id))
        .finalize();
    id::hex(&digest)
}

/// The headers of a recorded call with a signature of now in place of the old one.
///
/// # Errors
/// A sentence when the call cannot be signed.
pub fn sign_again(
    call: &CallRecord,
    details: &CallDetailsRecord,
    secret: &Secret,
    now_ms: u64,
) -> Result<Vec<(String, String)>, String> {
    let header = |(name, value): &(String, String)| Header {
        name: name.clone(),
        value: Secret::new(value.as_str()),
        shown: true,
    };
    let old = |name: &str| SIGNATURE_HEADERS.iter().any(|signature| signature.eq_ignore_ascii_case(name));
    let kept = details.request_headers.iter().filter(|(name, _)| !old(name));
    let mut prepared = Prepared {
        method: details.method.parse().map_err(|_| "The method is not one".to_owned())?,
        url: call.url.parse().map_err(|cause| format!("The URL is not one: {cause}"))?,
        headers: kept.map(header).collect(),
        body: Some(Bytes::from(details.request_body.clone())),
    };
    add_signature(&mut prepared, secret, now_ms)?;
    Ok(prepared.wire_headers())
}

/// Signs our own headers and the content type; custom headers and `Authorization` are left out, since proxies
/// rewrite them and secrets should not stand in the signed text.
fn add_signature(prepared: &mut Prepared, secret: &Secret, now_ms: u64) -> Result<(), String> {
    let signed = |name: &str| {
        name.eq_ignore_ascii_case("content-type") || name.to_ascii_lowercase().starts_with("x-contentful-")
    };
    let own = prepared.headers.iter().filter(|header| signed(&header.name));
    let headers: Vec<(&str, &str)> =
        own.map(|header| (header.name.as_str(), header.value.expose())).collect();
    let path = &prepared.url[Position::BeforePath..Position::AfterQuery];
    let request = sign::Request {
        method: prepared.method.as_str(),
        path,
        headers: &headers,
        body: prepared.body.as_deref().unwrap_or_default(),
    };
    let mut names = [0; SIGNED_HEADERS_BYTES];
    let signature = sign::sign(secret.expose(), &request, now_ms, &mut names)
        .map_err(|cause| format!("The request cannot be signed: {cause}"))?;
    let values = [
        signature.signature.as_str().to_owned(),
        signature.signed_headers.to_owned(),
        signature.timestamp.as_str().to_owned(),
    ];
    for (name, value) in SIGNATURE_HEADERS.into_iter().zip(values) {
        prepared.set(name, value, true);
    }
    Ok(())
}
