//! Outcomes, their names and classes, and what follows from them.

use bellwire_core::call::Outcome;
use bellwire_core::delivery::{Class, Decision, RetryPolicy, classify, decide};
use bellwire_core::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

const fn status(status: u16) -> Outcome {
    Outcome::Response { status }
}

#[test]
fn every_outcome_has_its_name_class_and_decision() {
    use Class::{Permanent, Success, Transient};
    // Whether the default policy retries, and whether one that retries connection errors does.
    for (outcome, name, class, by_default, connections_too) in [
        (status(200), None, Success, false, false),
        (status(204), None, Success, false, false),
        (status(299), None, Success, false, false),
        (status(0), Some("ProtocolError"), Permanent, false, false),
        (status(101), Some("ProtocolError"), Permanent, false, false),
        (status(600), Some("ProtocolError"), Permanent, false, false),
        (status(300), Some("RedirectError"), Permanent, false, false),
        (status(308), Some("RedirectError"), Permanent, false, false),
        (status(400), Some("ClientError"), Permanent, false, false),
        (status(404), Some("ClientError"), Permanent, false, false),
        (status(408), Some("ClientError"), Permanent, false, false),
        (status(428), Some("ClientError"), Permanent, false, false),
        (status(429), Some("ClientError"), Transient, true, true),
        (status(430), Some("ClientError"), Permanent, false, false),
        (status(499), Some("ClientError"), Permanent, false, false),
        (status(500), Some("ServerError"), Transient, true, true),
        (status(503), Some("ServerError"), Transient, true, true),
        (status(599), Some("ServerError"), Transient, true, true),
        (Outcome::Timeout, Some("TimeoutError"), Transient, false, false),
        (Outcome::Connection, Some("ConnectionError"), Transient, false, true),
        (Outcome::NameResolution, Some("NameResolutionError"), Transient, false, true),
        (Outcome::Tls, Some("TlsError"), Permanent, false, false),
        (Outcome::BlockedAddress, Some("BlockedAddressError"), Permanent, false, false),
        (Outcome::Invalid, Some("RequestError"), Permanent, false, false),
    ] {
        assert_eq!((outcome.error_name(), classify(outcome)), (name, class), "{outcome:?}");
        assert_eq!(outcome.is_success(), class == Success, "{outcome:?}");
        let retries = |policy| matches!(decide(outcome, 1, &policy), Decision::Retry { delay_ms: 30_000 });
        let connections = RetryPolicy { retry_connection_errors: true, ..RetryPolicy::default() };
        assert_eq!(
            (retries(RetryPolicy::default()), retries(connections)),
            (by_default, connections_too),
            "{outcome:?}"
        );
        assert_eq!(decide(outcome, 1, &RetryPolicy::default()) == Decision::Succeeded, class == Success);
    }
}

#[test]
fn a_policy_gives_up_after_its_retries() {
    for retries_max in [0, 1, 2, 15, 99] {
        let policy = RetryPolicy { retries_max, ..RetryPolicy::default() };
        for attempt in 1..=100 {
            let retries = decide(status(503), attempt, &policy) != Decision::Dead;
            assert_eq!(
                retries,
                attempt <= u32::from(retries_max),
                "attempt {attempt} of {retries_max} retries"
            );
        }
        assert_eq!(decide(status(503), u32::MAX, &policy), Decision::Dead);
        assert_eq!(decide(status(200), u32::MAX, &policy), Decision::Succeeded);
    }
}

#[test]
fn waits_grow_to_a_quarter_of_an_hour() {
    let policy = RetryPolicy::default();
    assert_eq!([1, 2].map(|retry| policy.delay_ms(retry)), [30 * SECOND_MS; 2]);
    assert_eq!(
        [3, 4, 15, 16, 17, 99].map(|retry| policy.delay_ms(retry) / MINUTE_MS),
        [2, 3, 14, 15, 15, 15]
    );
    assert_eq!((1..=99).map(|retry| policy.delay_ms(retry)).sum::<u64>(), 22 * HOUR_MS + 45 * MINUTE_MS);
    assert!(policy.delay_ms(u32::MAX) < DAY_MS);
}

#[test]
fn waits_scale_and_never_overflow() {
    let quick = RetryPolicy { first_delay_ms: 10, ..RetryPolicy::default() };
    assert_eq!([1, 2, 3, 4, 99].map(|retry| quick.delay_ms(retry)), [10, 10, 40, 60, 300]);
    let none = RetryPolicy { first_delay_ms: 0, ..quick };
    let endless = RetryPolicy { first_delay_ms: u64::MAX, ..quick };
    assert_eq!([none.delay_ms(50), endless.delay_ms(50), endless.delay_ms(0)], [0, u64::MAX, u64::MAX]);
}

#[test]
fn an_outcome_is_kept_as_json_and_read_again() {
    for outcome in [status(404), Outcome::Timeout, Outcome::Tls] {
        let kept = serde_json::to_string(&outcome).unwrap();
        assert_eq!(serde_json::from_str::<Outcome>(&kept).unwrap(), outcome);
    }
}
