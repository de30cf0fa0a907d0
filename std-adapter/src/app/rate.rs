//! How many management requests each token has left: whole-second and whole-hour windows, as the headers tell them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Tokens whose counts are held at most; above that, counts of past seconds are dropped.
const TOKENS_MAX: usize = 10_000;
/// Seconds of the long window.
const HOUR_SECONDS: u64 = 3_600;

/// What is left of a token's limits after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests a second.
    pub second_limit: u32,
    /// Requests left in this second.
    pub second_left: u32,
    /// Requests an hour.
    pub hour_limit: u32,
    /// Requests left in this hour.
    pub hour_left: u32,
    /// Whole seconds to wait before another request is taken; 0 when one is.
    pub reset_seconds: u64,
    /// Whether this request was taken.
    pub taken: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    second: u64,
    in_second: u32,
    hour: u64,
    in_hour: u32,
}

/// The counts of all tokens.
#[derive(Debug)]
pub struct Rates {
    per_second: u32,
    windows: Mutex<HashMap<String, Window>>,
}

impl Rates {
    /// So many requests a second for each token; 0 for no limit.
    pub fn new(per_second: u32) -> Rates {
        Rates { per_second, windows: Mutex::default() }
    }

    /// Counts a request of a token; `None` when there is no limit.
    pub fn take(&self, token: &str, now_ms: u64) -> Option<Allowance> {
        if self.per_second == 0 {
            return None;
        }
        let (second, hour) = (now_ms / 1_000, now_ms / 1_000 / HOUR_SECONDS);
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= TOKENS_MAX {
            windows.retain(|_, window| window.second == second);
        }
        let window = windows.entry(token.to_owned()).or_default();
        if window.second != second {
            *window = Window { second, in_second: 0, ..*window };
        }
        if window.hour != hour {
            *window = Window { hour, in_hour: 0, ..*window };
        }
        Some(self.count(window))
    }

    fn count(&self, window: &mut Window) -> Allowance {
        let second_limit = self.per_second;
        let hour_limit = second_limit.saturating_mul(HOUR_SECONDS as u32);
        let taken = window.in_second < second_limit && window.in_hour < hour_limit;
        if taken {
            window.in_second += 1;
            window.in_hour += 1;
        }
        let to_next_hour = HOUR_SECONDS - window.second % HOUR_SECONDS;
        let reset_seconds = match taken {
            true => 0,
            false if window.in_hour >= hour_limit => to_next_hour,
            false => 1,
        };
        Allowance {
            second_limit,
            second_left: second_limit - window.in_second,
            hour_limit,
            hour_left: hour_limit - window.in_hour,
            reset_seconds,
            taken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_s_requests_run_out_and_come_back() {
        let rates = Rates::new(2);
        let left = |token, now_ms| {
            rates.take(token, now_ms).map(|left| (left.taken, left.second_left, left.reset_seconds))
        };
        assert_eq!(left("a", 1_000), Some((true, 1, 0)));
        assert_eq!(left("a", 1_999), Some((true, 0, 0)));
        assert_eq!(left("a", 1_999), Some((false, 0, 1)));
        assert_eq!(left("b", 1_999), Some((true, 1, 0)));
        assert_eq!(left("a", 2_000), Some((true, 1, 0)));
        assert_eq!(rates.take("a", 2_000).unwrap().hour_left, 7_200 - 4);
        assert_eq!(rates.take("a", 3_600_000).unwrap().hour_left, 7_199);
    }

    #[test]
    fn no_limit_counts_nothing() {
        assert_eq!(Rates::new(0).take("a", 1), None);
    }
}
