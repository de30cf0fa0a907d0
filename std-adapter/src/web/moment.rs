//! Moments and lengths of time, in words.

use crate::clock;

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// A moment as a page shows it: in words, and exactly on hover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// ISO 8601, for machines.
    pub(super) iso: String,
    /// The moment, for hovering.
    pub(super) exact: String,
    /// How far from now.
    pub(super) words: String,
}

impl Moment {
    /// A moment, as seen from now.
    pub(super) fn new(at_ms: u64, now_ms: u64) -> Moment {
        let words = match at_ms.checked_sub(now_ms) {
            Some(0) | None if now_ms - at_ms < SECOND_MS => "now".to_owned(),
            None => format!("{} ago", span(now_ms - at_ms)),
            Some(ahead) => format!("in {}", span(ahead)),
        };
        let iso = clock::iso(at_ms);
        let exact = format!("{} {} UTC", &iso[..10], &iso[11..iso.len() - 1]);
        Moment { exact, iso, words }
    }
}

/// A length of time in its largest unit.
pub(super) fn span(ms: u64) -> String {
    match ms {
        0..SECOND_MS => format!("{ms} ms"),
        SECOND_MS..MINUTE_MS => format!("{} s", ms / SECOND_MS),
        MINUTE_MS..HOUR_MS => format!("{} min", ms / MINUTE_MS),
        HOUR_MS..=DAY_MS => format!("{} h", ms / HOUR_MS),
        _ => format!("{} d", ms / DAY_MS),
    }
}

/// How long something took, with the digits that matter.
pub(super) fn took(us: u64) -> String {
    match us {
        0..10_000 => format!("{:.1} ms", us as f64 / 1e3),
        10_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{:.1} s", us as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_from_now() {
        let words = |at_ms| Moment::new(at_ms, 10 * DAY_MS).words;
        assert_eq!(words(10 * DAY_MS), "now");
        assert_eq!(words(10 * DAY_MS - 999), "now");
        assert_eq!(words(10 * DAY_MS - 24_000), "24 s ago");
        assert_eq!(words(10 * DAY_MS + 24_900), "in 24 s");
        assert_eq!(words(10 * DAY_MS - 2 * HOUR_MS), "2 h ago");
        assert_eq!(words(0), "10 d ago");
        assert_eq!(Moment::new(1_491_383_761_382, 0).exact, "2017-04-05 09:16:01.382 UTC");
    }

    #[test]
    fn lengths_keep_the_digits_that_matter() {
        for (us, words) in [(0, "0.0 ms"), (1_234, "1.2 ms"), (45_678, "45 ms"), (30_000_000, "30.0 s")] {
            assert_eq!(took(us), words);
        }
    }
}
