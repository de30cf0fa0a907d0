//! The clock: the only place that reads the time, and how moments look as text.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// The port: what time it is.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> u64;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        now_ms()
    }
}

/// A clock for simulations: it goes with the runtime's time, which can be paused and advanced, and can be set.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use bellwire::clock::{Clock, RuntimeClock};
///
/// let clock = RuntimeClock::starting_at(1_000_000);
/// clock.set(5_000_000);
/// assert!((5_000_000..5_060_000).contains(&clock.now_ms()));
/// # });
/// ```
#[derive(Debug)]
pub struct RuntimeClock {
    begun: tokio::time::Instant,
    /// The moment at which `begun` was.
    origin_ms: AtomicU64,
}

impl RuntimeClock {
    /// A clock that shows this moment now.
    pub fn starting_at(now_ms: u64) -> RuntimeClock {
        RuntimeClock { begun: tokio::time::Instant::now(), origin_ms: AtomicU64::new(now_ms) }
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, now_ms: u64) {
        self.origin_ms.store(now_ms.saturating_sub(self.elapsed_ms()), Ordering::SeqCst);
    }

    fn elapsed_ms(&self) -> u64 {
        self.begun.elapsed().as_millis() as u64
    }
}

impl Clock for RuntimeClock {
    fn now_ms(&self) -> u64 {
        self.origin_ms.load(Ordering::SeqCst).saturating_add(self.elapsed_ms())
    }
}

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

/// Reads the date of an HTTP header, such as `Sun, 06 Nov 1994 08:49:37 GMT`; `None` when it is not one or lies before
/// 1970. The two obsolete forms are not read.
pub fn parse_http_date(text: &str) -> Option<u64> {
    let moment = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
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
    fn dates_of_headers_are_read() {
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
        for bad in ["", "soon", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1954 08:49:37 GMT"] {
            assert_eq!(parse_http_date(bad), None, "{bad}");
        }
    }

    #[test]
    fn offsets_are_understood_and_nonsense_is_refused() {
        assert_eq!(parse_iso("2017-04-05T11:16:01.382+02:00"), Some(1_491_383_761_382));
        for bad in ["", "yesterday", "2017-04-05", "1969-12-31T23:59:59Z"] {
            assert_eq!(parse_iso(bad), None, "{bad}");
        }
    }
}
