//! Whose turn it is: the places that all lanes share, the pace of the calls that cost others something, and the lanes
//! that wait for either.

use std::collections::VecDeque;

use bellwire_core::delivery::{Pace, Pool, Standing};

/// Those that answer are the first to find a place.
const STANDINGS: [Standing; 4] = [Standing::Proven, Standing::New, Standing::Suspect, Standing::Heavy];

/// Places, pace, and who waits for them.
#[derive(Debug)]
pub(super) struct Turns {
    pool: Pool,
    /// Of calls to endpoints that hang, or answer without end.
    pace: Pace,
    /// Webhooks that wait, by the standing of their endpoints.
    waiting: [VecDeque<u64>; STANDINGS.len()],
    /// Whose turn among the standings is next, so that none of them keeps the others from theirs.
    turn: usize,
}

impl Turns {
    /// So many places, all free, and nobody waits.
    pub(super) fn new(places: usize) -> Turns {
        Turns {
            pool: Pool::new(u32::try_from(places).unwrap_or(u32::MAX)),
            pace: Pace::default(),
            waiting: Default::default(),
            turn: 0,
        }
    }

    /// Places held.
    pub(super) fn held(&self) -> usize {
        self.pool.held() as usize
    }

    /// Whether there is a place for an endpoint that holds so many.
    pub(super) fn admits(&self, standing: Standing, held: u32) -> bool {
        self.pool.admits(standing, held)
    }

    /// Whether a call has to wait for its moment.
    pub(super) fn is_paced(&self, standing: Standing, now_ms: u64) -> bool {
        self.pace.later(standing, now_ms).is_some()
    }

    /// A call begins.
    pub(super) fn begun(&mut self, standing: Standing, now_ms: u64) {
        self.pool = self.pool.taken(standing);
        self.pace = self.pace.taken(standing, now_ms);
    }

    /// A call has ended that began with this standing.
    pub(super) fn ended(&mut self, standing: Standing) {
        self.pool = self.pool.given_back(standing);
    }

    /// A webhook waits for its turn.
    pub(super) fn wait(&mut self, webhook_uid: u64, standing: Standing) {
        self.waiting[standing as usize].push_back(webhook_uid);
    }

    /// Whether somebody need wait no longer who comes before another of this standing.
    pub(super) fn has_waiting(&self, standing: Standing, now_ms: u64) -> bool {
        let before = if standing == Standing::Proven { &STANDINGS[..1] } else { &STANDINGS[..] };
        before.iter().any(|standing| self.is_next(*standing, now_ms))
    }

    /// Whether somebody of this standing waits and need not.
    fn is_next(&self, standing: Standing, now_ms: u64) -> bool {
        let is_waiting = !self.waiting[standing as usize].is_empty();
        is_waiting && self.admits(standing, 0) && !self.is_paced(standing, now_ms)
    }

    /// The next that need wait no longer: those that answer first, then the others by turns.
    pub(super) fn next(&mut self, now_ms: u64) -> Option<u64> {
        let (answering, others) = STANDINGS.split_at(1);
        let mut by_turns = answering.iter().chain(others.iter().cycle().skip(self.turn).take(others.len()));
        let standing = *by_turns.find(|standing| self.is_next(**standing, now_ms))?;
        let turn = others.iter().position(|other| *other == standing);
        self.turn = turn.map_or(self.turn, |turn| (turn + 1) % others.len());
        self.waiting[standing as usize].pop_front()
    }

    /// When the next of those that wait for their moment may have it.
    pub(super) fn next_moment(&self, now_ms: u64) -> Option<u64> {
        let waiting = STANDINGS.into_iter().filter(|standing| !self.waiting[*standing as usize].is_empty());
        waiting.filter_map(|standing| self.pace.later(standing, now_ms)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_answer_go_first_and_the_others_take_turns() {
        let mut turns = Turns::new(64);
        for (webhook_uid, standing) in [
            (1, Standing::Suspect),
            (2, Standing::Suspect),
            (3, Standing::New),
            (4, Standing::New),
            (5, Standing::Proven),
            (6, Standing::Heavy),
        ] {
            turns.wait(webhook_uid, standing);
        }
        let order: Vec<u64> = std::iter::from_fn(|| turns.next(0)).collect();
        assert_eq!(order, [5, 3, 1, 6, 4, 2]);
    }

    #[test]
    fn whoever_waits_already_comes_before_others_of_its_kind() {
        let mut turns = Turns::new(2);
        let waiting = |turns: &Turns| STANDINGS.map(|standing| turns.has_waiting(standing, 0));
        assert_eq!(waiting(&turns), [false; 4]);
        turns.wait(1, Standing::Suspect);
        assert_eq!(waiting(&turns), [false, true, true, true]);
        turns.wait(2, Standing::Proven);
        assert_eq!(waiting(&turns), [true; 4]);
        (0..2).for_each(|_| turns.begun(Standing::Proven, 0));
        assert_eq!(waiting(&turns), [false; 4], "there is no place for them either");
    }

    #[test]
    fn whoever_waits_for_a_moment_says_when_it_is() {
        let mut turns = Turns::new(64);
        turns.begun(Standing::Heavy, 100);
        assert_eq!((turns.held(), turns.next_moment(100)), (1, None));
        turns.wait(1, Standing::Suspect);
        assert!(turns.is_paced(Standing::Suspect, 100) && !turns.is_paced(Standing::Proven, 100));
        assert_eq!((turns.next(100), turns.next_moment(100)), (None, Some(101)));
        assert_eq!((turns.next(101), turns.next_moment(101)), (Some(1), None));
        turns.ended(Standing::Heavy);
        assert_eq!(turns.held(), 0);
    }
}
