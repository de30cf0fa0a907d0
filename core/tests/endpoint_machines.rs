//! The machines around an endpoint: its bound, its breaker, and what all endpoints share, the pool and the pace.

use bellwire_core::delivery::{
    Admission, Bound, Breaker, BreakerPolicy, Pace, PastCall, Pool, Sign, Standing, Turn,
};
use proptest::prelude::*;

const POLICY: BreakerPolicy = BreakerPolicy { failures: 3, pause_ms: 1_000, pause_ms_max: 5_000 };

const STANDINGS: [Standing; 4] = [Standing::New, Standing::Proven, Standing::Suspect, Standing::Heavy];

fn signs() -> impl Strategy<Value = Sign> {
    use Sign::{Failing, None, Refusing, Silent, Throttling, Well};
    prop::sample::select(vec![Well, Refusing, Throttling, Failing, Silent, None])
}

#[test]
fn a_bound_grows_by_one_and_halves() {
    let after =
        |signs: &[Sign]| signs.iter().fold(Bound::default(), |bound, sign| bound.ended(*sign, 16)).limit(16);
    assert_eq!(after(&[]), 1);
    assert_eq!(after(&[Sign::Well; 3]), 4);
    assert_eq!(after(&[Sign::Well; 40]), 16);
    assert_eq!(after(&[&[Sign::Well; 40][..], &[Sign::Silent]].concat()), 8);
    assert_eq!(
        after(
            &[&[Sign::Well; 40][..], &[Sign::Silent, Sign::Throttling, Sign::Failing, Sign::Refusing]]
                .concat()
        ),
        4
    );
    assert_eq!(after(&[Sign::Silent; 9]), 1);
}

#[test]
fn a_breaker_opens_probes_and_closes() {
    let mut breaker = Breaker::default();
    let mut turn = None;
    for _ in 0..3 {
        assert_eq!((breaker.admit(0, &POLICY), turn), (Admission::Free, None));
        (breaker, turn) = breaker.ended(Sign::Silent, 0, &POLICY, 0);
    }
    assert_eq!(turn, Some(Turn::Paused { until_ms: 1_000 }));
    assert_eq!(breaker.ended(Sign::Failing, 5, &POLICY, 0), (breaker, None));
    assert_eq!(breaker.admit(999, &POLICY), Admission::Wait { until_ms: 1_000 });
    assert_eq!(breaker.admit(1_000, &POLICY), Admission::Probe);
    breaker = breaker.started();
    assert_eq!(breaker.admit(1_000, &POLICY), Admission::Probing);
    (breaker, turn) = breaker.ended(Sign::Failing, 1_100, &POLICY, 0);
    assert_eq!(turn, Some(Turn::Paused { until_ms: 3_100 }));
    breaker = breaker.started();
    assert_eq!(breaker.ended(Sign::Well, 3_200, &POLICY, 0), (Breaker::default(), Some(Turn::Recovered)));
    // A probe that never left says nothing: the next may go at once.
    let (undecided, turn) = breaker.ended(Sign::None, 3_200, &POLICY, 0);
    assert_eq!((undecided.admit(3_200, &POLICY), turn), (Admission::Probe, None));
}

#[test]
fn a_clock_that_is_set_back_does_not_keep_a_breaker_open() {
    let open = Breaker::Open { until_ms: 1_000_000, pauses: 1 };
    assert_eq!(open.admit(1_000_000 - 6_251, &POLICY), Admission::Probe);
    assert_eq!(open.admit(1_000_000 - 6_250, &POLICY), Admission::Wait { until_ms: 1_000_000 });
}

#[test]
fn a_log_of_calls_tells_the_state_of_a_breaker() {
    use Sign::{Failing, None, Silent, Well};
    let open = |until_ms, pauses| Breaker::Open { until_ms, pauses };
    let closed = |failures| Breaker::Closed { failures };
    let call = |(sign, begun_ms, ended_ms): &(Sign, u64, u64)| PastCall {
        sign: *sign,
        begun_ms: *begun_ms,
        ended_ms: *ended_ms,
    };
    let after = |calls: &[(Sign, u64, u64)]| Breaker::after(calls.iter().map(call), &POLICY);
    let three = [(Silent, 0, 1), (Silent, 0, 2), (Silent, 0, 3)];
    let then = |call| after(&[&three[..], &[call]].concat());
    // Sign, begin and end of each call.
    let rows = [
        (after(&[]), closed(0)),
        (after(&[(Silent, 0, 30), (Failing, 40, 50)]), closed(2)),
        (after(&[(Silent, 0, 30), (Well, 40, 50), (Silent, 60, 90)]), closed(1)),
        (after(&[(Silent, 0, 30), (None, 40, 50), (Silent, 60, 90), (Silent, 90, 100)]), open(1_100, 1)),
        // One that was under way when it opened tells nothing, though it ended after the pause.
        (then((Silent, 0, 2_000)), open(1_003, 1)),
        (then((Silent, 1_003, 2_000)), open(4_000, 2)),
        (then((None, 1_003, 2_000)), open(2_000, 1)),
        (then((Well, 1_003, 2_000)), closed(0)),
    ];
    for (number, (found, state)) in rows.into_iter().enumerate() {
        assert_eq!(found, state, "row {number}");
    }
}

#[test]
fn so_many_calls_say_everything_of_a_breaker() {
    assert_eq!(POLICY.calls_that_count(), 3 + 3);
    assert_eq!(BreakerPolicy { pause_ms_max: 1_000, ..POLICY }.calls_that_count(), 3);
    let endless = BreakerPolicy { pause_ms: 0, ..POLICY };
    assert_eq!(endless.calls_that_count(), 3 + 32);
}

#[test]
fn whoever_answers_finds_a_place_however_many_hang() {
    let mut pool = Pool::new(1_024);
    let mut held = 0;
    for standing in [Standing::Suspect, Standing::New].into_iter().cycle().take(5_000) {
        if pool.admits(standing, 0) {
            pool = pool.taken(standing);
            held += 1;
        }
    }
    assert_eq!((held, pool.held()), (512, 512));
    // One endpoint that answers takes many; the last eighth is for those that have nothing under way.
    let mut mine = 0;
    while pool.admits(Standing::Proven, mine) {
        pool = pool.taken(Standing::Proven);
        mine += 1;
    }
    assert_eq!(pool.held(), 896);
    assert!(pool.admits(Standing::Proven, 0));
}

#[test]
fn calls_to_endpoints_that_may_hang_begin_eight_at_once_and_then_one_a_millisecond() {
    let begun = |standing: Standing, now_ms: u64, mut pace: Pace| {
        let mut count = 0;
        while count < 1_000 && pace.later(standing, now_ms).is_none() {
            pace = pace.taken(standing, now_ms);
            count += 1;
        }
        (count, pace.later(standing, now_ms), pace)
    };
    let rows = [
        (Standing::Proven, 1_000, None),
        (Standing::New, 8, Some(101)),
        (Standing::Suspect, 8, Some(101)),
        (Standing::Heavy, 1, Some(101)),
    ];
    for (standing, at_once, later) in rows {
        let (count, next, pace) = begun(standing, 100, Pace::default());
        assert_eq!((count, next), (at_once, later), "{standing:?}");
        assert_eq!(pace.later(Standing::Proven, 100), None);
        // After a rest it is as at the start; also where the clock was set back.
        assert_eq!(begun(standing, 10_000, pace).0, at_once);
        assert_eq!(begun(standing, 5, pace).0, at_once);
        let (more, ..) = begun(standing, 101, pace);
        assert_eq!(more, if at_once == 1_000 { 1_000 } else { 1 });
    }
}

#[test]
fn the_smallest_pool_still_admits_one() {
    for standing in STANDINGS {
        for places in 0..5 {
            assert!(Pool::new(places).admits(standing, 0), "{places} {standing:?}");
        }
        assert!(!Pool::new(1).taken(standing).admits(standing, 0));
    }
}

proptest! {
    #[test]
    fn a_bound_stays_within_its_limits(signs in prop::collection::vec(signs(), 0..100), most in 1u16..64) {
        let mut bound = Bound::default();
        for sign in signs {
            bound = bound.ended(sign, most);
            prop_assert!((1..=most).contains(&bound.limit(most)));
        }
    }

    /// Whoever looks at the last calls only, from the last that did not fail on, finds the state that the calls led to.
    #[test]
    fn the_last_calls_say_what_all_said(
        steps in prop::collection::vec((signs(), 0u64..3_000, 0u64..500), 0..60),
    ) {
        let (mut breaker, mut now_ms, mut calls) = (Breaker::default(), 10_000, Vec::new());
        for (sign, pause_ms, took_ms) in steps {
            now_ms += pause_ms;
            if let Admission::Free | Admission::Probe = breaker.admit(now_ms, &POLICY) {
                breaker = breaker.started();
                let begun_ms = now_ms;
                now_ms += took_ms;
                (breaker, _) = breaker.ended(sign, now_ms, &POLICY, 0);
                calls.push(PastCall { sign, begun_ms, ended_ms: now_ms });
            }
        }
        prop_assert_eq!(Breaker::after(calls.iter().copied(), &POLICY), breaker);
        let is_well = |call: &PastCall| !call.sign.is_bad() && call.sign != Sign::None;
        let failed = calls.iter().rposition(is_well).map_or(0, |last| last + 1);
        prop_assert_eq!(Breaker::after(calls[failed..].iter().copied(), &POLICY), breaker);
    }

    /// Against the obvious version: count failures in a row, remember when the pause ends.
    #[test]
    fn a_breaker_lets_one_through_at_the_end_of_each_pause(
        steps in prop::collection::vec((signs(), 0u64..3_000, any::<u64>()), 0..200),
    ) {
        let (mut breaker, mut now_ms, mut failures) = (Breaker::default(), 10_000, 0);
        for (sign, pause_ms, random) in steps {
            now_ms += pause_ms;
            match breaker.admit(now_ms, &POLICY) {
                Admission::Free => prop_assert!(failures < POLICY.failures),
                Admission::Probe => prop_assert!(failures >= POLICY.failures),
                Admission::Wait { until_ms } => {
                    prop_assert!(until_ms > now_ms && until_ms <= now_ms + 6_250);
                    continue;
                }
                Admission::Probing => prop_assert!(false, "no probe is under way between two steps"),
            }
            breaker = breaker.started();
            let turn;
            (breaker, turn) = breaker.ended(sign, now_ms, &POLICY, random);
            let was = failures;
            failures = match sign {
                Sign::None => failures,
                sign if sign.is_bad() => failures + 1,
                _ => 0,
            };
            prop_assert_eq!(matches!(turn, Some(Turn::Recovered)), was >= POLICY.failures && failures == 0);
            prop_assert_eq!(matches!(turn, Some(Turn::Paused { .. })), failures > was && failures >= POLICY.failures);
        }
    }

    /// In any stretch of time no more begins than the burst and a millisecond's worth for each of its own; and nobody
    /// waits longer than that takes.
    #[test]
    fn a_pace_is_kept_in_any_stretch(steps in prop::collection::vec((0usize..4, 0u64..20), 1..300)) {
        let cost = |standing| match standing {
            Standing::Proven => 0,
            Standing::New | Standing::Suspect => 1,
            Standing::Heavy => 8,
        };
        let (mut pace, mut now_ms, mut begun) = (Pace::default(), 1_000, Vec::new());
        for (which, wait_ms) in steps {
            let standing = STANDINGS[which];
            now_ms += wait_ms;
            if let Some(later_ms) = pace.later(standing, now_ms) {
                prop_assert!(later_ms > now_ms && later_ms <= now_ms + 8);
                prop_assert_eq!(pace.later(standing, later_ms), None);
                prop_assert!(pace.later(standing, later_ms - 1).is_some());
            } else {
                pace = pace.taken(standing, now_ms);
                begun.push((now_ms, cost(standing)));
            }
        }
        for from in 0..begun.len() {
            let mut taken = 0;
            for (at_ms, cost) in &begun[from..] {
                // The last of them may be a heavy one.
                prop_assert!(*cost == 0 || taken < 8 + at_ms - begun[from].0);
                taken += cost;
            }
        }
    }

    #[test]
    fn a_pool_never_gives_more_than_it_has(
        places in 1u32..200, steps in prop::collection::vec((0usize..4, 0u32..20, any::<bool>()), 0..500),
    ) {
        let (mut pool, mut holders) = (Pool::new(places), Vec::new());
        for (which, held, takes) in steps {
            let standing = STANDINGS[which];
            if takes && pool.admits(standing, held) {
                pool = pool.taken(standing);
                holders.push(standing);
            } else if !takes && let Some(standing) = holders.pop() {
                pool = pool.given_back(standing);
            }
            let count = |standing| holders.iter().filter(|holder| **holder == standing).count() as u32;
            prop_assert_eq!(pool.held() as usize, holders.len());
            prop_assert!(pool.held() <= places);
            prop_assert!(count(Standing::Suspect) <= (places / 4).max(1));
            prop_assert!(count(Standing::Suspect) + count(Standing::New) <= (places / 2).max(1));
        }
    }
}
