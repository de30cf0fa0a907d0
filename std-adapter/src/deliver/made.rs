//! An attempt that was made, as the log will show it.

use bellwire_core::call::Outcome;
use bellwire_core::time::SECOND_MS;

use super::request::{Attempt, Prepared};
use crate::clock;
use crate::limits::{ATTEMPT_TIMEOUT, LOGGED_REQUEST_BYTES_MAX, LOGGED_RESPONSE_BYTES_MAX};
use crate::net::{Exchange, Timing};
use crate::store::record::{CallDetailsRecord, CallRecord, ResponseRecord, TimingRecord};

/// An attempt that was made, as the log will show it.
pub(super) struct Made {
    pub(super) call: CallRecord,
    pub(super) details: CallDetailsRecord,
}

impl Made {
    pub(super) fn sent(
        attempt: &Attempt<'_>,
        request_at_ms: u64,
        ended_at_ms: u64,
        prepared: &Prepared,
        exchange: Exchange,
    ) -> Made {
        let response_at_ms = exchange.response.is_some().then_some(ended_at_ms);
        let (request_body, request_cut) =
            cut_text(prepared.body.as_deref().unwrap_or_default(), LOGGED_REQUEST_BYTES_MAX);
        let response = exchange.response.map(|response| {
            let (body, cut) = cut_text(&response.body, LOGGED_RESPONSE_BYTES_MAX);
            ResponseRecord {
                status: response.status,
                headers: response.headers,
                body,
                cut: cut || response.truncated,
            }
        });
        Made {
            call: call(attempt, exchange.outcome, prepared.url.as_str(), request_at_ms, response_at_ms),
            details: CallDetailsRecord {
                method: prepared.method.to_string(),
                request_headers: prepared.logged_headers(),
                request_body,
                request_cut,
                timeout_ms: ATTEMPT_TIMEOUT.as_millis() as u64,
                response,
                error: exchange.error,
                timing: timing_record(exchange.timing),
            },
        }
    }

    /// An attempt of which no request is known: it could not be formed, or nobody remembers it.
    pub(super) fn unsent(
        attempt: &Attempt<'_>,
        request_at_ms: u64,
        outcome: Outcome,
        problem: String,
    ) -> Made {
        let webhook = attempt.webhook;
        Made {
            call: call(attempt, outcome, &webhook.record.url, request_at_ms, None),
            details: CallDetailsRecord {
                method: webhook.transformation.method().to_string(),
                request_headers: Vec::new(),
                request_body: String::new(),
                request_cut: false,
                timeout_ms: ATTEMPT_TIMEOUT.as_millis() as u64,
                response: None,
                error: Some(problem),
                timing: TimingRecord::default(),
            },
        }
    }

    /// Bytes of the answer's body, as far as they are kept.
    pub(super) fn response_bytes(&self) -> usize {
        self.details.response.as_ref().map_or(0, |response| response.body.len())
    }
}

/// How long the endpoint asked to be left alone: `Retry-After` as seconds or as a date, RFC 9110 section 10.2.3.
pub(super) fn retry_after_ms(made: &Made, now_ms: u64) -> Option<u64> {
    let headers = &made.details.response.as_ref()?.headers;
    let value = headers.iter().find(|(name, _)| name == "retry-after").map(|(_, value)| value.trim())?;
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has are a very long time.
        return Some(value.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(SECOND_MS));
    }
    clock::parse_http_date(value).map(|moment| moment.saturating_sub(now_ms))
}

fn call(
    attempt: &Attempt<'_>,
    outcome: Outcome,
    url: &str,
    request_at_ms: u64,
    response_at_ms: Option<u64>,
) -> CallRecord {
    CallRecord {
        event_id: attempt.key.event_id,
        topic: attempt.event.topic.clone(),
        entity_id: attempt.event.entity_id.clone(),
        attempt: attempt.number,
        outcome,
        url: url.to_owned(),
        request_at_ms,
        response_at_ms,
        resent: attempt.resent,
    }
}

fn timing_record(timing: Timing) -> TimingRecord {
    let Timing { lookup_us, connect_us, tls_us, first_byte_us, body_us } = timing;
    TimingRecord { lookup_us, connect_us, tls_us, first_byte_us, body_us }
}

/// The bytes as text, cut to `bytes_max` between two characters, and whether it was cut. What is not UTF-8 shows
/// as U+FFFD.
fn cut_text(bytes: &[u8], bytes_max: usize) -> (String, bool) {
    let kept = &bytes[..bytes.len().min(bytes_max)];
    let is_cut = kept.len() < bytes.len();
    match std::str::from_utf8(kept) {
        Ok(text) => (text.to_owned(), is_cut),
        // The cut went through a character.
        Err(problem) if is_cut && problem.error_len().is_none() => {
            (String::from_utf8_lossy(&kept[..problem.valid_up_to()]).into_owned(), true)
        }
        // The mark for what is none may be longer than that.
        Err(_) => {
            let mut text = String::from_utf8_lossy(kept).into_owned();
            let end = text.floor_char_boundary(bytes_max);
            let is_cut = is_cut || end < text.len();
            text.truncate(end);
            (text, is_cut)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut_text(b"abc", 3), ("abc".into(), false));
        assert_eq!(cut_text(b"abcd", 3), ("abc".into(), true));
        assert_eq!(cut_text("aé€".as_bytes(), 4), ("aé".into(), true));
        assert_eq!(cut_text("aé€".as_bytes(), 3), ("aé".into(), true));
        assert_eq!(cut_text("aé€".as_bytes(), 2), ("a".into(), true));
        assert_eq!(cut_text(b"\xff\xfe", 10), ("\u{fffd}\u{fffd}".into(), false));
        assert_eq!(cut_text(b"\xff\xfe", 5), ("\u{fffd}".into(), true));
        assert_eq!(cut_text(b"a\xff", 2), ("a".into(), true));
        assert_eq!(cut_text(b"a\xe2\x82", 3), ("a".into(), true));
        assert_eq!(cut_text(b"a\xe2\x82", 10), ("a\u{fffd}".into(), false));
    }
}
