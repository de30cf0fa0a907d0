//! Publishes: what was asked, what was answered, and who is owed what since then.

use std::collections::BTreeSet;

use bellwire::clock::Clock;
use bellwire::ingest::{Accepted, Refusal};
use bellwire::limits::DEDUP_WINDOW;
use bellwire::store::CommitError;

use super::{Ledger, Make, Number};

/// One event that somebody published.
#[derive(Clone, Debug)]
pub(crate) struct Publish {
    pub(crate) topic: &'static str,
    pub(crate) entity: u64,
    pub(crate) key: Option<String>,
    pub(crate) begun_ms: u64,
    pub(crate) answer: Answer,
    pub(crate) answered_ms: u64,
    /// The webhooks that it is owed to, as far as that is known, and whether each must be called.
    pub(crate) owed: BTreeSet<Make>,
    /// Those that may be meant by the answer as well.
    pub(super) doubtful: BTreeSet<Make>,
    /// The webhooks of those that asked for order when it was accepted.
    pub(super) ordered: BTreeSet<Make>,
    /// Requests to the webhook that is always there which had not left when this was accepted.
    pub(super) ahead: usize,
}

/// What the publisher was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing yet.
    None,
    /// It is accepted, as this event.
    Accepted(u128),
    /// It is another publish's event.
    Duplicate,
    /// Nothing of it is stored.
    Refused,
    /// Nothing for certain.
    Unknown,
}

impl Publish {
    pub(crate) fn new(topic: &'static str, entity: u64, key: Option<String>, begun_ms: u64) -> Publish {
        Publish {
            topic,
            entity,
            key,
            begun_ms,
            answer: Answer::None,
            answered_ms: u64::MAX,
            owed: BTreeSet::new(),
            doubtful: BTreeSet::new(),
            ordered: BTreeSet::new(),
            ahead: 0,
        }
    }

    /// Who has no answer when the node ends gets none.
    pub(super) fn life_ends(&mut self) {
        if self.answer == Answer::None {
            self.answer = Answer::Unknown;
        }
    }
}

impl Ledger {
    /// Somebody publishes. Answers with the number that the payload is to carry.
    pub(crate) fn publish_begins(&mut self, publish: Publish) -> Number {
        let number = self.publishes.len() as Number;
        self.tell("publish", &format!("{number} {} {:?}", publish.topic, publish.key));
        self.publishes.insert(number, publish);
        number
    }

    /// The publisher hears the answer.
    pub(crate) fn publish_ends(&mut self, number: Number, result: &Result<Accepted, Refusal>) {
        let answer = match result {
            Ok(accepted) if accepted.duplicate => Answer::Duplicate,
            Ok(accepted) => Answer::Accepted(accepted.event_id),
            Err(cause) if is_certain(cause) => Answer::Refused,
            Err(_) => Answer::Unknown,
        };
        let told = matches!(answer, Answer::Accepted(_));
        self.tell(
            "answer",
            &format!("{number} {}", if told { "accepted".into() } else { format!("{answer:?}") }),
        );
        let now_ms = self.now_ms();
        if let Some(publish) = self.publishes.get_mut(&number) {
            (publish.answer, publish.answered_ms) = (answer, now_ms);
        }
        if let Ok(accepted) = result {
            self.check_key(number, accepted);
            if !accepted.duplicate {
                self.owe(number, accepted);
            }
        }
    }

    /// One key is one event within the window.
    fn check_key(&mut self, number: Number, accepted: &Accepted) {
        let Some(key) = self.publishes[&number].key.clone() else { return };
        let clock_ms = self.clock.now_ms();
        let first = self.keys.get(&key).copied();
        if accepted.duplicate {
            let known = first.and_then(|(first, _)| match self.publishes[&first].answer {
                Answer::Accepted(event_id) => Some(event_id),
                _ => None,
            });
            if known.is_some_and(|event_id| event_id != accepted.event_id) && self.is_fresh(first, clock_ms) {
                self.broken(
                    "a repeated publish is answered with the first one's event",
                    &format!("{number} {first:?}"),
                );
            }
            return;
        }
        if self.is_fresh(first, clock_ms) {
            self.broken("one idempotency key makes one event", &format!("{number} after {first:?}"));
        }
        self.keys.insert(key, (number, clock_ms));
    }

    /// Whether the first publish with a key lies within the window, and the clock was not set since.
    fn is_fresh(&self, first: Option<(Number, u64)>, clock_ms: u64) -> bool {
        first.is_some_and(|(first, at_ms)| {
            self.clock.is_even_since(self.publishes[&first].begun_ms)
                && u128::from(clock_ms - at_ms.min(clock_ms)) < DEDUP_WINDOW.as_millis()
        })
    }

    fn owe(&mut self, number: Number, accepted: &Accepted) {
        self.by_event.insert(accepted.event_id, number);
        let begun_ms = self.publishes[&number].begun_ms;
        self.check_matches(number, accepted);
        let unsent = |(number, publish): &(&Number, &Publish)| {
            publish.owed.contains(&0) && !self.attempts.contains_key(&(0, **number))
        };
        let ahead = self.publishes.iter().filter(unsent).count();
        for id in &accepted.webhooks {
            let candidates = self.candidates(id, begun_ms);
            let settled = candidates.iter().all(|make| self.hooks[make].is_settled_since(begun_ms));
            let ordered: Vec<Make> =
                candidates.iter().filter(|make| settled && self.hooks[make].is_ordered).copied().collect();
            let Some(publish) = self.publishes.get_mut(&number) else { continue };
            publish.ahead = ahead;
            publish.ordered.extend(ordered);
            match &candidates[..] {
                [one] => drop(publish.owed.insert(*one)),
                many => publish.doubtful.extend(many),
            }
        }
    }

    /// Those get it that want it and are on.
    fn check_matches(&mut self, number: Number, accepted: &Accepted) {
        let publish = &self.publishes[&number];
        let settled =
            self.hooks.iter().filter(|(_, hook)| !hook.is_gone && hook.is_settled_since(publish.begun_ms));
        let wrong: Vec<Make> = settled
            .filter(|(_, hook)| hook.gone_logged_ms.is_none())
            .filter(|(_, hook)| {
                (hook.is_active && hook.wants(publish.topic)) != accepted.webhooks.contains(&hook.id)
            })
            .map(|(make, _)| *make)
            .collect();
        if !wrong.is_empty() {
            self.broken(
                "an event goes to whom it matches",
                &format!("{number}: {wrong:?}, {:?}", accepted.webhooks),
            );
        }
    }
}

/// Whether a refusal says that nothing was stored.
fn is_certain(cause: &Refusal) -> bool {
    match cause {
        Refusal::Commit(CommitError::Store(cause)) => cause.is_passing(),
        // Taken and then not answered, as when the server ends.
        Refusal::Commit(CommitError::Closed) => false,
        _ => true,
    }
}
