//! The disk format: every record and key of the store. No other file derives it.

use std::error::Error;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use bellwire_core::call::Outcome;

use super::{Row, StoreError};
use crate::limits::DEDUP_WINDOW;
use crate::secret::Secret;

/// Separates the parts of a key that hold text; no id contains it.
const SEPARATOR: u8 = 0;

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
pub enum Role {
    /// Read definitions, calls and health.
    Read,
    /// Publish events.
    Publish,
    /// Everything within its space, publishing and reading included.
    Manage,
    /// Everything in every space.
    #[value(skip)]
    Admin,
}

impl Role {
    /// The role's name, as callers write it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Read => "read",
            Role::Publish => "publish",
            Role::Manage => "manage",
            Role::Admin => "admin",
        }
    }
}

/// Who did something, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Id of the token's user.
    pub by: String,
}

/// When and by whom a thing was made and last changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The making.
    pub created: Stamp,
    /// The last change; the making when there was none.
    pub updated: Stamp,
}

impl History {
    /// Starts with its making.
    pub fn begun(stamp: Stamp) -> History {
        History { created: stamp.clone(), updated: stamp }
    }

    /// The same history with a later change.
    pub fn changed(&self, stamp: Stamp) -> History {
        History { created: self.created.clone(), updated: stamp }
    }
}

/// A space.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SpaceRecord {
    /// Number within the store, never used again.
    pub uid: u64,
    /// The space's id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Counts the accepted changes.
    pub version: u64,
    /// When and by whom.
    pub history: History,
}

/// A custom header of a definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderRecord {
    /// Name as the user wrote it.
    pub key: String,
    /// The value; hidden like a secret whether it is one or not.
    pub value: Secret,
    /// `secret` as the user gave it; absent stays absent.
    pub secret: Option<bool>,
}

/// A webhook definition. JSON parts are kept as text so that they are echoed as they came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WebhookRecord {
    /// Number within the store, never used again: what is owed to a deleted webhook cannot reach its successor.
    pub uid: u64,
    /// The webhook's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The endpoint's URL, possibly with pointers.
    pub url: String,
    /// Topics, in the user's order.
    pub topics: Vec<String>,
    /// Filters as JSON; `None` when never given.
    pub filters_json: Option<String>,
    /// Custom headers.
    pub headers: Vec<HeaderRecord>,
    /// Basic auth's user name.
    pub basic_username: Option<String>,
    /// Basic auth's password.
    pub basic_password: Option<Secret>,
    /// Transformation as JSON.
    pub transformation_json: Option<String>,
    /// Whether calls are made.
    pub active: bool,
    /// Whether the deliveries of one entity's events are made one at a time, in order.
    pub ordered_by_entity: bool,
    /// Why it is not active, when the server switched it off.
    pub switched_off: Option<SwitchedOff>,
    /// Counts the accepted changes, from 0.
    pub version: u64,
    /// When and by whom.
    pub history: History,
}

/// A space's signing secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SigningSecretRecord {
    /// The 64 characters.
    pub value: Secret,
    /// Counts the accepted changes, from 1.
    pub version: u64,
    /// When and by whom.
    pub history: History,
}

/// A space's own retry policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RetryPolicyRecord {
    /// Retries after the first attempt.
    pub retries_max: u8,
    /// Counts the accepted changes, from 1.
    pub version: u64,
    /// When and by whom.
    pub history: History,
}

/// An access token; its hash is the key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenRecord {
    /// Id under which it is listed, and of the user it stands for.
    pub id: String,
    /// Its space; `None` for every space.
    pub space_uid: Option<u64>,
    /// What it may do.
    pub role: Role,
    /// Its name for people.
    pub name: String,
    /// When and by whom it was made.
    pub created: Stamp,
}

/// An accepted event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventRecord {
    /// The event's environment.
    pub environment: String,
    /// `Type.action`.
    pub topic: String,
    /// When it happened, milliseconds since 1970.
    pub occurred_at_ms: u64,
    /// Id of the user or token that caused it.
    pub user: String,
    /// The entity's id, where the payload has one.
    pub entity_id: Option<String>,
    /// Context headers that are passed on, lower-case names.
    pub context: Vec<(String, String)>,
    /// The payload's bytes as they came.
    #[serde(with = "payload_bytes")]
    pub payload: Vec<u8>,
}

/// One event owed to one webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwedRecord {
    /// The event's space.
    pub space_uid: u64,
    /// The attempt that is due, from 1.
    pub attempt: u32,
    /// The run of the server that has begun this attempt or is about to; 0 for none.
    pub claim: u64,
    /// The attempt is not made before this moment, milliseconds since 1970.
    pub not_before_ms: u64,
    /// A number for the entity that the event is about, where the webhook asks for the order of its events.
    pub entity: Option<u64>,
    /// Whether a person asked for it.
    pub resent: bool,
}

/// A delivery with its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed {
    /// Where it stands.
    pub key: OwedKey,
    /// What it says.
    pub record: OwedRecord,
}

impl Owed {
    /// Reads a row of the table of deliveries.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is no such row.
    pub fn from_row((key, value): &Row) -> Result<Owed, StoreError> {
        Ok(Owed { key: OwedKey::from_bytes(key)?, record: decode(value)? })
    }

    /// When the next attempt is due.
    pub fn due_ms(&self) -> u64 {
        if self.record.not_before_ms > 0 { self.record.not_before_ms } else { self.key.due_ms }
    }
}

/// Why a webhook is off although nobody switched it off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchedOff {
    /// Since when, milliseconds since 1970.
    pub at_ms: u64,
    /// Why, as a sentence.
    pub reason: String,
}

/// One attempt as the activity log lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The event that was sent.
    pub event_id: u128,
    /// `Type.action`.
    pub topic: String,
    /// Id of the event's entity, where the payload has one.
    pub entity_id: Option<String>,
    /// The attempt, from 1.
    pub attempt: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// URL that was called.
    pub url: String,
    /// When the request was sent.
    pub request_at_ms: u64,
    /// When the response had come; `None` without a response.
    pub response_at_ms: Option<u64>,
    /// Whether a person asked for it.
    pub resent: bool,
}

/// What one attempt sent and received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallDetailsRecord {
    /// HTTP method.
    pub method: String,
    /// Request headers, secrets already redacted.
    pub request_headers: Vec<(String, String)>,
    /// Request body, cut to the log's limit.
    pub request_body: String,
    /// Whether the request body was cut.
    pub request_cut: bool,
    /// The attempt's total deadline.
    pub timeout_ms: u64,
    /// What came back; `None` without a response.
    pub response: Option<ResponseRecord>,
    /// What went wrong, as a sentence.
    pub error: Option<String>,
    /// How long each part took.
    pub timing: TimingRecord,
}

impl CallDetailsRecord {
    /// The same with no more than so many bytes of the response's body.
    #[must_use]
    pub fn with_response_of(&self, bytes_max: usize) -> CallDetailsRecord {
        let shorten = |response: &ResponseRecord| {
            let end = response.body.floor_char_boundary(bytes_max);
            let cut = response.cut || end < response.body.len();
            let (status, headers) = (response.status, response.headers.clone());
            ResponseRecord { status, headers, body: response.body[..end].to_owned(), cut }
        };
        let response = self.response.as_ref().map(shorten);
        let (method, request_headers) = (self.method.clone(), self.request_headers.clone());
        let (request_body, error) = (self.request_body.clone(), self.error.clone());
        CallDetailsRecord { method, request_headers, request_body, response, error, ..*self }
    }
}

/// How long each part of an attempt took, in microseconds; a part that did not happen is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimingRecord {
    /// Looking the name up.
    pub lookup_us: Option<u64>,
    /// Making the TCP connection.
    pub connect_us: Option<u64>,
    /// The TLS handshake.
    pub tls_us: Option<u64>,
    /// From the connection being there to the response's head.
    pub first_byte_us: Option<u64>,
    /// From the head to the end of the body.
    pub body_us: Option<u64>,
}

/// A response as the log keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResponseRecord {
    /// HTTP status.
    pub status: u16,
    /// Headers; a name that repeats has its values joined.
    pub headers: Vec<(String, String)>,
    /// Body, cut to the log's limit.
    pub body: String,
    /// Whether the body was cut.
    pub cut: bool,
}

/// The first event that came with an idempotency key.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct DedupRecord {
    /// The event.
    pub event_id: u128,
    /// When it was accepted.
    pub at_ms: u64,
}

/// The details of a call as they are.
const PLAIN: u8 = 0;
/// The details of a call as an LZ4 block behind its size.
const COMPRESSED: u8 = 1;
/// From this size on they are compressed: below it there is less to win than the time it takes.
const COMPRESSED_BYTES_MIN: usize = 4 * 1024;
/// The most that is compressed, so that nothing larger need be believed when it is read: more than both bodies and all
/// headers have.
const DETAILS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of most records but for payloads and bodies.
const RECORD_BYTES: usize = 128;

/// Writes a record.
pub fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    encode_with(record, 0)
}

/// Writes an event, without asking for memory several times.
pub fn encode_event(event: &EventRecord) -> Vec<u8> {
    encode_with(event, event.payload.len())
}

/// Writes what a call sent and received, compressed where that is long: every commit waits for the disk to take it.
pub fn encode_details(details: &CallDetailsRecord) -> Vec<u8> {
    /// Headers of one side, most of the time.
    const HEADERS_BYTES: usize = 768;
    let response = details.response.as_ref().map_or(0, |response| response.body.len() + HEADERS_BYTES);
    let mut plain = Vec::with_capacity(RECORD_BYTES + HEADERS_BYTES + details.request_body.len() + response);
    plain.push(PLAIN);
    let plain = encode_onto(plain, details);
    if (COMPRESSED_BYTES_MIN..=DETAILS_BYTES_MAX).contains(&plain.len()) {
        let compressed = lz4_flex::compress_prepend_size(&plain[1..]);
        if compressed.len() < plain.len() - 1 {
            return [&[COMPRESSED], compressed.as_slice()].concat();
        }
    }
    plain
}

/// Reads what [`encode_details`] wrote.
///
/// # Errors
/// [`StoreError::Corrupt`] when the bytes are no such record.
pub fn decode_details(bytes: &[u8]) -> Result<CallDetailsRecord, StoreError> {
    match bytes.split_first() {
        Some((&PLAIN, plain)) => decode(plain),
        Some((&COMPRESSED, compressed)) => {
            let (size, _) = lz4_flex::block::uncompressed_size(compressed).map_err(corrupt)?;
            if size > DETAILS_BYTES_MAX {
                return Err(corrupt(UnreadableDetails));
            }
            decode(&lz4_flex::decompress_size_prepended(compressed).map_err(corrupt)?)
        }
        _ => Err(corrupt(UnreadableDetails)),
    }
}

/// Writes a record that has so many bytes beside the usual ones.
fn encode_with<T: Serialize>(record: &T, more_bytes: usize) -> Vec<u8> {
    encode_onto(Vec::with_capacity(RECORD_BYTES + more_bytes), record)
}

/// Writes a record behind what is there.
fn encode_onto<T: Serialize>(bytes: Vec<u8>, record: &T) -> Vec<u8> {
    postcard::to_extend(record, bytes).expect("records hold nothing that postcard cannot write")
}

/// Reads a record.
///
/// # Errors
/// [`StoreError::Corrupt`] when the bytes are not such a record.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(corrupt)
}

fn corrupt(cause: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::Corrupt(Arc::new(cause))
}

/// A key that no version of this server wrote.
#[derive(Debug, thiserror::Error)]
#[error("a key of the store has a length that no key has")]
struct UnreadableKey;

/// The details of a call in a form that no version of this server wrote.
#[derive(Debug, thiserror::Error)]
#[error("the details of a call are in a form that is not known, or longer than any")]
struct UnreadableDetails;

/// The error for a key that is not as it should be.
pub(crate) fn unreadable() -> StoreError {
    StoreError::Corrupt(Arc::new(UnreadableKey))
}

/// Key of a thing within a space that has a name: `space uid, name`.
pub fn named_key(space_uid: u64, name: &str) -> Vec<u8> {
    [&space_uid.to_be_bytes(), name.as_bytes()].concat()
}

/// Key of a space.
pub fn space_key(id: &str) -> Vec<u8> {
    [id.as_bytes(), &[SEPARATOR]].concat()
}

/// Key of anything ordered by time under a space or webhook: `owner uid, id`.
pub fn timed_key(owner_uid: u64, id: u128) -> [u8; 24] {
    let mut key = [0; 24];
    key[..8].copy_from_slice(&owner_uid.to_be_bytes());
    key[8..].copy_from_slice(&id.to_be_bytes());
    key
}

/// Reads a [`timed_key`].
pub fn read_timed_key(key: &[u8]) -> Result<(u64, u128), StoreError> {
    let key: &[u8; 24] = key.try_into().map_err(|_| unreadable())?;
    let (owner, id) = key.split_at(8);
    Ok((
        u64::from_be_bytes(owner.try_into().expect("8 bytes")),
        u128::from_be_bytes(id.try_into().expect("16 bytes")),
    ))
}

/// The window of time that a moment lies in, counted from 1970: keys of one window stand together.
pub fn dedup_day(at_ms: u64) -> u32 {
    u32::try_from(u128::from(at_ms) / DEDUP_WINDOW.as_millis()).unwrap_or(u32::MAX)
}

/// The window that a key of the table of idempotency keys names.
///
/// # Errors
/// When it is no such key.
pub fn dedup_day_of(key: &[u8]) -> Result<u32, StoreError> {
    key.first_chunk().map(|day| u32::from_be_bytes(*day)).ok_or_else(unreadable)
}

/// Key of an idempotency key that came in this window.
pub fn dedup_key(day: u32, key: &[u8]) -> Vec<u8> {
    [&day.to_be_bytes(), key].concat()
}

/// Names one owed delivery; orders a webhook's deliveries by when they are due, or by when they were accepted where
/// the order matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwedKey {
    /// The webhook.
    pub webhook_uid: u64,
    /// When the next attempt is due; where order matters, when the event was accepted.
    pub due_ms: u64,
    /// The event.
    pub event_id: u128,
}

impl OwedKey {
    /// The key's bytes: `webhook uid, due, event id`, each big-endian.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.webhook_uid.to_be_bytes());
        key[8..16].copy_from_slice(&self.due_ms.to_be_bytes());
        key[16..].copy_from_slice(&self.event_id.to_be_bytes());
        key
    }

    /// Reads a key's bytes.
    pub fn from_bytes(key: &[u8]) -> Result<OwedKey, StoreError> {
        let key: &[u8; 32] = key.try_into().map_err(|_| unreadable())?;
        let (webhook_uid, rest) = key.split_at(8);
        let (due_ms, event_id) = rest.split_at(8);
        Ok(OwedKey {
            webhook_uid: u64::from_be_bytes(webhook_uid.try_into().expect("8 bytes")),
            due_ms: u64::from_be_bytes(due_ms.try_into().expect("8 bytes")),
            event_id: u128::from_be_bytes(event_id.try_into().expect("16 bytes")),
        })
    }
}

/// Payloads are written as one run of bytes, not byte by byte.
mod payload_bytes {
    use serde::{Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(payload: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(payload)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct Payload;
        impl de::Visitor<'_> for Payload {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }
        deserializer.deserialize_byte_buf(Payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Dice;

    fn details(body: String) -> CallDetailsRecord {
        CallDetailsRecord {
            method: "POST".to_owned(),
            request_headers: Vec::new(),
            request_body: "{}".to_owned(),
            request_cut: false,
            timeout_ms: 30_000,
            response: Some(ResponseRecord { status: 200, headers: Vec::new(), body, cut: false }),
            error: None,
            timing: TimingRecord::default(),
        }
    }

    #[test]
    fn details_are_read_as_they_were_written_whatever_their_size() {
        let varied =
            |length: usize| (0..length).map(|place| char::from(33 + (place * place % 89) as u8)).collect();
        let dice = Dice::seeded(1);
        let noise = |_| char::from_u32(0x4e00 + (dice.roll() >> 50) as u32).unwrap();
        let incompressible: String = (0..70_000).map(noise).collect();
        let bodies: [(String, u8); 6] = [
            (String::new(), PLAIN),
            ("a".repeat(COMPRESSED_BYTES_MIN / 2), PLAIN),
            ("a".repeat(COMPRESSED_BYTES_MIN), COMPRESSED),
            (varied(200_000), COMPRESSED),
            (incompressible, PLAIN),
            ("a".repeat(DETAILS_BYTES_MAX), PLAIN),
        ];
        for (body, form) in bodies {
            let details = details(body);
            let written = encode_details(&details);
            assert_eq!(written[0], form, "{} bytes", written.len());
            assert_eq!(decode_details(&written).unwrap(), details);
        }
    }

    #[test]
    fn damaged_details_are_an_error() {
        let written = encode_details(&details("ab".repeat(100_000)));
        assert!(written.len() < 10_000);
        let huge = [&[COMPRESSED], &u32::MAX.to_le_bytes()[..], &written[5..]].concat();
        for damaged in
            [&[][..], &[2], &[COMPRESSED], &[COMPRESSED, 1, 0], &written[..written.len() / 2], &huge]
        {
            assert!(matches!(decode_details(damaged), Err(StoreError::Corrupt(_))), "{}", damaged.len());
        }
    }
}
