//! Every bound of the server, named once, with where it comes from.

use std::time::Duration;

/// Bytes of a request body that the API takes (Contentful: 1 MB). The bulk forms have [`BULK_BODY_BYTES_MAX`].
pub const BODY_BYTES_MAX: usize = 1_000_000;
/// Bytes of a bulk request: many events in one body.
pub const BULK_BODY_BYTES_MAX: usize = 16_000_000;
/// Events in one bulk request.
pub const BULK_EVENTS_MAX: usize = 10_000;
/// Bytes of a form of the web app: the largest payload, every byte of it escaped, and the rest of the form.
pub const FORM_BYTES_MAX: usize = 4_000_000;
/// Bytes of a body beyond its limit that are read and thrown away, so that the caller gets to read the refusal.
pub const DISCARDED_BYTES_MAX: usize = 64_000_000;
/// How long a caller may leave an answer unread before its connection is ended.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a request's body may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// Characters of a request's path and query (Contentful: 7,600).
pub const URI_CHARS_MAX: usize = 7_600;
/// Webhooks in one space unless the settings say otherwise (Contentful's paid plans: 100).
pub const WEBHOOKS_PER_SPACE: usize = 100;
/// Custom headers of one webhook definition.
pub const HEADERS_MAX: usize = 100;
/// Bytes of a custom header's value.
pub const HEADER_VALUE_BYTES_MAX: usize = 8_192;
/// Bytes of a webhook's name.
pub const NAME_BYTES_MAX: usize = 256;
/// Bytes of an idempotency key or a CloudEvents source and id.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 1_024;
/// Bytes of a context header's value that travels with an event.
pub const CONTEXT_VALUE_BYTES_MAX: usize = 1_024;
/// Calls kept for each webhook (Contentful: 500).
pub const CALLS_PER_WEBHOOK: usize = 500;
/// Calls that are removed together once so many more than [`CALLS_PER_WEBHOOK`] are stored.
pub const CALLS_TRIMMED_AT_ONCE: usize = 64;
/// Bytes of a request body that the log keeps (Contentful: 500 kB).
pub const LOGGED_REQUEST_BYTES_MAX: usize = 500_000;
/// Bytes of a response body that is read and kept (Contentful: 200 kB).
pub const LOGGED_RESPONSE_BYTES_MAX: usize = 200_000;
/// Bytes of a response body from which on the calls to its endpoint keep their distance: answers take little, and one of
/// this size as much time as many others.
pub const HEAVY_RESPONSE_BYTES: usize = 64 * 1024;
/// Bytes of a response body, and of what the log keeps of its call in compressed form, from which on not every one is kept
/// whole.
pub const LONG_RESPONSE_BYTES: usize = 64 * 1024;
/// Within this time one of those is kept whole, for each webhook.
pub const LONG_RESPONSE_EVERY: Duration = Duration::from_secs(30);
/// Bytes that are kept of the others.
pub const SHORT_RESPONSE_BYTES: usize = 16 * 1024;
/// How long one attempt may take in all, body included (Contentful: 30 s).
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// Items on a page when the caller does not say.
pub const PAGE_ITEMS: usize = 100;
/// Items on a page at the most.
pub const PAGE_ITEMS_MAX: usize = 1_000;
/// Attempts under way at once to one endpoint.
pub const LANE_IN_FLIGHT_MAX: u16 = 16;
/// Attempts under way at once in all.
pub const IN_FLIGHT_MAX: usize = 4_096;
/// Deliveries of one lane that wait in memory; the rest wait in the store.
pub const LANE_WINDOW: usize = 256;
/// Deliveries of one lane that wait in memory when there are [`WINDOWS_MAX`] in all.
pub const LANE_WINDOW_MIN: usize = 8;
/// Deliveries of all lanes that wait in memory, from which on a lane keeps few.
pub const WINDOWS_MAX: usize = 64 * 1024;
/// Deliveries that an endpoint may have claimed for each place that it may hold: more make fewer, larger writes, and
/// more attempts that nobody knows anything of after a crash.
pub const CLAIMS_PER_PLACE: usize = 4;
/// Events that are kept in memory for the attempts about to be made.
pub const EVENTS_AT_HAND_MAX: usize = 16 * 1024;
/// Bytes of such events; beyond them, attempts read theirs from the store.
pub const EVENTS_AT_HAND_BYTES: usize = 16 * 1024 * 1024;
/// Within this time after its acceptance an event is read from the store at once: it is still in memory.
pub const FRESH: Duration = Duration::from_secs(2);
/// Deliveries that may be owed in all before events are refused.
pub const BACKLOG_MAX: u64 = 10_000_000;
/// Failures in a row after which an endpoint is left alone for a while.
pub const FAILURES_MAX: u32 = 10;
/// The longest that an endpoint is left alone, as a multiple of the retry policy's first delay.
pub const PAUSE_FACTOR_MAX: u64 = 30;
/// Within this time a publish with the same idempotency key is answered with the first one's event.
pub const DEDUP_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
/// How far ids may be ahead of a clock that was set back: so far they keep their order. Further ahead, the clock was wrong
/// before, and events would outlive their retention.
pub const IDS_AHEAD_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an event is kept after it was accepted, longer while a delivery of it is owed.
pub const EVENT_RETENTION: Duration = Duration::from_secs(3 * 24 * 60 * 60);
/// How often what is past its time is swept out of the store.
pub const SWEEP_EVERY: Duration = Duration::from_secs(10 * 60);
/// Events owed that a sweep remembers; younger ones are left to the next.
pub const SWEEP_OWED_MAX: usize = 100_000;
/// Rows that one step of a sweep looks at.
pub const SWEEP_ROWS: usize = 1_000;
/// Access tokens of one space.
pub const TOKENS_PER_SPACE: usize = 100;
/// Spaces of one server.
pub const SPACES_MAX: usize = 10_000;
/// Management requests a second for one token.
pub const RATE_PER_SECOND: u32 = 100;
/// How long a stopping server waits for the attempts under way.
pub const DRAIN: Duration = Duration::from_secs(35);

const _: () = assert!(PAGE_ITEMS <= PAGE_ITEMS_MAX && CALLS_PER_WEBHOOK <= PAGE_ITEMS_MAX);
const _: () = assert!(
    LANE_WINDOW_MIN >= 2
        && LANE_IN_FLIGHT_MAX as usize <= LANE_WINDOW
        && LANE_IN_FLIGHT_MAX as usize <= IN_FLIGHT_MAX
);
const _: () = assert!(BODY_BYTES_MAX <= BULK_BODY_BYTES_MAX && 3 * BODY_BYTES_MAX < FORM_BYTES_MAX);
const _: () = assert!(ATTEMPT_TIMEOUT.as_secs() < DRAIN.as_secs());
