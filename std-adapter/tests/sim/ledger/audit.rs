//! The account at the end: everything accepted was attempted or is explained, and the log tells the truth.

use std::collections::BTreeMap;

use bellwire_core::call::Outcome;

use super::{Answer, Entry, Ledger, Number, Pair};

impl Ledger {
    /// Everything is delivered that can be: the account is made.
    pub(crate) fn audit(&mut self) {
        let mut calls: BTreeMap<Pair, Vec<Entry>> = BTreeMap::new();
        self.entries.values().for_each(|entry| calls.entry(entry.pair).or_default().push(*entry));
        calls.values_mut().for_each(|calls| calls.sort_by_key(|entry| entry.attempt));
        self.check_accepted(&calls);
        self.check_requests(&calls);
        self.check_phantoms();
        for (pair, calls) in &calls {
            self.check_course(*pair, calls);
        }
    }

    /// Accepted means attempted, until it succeeded or the policy gave up; or the webhook went off.
    fn check_accepted(&mut self, calls: &BTreeMap<Pair, Vec<Entry>>) {
        let mut broken = Vec::new();
        for (number, publish) in &self.publishes {
            for make in &publish.owed {
                let pair = (*make, *number);
                if self.hooks[make].may_be_dark_since(publish.begun_ms) {
                    continue;
                }
                match calls.get(&pair).and_then(|calls| calls.last()) {
                    None => broken.push(format!("{pair:?} was accepted and never attempted")),
                    Some(last) if !self.is_final(last) => {
                        broken.push(format!(
                            "{pair:?} was given up after attempt {}: {:?}",
                            last.attempt, last.outcome
                        ));
                    }
                    Some(_) => {}
                }
            }
        }
        broken.iter().for_each(|how| self.broken("accepted means attempted or explained", how));
    }

    fn is_final(&self, last: &Entry) -> bool {
        let ended = self.exchange_of(last.pair, last.attempt).and_then(|exchange| exchange.ended);
        let decided_ms = ended.map_or(last.seen_ms, |ended| ended.passed_ms);
        let (fewest, _) = self.policies.between(decided_ms, last.seen_ms);
        match last.outcome {
            Outcome::Unknown => false,
            // Whether it was old enough was seen to when it was logged.
            Outcome::Expired => true,
            outcome => !self.is_transient(outcome) || last.attempt > u32::from(fewest),
        }
    }

    /// Each request that left has one entry, which tells the truth.
    fn check_requests(&mut self, calls: &BTreeMap<Pair, Vec<Entry>>) {
        let mut broken = Vec::new();
        for exchange in &self.exchanges {
            let outcome = exchange.ended.map(|ended| ended.outcome);
            let (pair, attempt) = (exchange.pair, exchange.attempt);
            if outcome == Some(Outcome::NoResources)
                || self.hooks.get(&pair.0).is_none_or(|hook| hook.is_gone)
            {
                continue;
            }
            let of_attempt = |entry: &&Entry| entry.attempt == attempt;
            let entries: Vec<&Entry> = calls.get(&pair).into_iter().flatten().filter(of_attempt).collect();
            let crashed = self.lives.get(exchange.life).is_none_or(Option::is_some);
            match &entries[..] {
                [entry] if Some(entry.outcome) == outcome => {}
                [entry] if entry.outcome == Outcome::Unknown && (crashed || outcome.is_none()) => {}
                others => broken.push(format!(
                    "{pair:?} attempt {attempt}: {outcome:?} in the network, {others:?} in the log"
                )),
            }
        }
        broken
            .iter()
            .for_each(|how| self.broken("every request that left has an entry that tells the truth", how));
    }

    /// Nobody is called who does not want the event.
    fn check_phantoms(&mut self) {
        let is_phantom = |(make, number): &Pair| match self.publishes.get(number) {
            Some(publish) if matches!(publish.answer, Answer::Accepted(_)) => {
                !publish.owed.contains(make) && !publish.doubtful.contains(make)
            }
            Some(publish) => matches!(publish.answer, Answer::Refused | Answer::Duplicate),
            None => true,
        };
        let phantoms: Vec<Pair> = self.attempts.keys().copied().filter(is_phantom).collect();
        if !phantoms.is_empty() {
            self.broken("nobody is called whom the event does not match", &format!("{phantoms:?}"));
        }
    }

    /// The attempts of one delivery follow from each other.
    fn check_course(&mut self, pair: Pair, calls: &[Entry]) {
        let mut broken = Vec::new();
        for (at, entry) in calls.iter().enumerate() {
            let left = self.exchange_of(pair, entry.attempt).is_some();
            if !left && !matches!(entry.outcome, Outcome::Unknown | Outcome::Invalid | Outcome::Expired) {
                broken.push(format!("attempt {} is in the log and never left", entry.attempt));
            }
            if entry.attempt as usize != at + 1 {
                broken.push(format!("attempt {} is in the log in place {}", entry.attempt, at + 1));
            }
        }
        for (one, next) in calls.iter().zip(calls.iter().skip(1)) {
            let (_, most) = self.policies.between(0, next.seen_ms);
            let may = match one.outcome {
                Outcome::Unknown => true,
                outcome => self.is_transient(outcome) && one.attempt <= u32::from(most),
            };
            if !may && !self.resends.contains_key(&pair) {
                broken.push(format!("attempt {} came after {:?}", next.attempt, one.outcome));
            }
        }
        broken
            .iter()
            .for_each(|how| self.broken("attempts follow from each other", &format!("{pair:?}: {how}")));
    }

    /// Publishes that were accepted.
    pub(crate) fn accepted(&self) -> Number {
        self.publishes.values().filter(|publish| matches!(publish.answer, Answer::Accepted(_))).count()
            as Number
    }
}
