//! What is counted, and its text for Prometheus.

use std::time::Duration;

use bellwire_core::call::Outcome;
use bellwire_core::delivery::Decision;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Seconds of the first bucket of the attempts' durations; twelve buckets double from there to four seconds.
const FIRST_BUCKET_SECONDS: f64 = 0.002;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Result {
    Success,
    Failure,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    result: Result,
    error: &'static str,
}

/// The counters of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    events: Counter,
    duplicates: Counter,
    refused: Counter,
    owed: Counter,
    attempts: Family<AttemptLabels, Counter>,
    durations: Histogram,
    retries: Counter,
    dead: Counter,
    pauses: Counter,
    damage: Counter,
    in_flight: Gauge,
    backlog: Gauge,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut registry = Registry::with_prefix("bellwire");
        let metrics = Metrics {
            events: Counter::default(),
            duplicates: Counter::default(),
            refused: Counter::default(),
            owed: Counter::default(),
            attempts: Family::default(),
            durations: Histogram::new(exponential_buckets(FIRST_BUCKET_SECONDS, 2.0, 12)),
            retries: Counter::default(),
            dead: Counter::default(),
            pauses: Counter::default(),
            damage: Counter::default(),
            in_flight: Gauge::default(),
            backlog: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("events_accepted", "Events answered with 202", metrics.events.clone());
        registry.register("events_duplicate", "Publishes recognised as repeated", metrics.duplicates.clone());
        registry.register("events_refused", "Publishes refused", metrics.refused.clone());
        registry.register("deliveries_owed", "Deliveries that accepted events owed", metrics.owed.clone());
        registry.register("attempts", "Attempts that ended, by result and error", metrics.attempts.clone());
        registry.register_with_unit(
            "attempt_duration",
            "Time from the sending of a request until its outcome was recorded",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register("retries", "Attempts that led to another", metrics.retries.clone());
        registry.register("deliveries_dead", "Deliveries given up", metrics.dead.clone());
        registry.register(
            "endpoint_pauses",
            "Endpoints left alone because they kept failing",
            metrics.pauses.clone(),
        );
        registry.register(
            "store_damage",
            "Deliveries that wait because the store is damaged where they need it",
            metrics.damage.clone(),
        );
        registry.register("attempts_in_flight", "Attempts under way", metrics.in_flight.clone());
        registry.register("backlog", "Deliveries that are owed just now", metrics.backlog.clone());
        Metrics { registry, ..metrics }
    }
}

impl Metrics {
    /// An event was accepted and owes this many deliveries.
    pub fn event_accepted(&self, owed: usize) {
        self.events.inc();
        self.owed.inc_by(owed as u64);
    }

    /// A publish repeated an earlier one.
    pub fn event_duplicate(&self) {
        self.duplicates.inc();
    }

    /// A publish was refused.
    pub fn event_refused(&self) {
        self.refused.inc();
    }

    /// An attempt's outcome was recorded.
    pub fn attempt_ended(&self, outcome: Outcome, decision: Decision) {
        let result = if outcome.is_success() { Result::Success } else { Result::Failure };
        self.attempts
            .get_or_create(&AttemptLabels { result, error: outcome.error_name().unwrap_or("") })
            .inc();
        match decision {
            Decision::Retry { .. } => self.retries.inc(),
            Decision::Dead | Decision::Gone => self.dead.inc(),
            Decision::Succeeded | Decision::Postpone { .. } => 0,
        };
    }

    /// An endpoint kept failing and is left alone for a while.
    pub fn endpoint_paused(&self) {
        self.pauses.inc();
    }

    /// What a delivery needs turned out to be damaged.
    pub fn damage_found(&self) {
        self.damage.inc();
    }

    /// How long an attempt took, until its outcome was recorded.
    pub fn attempt_took(&self, span: Duration) {
        self.durations.observe(span.as_secs_f64());
    }

    /// The text for Prometheus.
    pub fn render(&self, in_flight: usize, backlog: u64) -> String {
        self.in_flight.set(in_flight as i64);
        self.backlog.set(i64::try_from(backlog).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing into a string does not fail");
        text
    }
}
