//! Charts over the kept calls, worked out here and drawn as SVG by the templates.

use super::moment::took;
use crate::store::record::CallRecord;

/// Bars of a spark line: the newest calls.
const SPARK_BARS: usize = 24;
/// Columns of a chart; a column stands for one call or for several.
const COLUMNS_MAX: usize = 60;
/// Size of a chart's drawing, in its own units.
pub(super) const WIDTH: f64 = 300.0;
/// See [`WIDTH`].
pub(super) const HEIGHT: f64 = 60.0;
/// Size of a spark line's drawing.
const SPARK_HEIGHT: f64 = 24.0;
/// The least height of a bar, so that it can be seen.
const BAR_MIN: f64 = 2.0;

/// One bar.
#[derive(Debug, PartialEq)]
pub(super) struct Bar {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) class: &'static str,
}

/// How long a call took, where it was answered.
pub(super) fn duration_ms(call: &CallRecord) -> Option<u64> {
    Some(call.response_at_ms?.saturating_sub(call.request_at_ms))
}

fn class(call: &CallRecord) -> &'static str {
    if call.outcome.is_success() { "bar-good" } else { "bar-bad" }
}

/// The newest calls as bars, the newest on the right; their height is how long they took, on a scale of powers.
pub(super) fn spark(newest_first: &[(u128, CallRecord)]) -> Vec<Bar> {
    let shown = &newest_first[..newest_first.len().min(SPARK_BARS)];
    let scale = |call: &CallRecord| (duration_ms(call).unwrap_or(30_000) as f64 + 2.0).ln();
    let tallest = shown.iter().map(|(_, call)| scale(call)).fold(1.0, f64::max);
    let first = SPARK_BARS - shown.len();
    let bar = |(place, (_, call)): (usize, &(u128, CallRecord))| {
        let height = (scale(call) / tallest * SPARK_HEIGHT).max(BAR_MIN);
        let x = (first + place) as f64 * 5.0;
        Bar { x, y: SPARK_HEIGHT - height, width: 4.0, height, class: class(call) }
    };
    shown.iter().rev().enumerate().map(bar).collect()
}

/// What a spark line says, for those who do not see it.
pub(super) fn spark_words(newest_first: &[(u128, CallRecord)]) -> String {
    let shown = &newest_first[..newest_first.len().min(SPARK_BARS)];
    let failed = shown.iter().filter(|(_, call)| !call.outcome.is_success()).count();
    match shown.len() {
        0 => "no calls yet".into(),
        1 => format!("the only call {}", if failed == 0 { "succeeded" } else { "failed" }),
        all => format!("{} of the last {all} calls succeeded", all - failed),
    }
}

/// Success rate and response times over all kept calls, oldest on the left.
pub(super) struct History {
    /// Each column's share of successes, stacked.
    pub(super) bars: Vec<Bar>,
    /// Points of the line through the response times.
    pub(super) trace: String,
    /// The same line closed at the bottom.
    pub(super) area: String,
    /// The share of successes in percent.
    pub(super) healthy: String,
    /// Calls in all.
    pub(super) total: usize,
    /// The time that half of the answered calls stayed below.
    pub(super) median: String,
    /// The time that 19 of 20 stayed below.
    pub(super) p95: String,
    /// The longest.
    pub(super) longest: String,
}

impl History {
    pub(super) fn of(newest_first: &[(u128, CallRecord)]) -> History {
        let calls: Vec<&CallRecord> = newest_first.iter().rev().map(|(_, call)| call).collect();
        let columns: Vec<&[&CallRecord]> = calls.chunks(calls.len().div_ceil(COLUMNS_MAX).max(1)).collect();
        let width = WIDTH / columns.len().max(1) as f64;
        let mut times: Vec<u64> = calls.iter().filter_map(|call| duration_ms(call)).collect();
        times.sort_unstable();
        let longest = times.last().copied().unwrap_or(0);
        let line = |points: Vec<(f64, f64)>| -> String {
            points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<String>>().join(" ")
        };
        let points = trace(&columns, width, longest);
        let ends =
            points.first().zip(points.last()).map(|(first, last)| [(last.0, HEIGHT), (first.0, HEIGHT)]);
        let area = points.iter().copied().chain(ends.into_iter().flatten()).collect();
        History {
            bars: columns.iter().enumerate().flat_map(|(place, calls)| column(calls, place, width)).collect(),
            trace: line(points),
            area: line(area),
            healthy: percent(calls.iter().filter(|call| call.outcome.is_success()).count(), calls.len()),
            total: calls.len(),
            median: quantile(&times, 50),
            p95: quantile(&times, 95),
            longest: took(longest * 1_000),
        }
    }
}

/// A share in whole percent; never 100 while something failed.
pub(super) fn percent(part: usize, all: usize) -> String {
    (part * 100).checked_div(all).map_or("–".into(), |share| format!("{share} %"))
}

fn quantile(sorted: &[u64], hundredth: usize) -> String {
    let place = (sorted.len() * hundredth).div_ceil(100).saturating_sub(1);
    sorted.get(place).map_or("–".into(), |ms| took(ms * 1_000))
}

fn column(calls: &[&CallRecord], place: usize, width: f64) -> [Bar; 2] {
    let good = calls.iter().filter(|call| call.outcome.is_success()).count() as f64 / calls.len() as f64;
    let (x, gap) = (place as f64 * width, (width * 0.2).min(2.0));
    let bar = |y: f64, height, class| Bar { x, y, width: width - gap, height, class };
    let bad_height = HEIGHT * (1.0 - good);
    [bar(0.0, bad_height, "bar-bad"), bar(bad_height, HEIGHT - bad_height, "bar-good")]
}

/// The slowest call of each column that was answered, against the slowest of all.
fn trace(columns: &[&[&CallRecord]], width: f64, longest: u64) -> Vec<(f64, f64)> {
    let slowest = |calls: &&[&CallRecord]| calls.iter().filter_map(|call| duration_ms(call)).max();
    let columns = columns.iter().enumerate().filter_map(|(place, calls)| Some((place, slowest(calls)?)));
    let height = |ms: u64| HEIGHT - 2.0 - ms as f64 / longest.max(1) as f64 * (HEIGHT - 4.0);
    columns.map(|(place, ms)| ((place as f64 + 0.5) * width, height(ms))).collect()
}

#[cfg(test)]
mod tests {
    use bellwire_core::call::Outcome;

    use super::*;

    fn calls(statuses: &[u16]) -> Vec<(u128, CallRecord)> {
        let call = |(id, status): (usize, &u16)| {
            let call = CallRecord {
                event_id: 1,
                topic: "Entry.publish".into(),
                entity_id: None,
                attempt: 1,
                outcome: Outcome::Response { status: *status },
                url: String::new(),
                request_at_ms: 0,
                response_at_ms: Some(id as u64 * 10),
                resent: false,
            };
            (id as u128, call)
        };
        statuses.iter().enumerate().map(call).collect()
    }

    #[test]
    fn any_number_of_calls_makes_a_chart_of_bounded_size() {
        for count in [0, 1, 59, 60, 61, 500] {
            let calls = calls(&vec![200; count]);
            let history = History::of(&calls);
            assert!(history.bars.len() <= 2 * COLUMNS_MAX, "{count}: {}", history.bars.len());
            assert!(spark(&calls).len() <= SPARK_BARS);
            assert_eq!(history.total, count);
            assert!(history.bars.iter().all(|bar| bar.x + bar.width <= WIDTH + 0.01 && bar.height >= 0.0));
        }
    }

    #[test]
    fn figures_are_those_of_the_calls() {
        let history = History::of(&calls(&[200, 500, 200, 204]));
        assert_eq!((history.healthy.as_str(), history.median.as_str()), ("75 %", "10 ms"));
        assert_eq!((history.p95.as_str(), history.longest.as_str()), ("30 ms", "30 ms"));
        assert_eq!(spark_words(&calls(&[200, 500])), "1 of the last 2 calls succeeded");
        assert_eq!(percent(499, 500), "99 %");
    }
}
