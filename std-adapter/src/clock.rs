//! The clock: the only place that reads the time, and how moments look as text.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Milliseconds since 1970-01-01T00:00:00Z. A clock set before 1970 reads as 0.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// ISO 8601 in UTC with milliseconds: `2026-11-25T10:00:00.000Z`.
pub fn iso(moment_ms: u64) -> String {
    let moment = i64::try_from(moment_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    moment.unwrap_or(Timestamp::MAX).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Reads an ISO 8601 moment with an offset; `None` when it is not one or lies before 1970.
pub fn parse_iso(text: &str) -> Option<u64> {
    let moment: Timestamp = text.trim().parse().ok()?;
    u64::try_from(moment.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_back_as_written() {
        for ms in [0, 1, 999, 1_000, 1_491_383_761_382, 1_795_600_800_000] {
            assert_eq!(parse_iso(&iso(ms)), Some(ms));
        }
        assert_eq!(iso(1_491_383_761_382), "2017-04-05T09:16:01.382Z");
    }

    #[test]
    fn offsets_are_understood_and_nonsense_is_refused() {
        assert_eq!(parse_iso("2017-04-05T11:16:01.382+02:00"), Some(1_491_383_761_382));
        for bad in ["", "yesterday", "2017-04-05", "1969-12-31T23:59:59Z"] {
            assert_eq!(parse_iso(bad), None, "{bad}");
        }
    }
}
