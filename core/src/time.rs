//! Moments and spans as plain integers.
//!
//! A moment is a `u64` of milliseconds since 1970-01-01T00:00:00Z, a span a `u64` of milliseconds; names end in
//! `_ms`. The caller brings the clock: no function here asks what time it is.

/// Milliseconds in a second.
pub const SECOND_MS: u64 = 1_000;
/// Milliseconds in a minute.
pub const MINUTE_MS: u64 = 60 * SECOND_MS;
/// Milliseconds in an hour.
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
/// Milliseconds in a day.
pub const DAY_MS: u64 = 24 * HOUR_MS;
