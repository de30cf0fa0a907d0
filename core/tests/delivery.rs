//! Outcomes, their names and classes, and what follows for the delivery.

use bellwire_core::call::Outcome;
use bellwire_core::delivery::{
    Attempted, Class, Decision, RETRY_AFTER_MS_MAX, RetryPolicy, Sign, classify, decide, sign_of,
};
use bellwire_core::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use proptest::prelude::*;

/// The default policy without chance.
const STEADY: RetryPolicy = RetryPolicy {
    retries_max: 2,
    first_delay_ms: 30 * SECOND_MS,
    retry_connection_errors: false,
    jitter_percent: 0,
};

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
        (Outcome::NoResources, Some("ResourceError"), Transient, false, false),
        (Outcome::Expired, Some("ExpiredError"), Permanent, false, false),
    ] {
        assert_eq!((outcome.error_name(), classify(outcome)), (name, class), "{outcome:?}");
        assert_eq!(outcome.is_success(), class == Success, "{outcome:?}");
        let retries = |policy| {
            matches!(decide(Attempted::new(outcome, 1), &policy, 7), Decision::Retry { delay_ms: 30_000 })
        };
        let connections = RetryPolicy { retry_connection_errors: true, ..STEADY };
        assert_eq!((retries(STEADY), retries(connections)), (by_default, connections_too), "{outcome:?}");
        assert_eq!(decide(Attempted::new(outcome, 1), &STEADY, 0) == Decision::Succeeded, class == Success);
    }
}

#[test]
fn a_policy_gives_up_after_its_retries() {
    for retries_max in [0, 1, 2, 15, 99] {
        let policy = RetryPolicy { retries_max, ..RetryPolicy::default() };
        for attempt in 1..=100 {
            let retries = decide(Attempted::new(status(503), attempt), &policy, 0) != Decision::Dead;
            assert_eq!(
                retries,
                attempt <= u32::from(retries_max),
                "attempt {attempt} of {retries_max} retries"
            );
        }
        assert_eq!(decide(Attempted::new(status(503), u32::MAX), &policy, 0), Decision::Dead);
        assert_eq!(decide(Attempted::new(status(200), u32::MAX), &policy, 0), Decision::Succeeded);
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

#[test]
fn what_is_no_ordinary_failure_has_a_decision_of_its_own() {
    let policy = RetryPolicy::default();
    let after = |outcome, attempt| decide(Attempted::new(outcome, attempt), &policy, 0);
    assert_eq!(after(status(410), 1), Decision::Gone);
    for attempt in [1, 3, u32::MAX] {
        assert_eq!(after(Outcome::Unknown, attempt), Decision::Retry { delay_ms: 0 });
        assert_eq!(after(Outcome::NoResources, attempt), Decision::Postpone { delay_ms: SECOND_MS });
        let late = Attempted { is_late: true, ..Attempted::new(Outcome::NoResources, attempt) };
        assert_eq!(decide(late, &policy, 0), Decision::Dead);
    }
}

#[test]
fn an_endpoint_can_ask_for_time_up_to_a_cap() {
    let asked = |retry_after_ms| {
        let ended = Attempted { retry_after_ms: Some(retry_after_ms), ..Attempted::new(status(429), 1) };
        decide(ended, &STEADY, 0)
    };
    for (asked_ms, delay_ms) in [
        (0, 30 * SECOND_MS),
        (29_999, 30 * SECOND_MS),
        (31_000, 31_000),
        (RETRY_AFTER_MS_MAX, RETRY_AFTER_MS_MAX),
        (u64::MAX, RETRY_AFTER_MS_MAX),
    ] {
        assert_eq!(asked(asked_ms), Decision::Retry { delay_ms }, "{asked_ms}");
    }
}

#[test]
fn every_outcome_is_a_sign_of_its_endpoint() {
    for (outcome, sign) in [
        (status(204), Sign::Well),
        (status(302), Sign::Refusing),
        (status(410), Sign::Refusing),
        (status(429), Sign::Throttling),
        (status(500), Sign::Failing),
        (Outcome::Timeout, Sign::Silent),
        (Outcome::Connection, Sign::Silent),
        (Outcome::NameResolution, Sign::Silent),
        (Outcome::Tls, Sign::Silent),
        (Outcome::BlockedAddress, Sign::None),
        (Outcome::Invalid, Sign::None),
        (Outcome::Unknown, Sign::None),
        (Outcome::NoResources, Sign::None),
        (Outcome::Expired, Sign::None),
    ] {
        assert_eq!(sign_of(outcome), sign, "{outcome:?}");
        assert_eq!(sign.is_bad(), matches!(sign, Sign::Failing | Sign::Silent));
    }
}

proptest! {
    #[test]
    fn jitter_stays_within_its_share(
        retry in 1u32..120, first_delay_ms in 1u64..10_000_000, jitter_percent in 0u8..=100, random: u64,
    ) {
        let policy = RetryPolicy { retries_max: 99, first_delay_ms, jitter_percent, ..STEADY };
        prop_assume!(retry <= 99);
        let planned = u128::from(policy.delay_ms(retry));
        let room = planned * u128::from(jitter_percent) / 100;
        let Decision::Retry { delay_ms } = decide(Attempted::new(status(500), retry), &policy, random) else {
            panic!("a retry was left");
        };
        prop_assert!((planned - room..=planned + room).contains(&u128::from(delay_ms)), "{delay_ms} of {planned}");
    }

    #[test]
    fn no_wait_is_shorter_than_what_was_asked_for(asked in 0..=RETRY_AFTER_MS_MAX, random: u64) {
        let ended = Attempted { retry_after_ms: Some(asked), ..Attempted::new(status(503), 1) };
        let Decision::Retry { delay_ms } = decide(ended, &RetryPolicy::default(), random) else {
            panic!("a retry was left");
        };
        prop_assert!(delay_ms >= asked);
    }
}
