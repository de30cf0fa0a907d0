//! The ledger: what was promised and what was seen, from outside the node. It notes what does not agree.

mod audit;
mod breaker;
mod calls;
mod hooks;
mod overdue;
mod policy;
mod publishes;
mod sending;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bellwire_core::call::Outcome;

pub(crate) use self::hooks::{Hook, TOPICS};
pub(crate) use self::overdue::LOOK_EVERY_MS;
use self::policy::Policies;
pub(crate) use self::publishes::{Answer, Publish};
pub(crate) use self::sending::Outgoing;
use crate::clock::SimClock;
use crate::disk::Crash;
use crate::world::Rules;

/// Number of a publish; the payload carries it.
pub(crate) type Number = u64;
/// Number of a webhook from its making to its deletion; the URL carries it. One that is made anew has another.
pub(crate) type Make = u64;
/// A publish that is owed to a webhook.
pub(crate) type Pair = (Make, Number);

/// What was promised and seen in one history.
pub(crate) struct Ledger {
    rules: Rules,
    clock: Arc<SimClock>,
    /// By the number of the making. Number 0 is always there, and its endpoint is always well.
    pub(crate) hooks: BTreeMap<Make, Hook>,
    pub(crate) publishes: BTreeMap<Number, Publish>,
    by_event: HashMap<u128, Number>,
    /// The first publish that was accepted with an idempotency key, and what the clock showed.
    keys: HashMap<String, (Number, u64)>,
    exchanges: Vec<Exchange>,
    /// Those that are under way, by their places.
    open: BTreeSet<usize>,
    attempts: BTreeMap<Pair, Vec<usize>>,
    entries: BTreeMap<u128, Entry>,
    /// Times that a person asked for a call to be made again.
    resends: BTreeMap<Pair, u32>,
    idempotency: HashMap<String, Pair>,
    idempotency_of: BTreeMap<Pair, String>,
    pub(crate) policies: Policies,
    /// How each life that is over ended; `None` when it was in order.
    lives: Vec<Option<Crash>>,
    pub(crate) space_uid: u64,
    /// Since when nothing was wrong with the disk.
    calm_since_ms: Option<u64>,
    /// When this life began.
    life_since_ms: u64,
    /// Webhooks that seemed to be stuck at the last look, and the requests that they had had by then.
    stuck: BTreeMap<Make, usize>,
    problems: Vec<String>,
    /// Disagreements after which a history is over.
    problems_max: usize,
    seen: BTreeSet<&'static str>,
    digest: DefaultHasher,
    is_told: bool,
}

/// One request, as the network saw it.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pair: Pair,
    attempt: u32,
    life: usize,
    sent_ms: u64,
    ended: Option<Ended>,
    /// Whether the endpoint had answered before, so that it may have any place.
    is_trusted: bool,
}

/// How a request ended, as the node was told.
#[derive(Clone, Copy, Debug)]
struct Ended {
    outcome: Outcome,
    retry_after: Option<u64>,
    passed_ms: u64,
    clock_ms: u64,
}

/// One call as the node's log has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    pair: Pair,
    attempt: u32,
    outcome: Outcome,
    is_resent: bool,
    /// When it was seen in the log first.
    seen_ms: u64,
}

impl Ledger {
    pub(crate) fn new(rules: Rules, clock: Arc<SimClock>, problems_max: usize) -> Ledger {
        Ledger {
            rules,
            clock,
            hooks: BTreeMap::new(),
            publishes: BTreeMap::new(),
            by_event: HashMap::new(),
            keys: HashMap::new(),
            exchanges: Vec::new(),
            open: BTreeSet::new(),
            attempts: BTreeMap::new(),
            entries: BTreeMap::new(),
            resends: BTreeMap::new(),
            idempotency: HashMap::new(),
            idempotency_of: BTreeMap::new(),
            policies: Policies::default(),
            lives: Vec::new(),
            space_uid: 0,
            calm_since_ms: Some(0),
            life_since_ms: 0,
            stuck: BTreeMap::new(),
            problems: Vec::new(),
            problems_max,
            seen: BTreeSet::new(),
            digest: DefaultHasher::new(),
            is_told: std::env::var_os("BELLWIRE_SIM_TELL").is_some(),
        }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.passed_ms()
    }

    pub(crate) fn is_first_life(&self) -> bool {
        self.lives.is_empty()
    }

    fn life(&self) -> usize {
        self.lives.len()
    }

    /// Something happened. `kind` counts as seen, for the summary.
    pub(crate) fn tell(&mut self, kind: &'static str, what: &str) {
        let line = format!("{:>12} {kind} {what}", self.now_ms());
        line.hash(&mut self.digest);
        self.seen.insert(kind);
        if self.is_told {
            println!("{line}");
        }
    }

    /// A promise was broken.
    pub(crate) fn broken(&mut self, promise: &str, how: &str) {
        self.tell("BROKEN", &format!("{promise}: {how}"));
        if !self.is_broken() {
            self.problems.push(format!("after {} ms: {promise}: {how}", self.now_ms()));
        }
    }

    /// Whether there is nothing left to prove in this history.
    pub(crate) fn is_broken(&self) -> bool {
        self.problems.len() >= self.problems_max
    }

    pub(crate) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The same for two histories only if they are the same.
    pub(crate) fn digest(&self) -> u64 {
        self.digest.finish()
    }

    pub(crate) fn requests(&self) -> usize {
        self.exchanges.len()
    }

    /// A life of the node begins.
    pub(crate) fn life_begins(&mut self) {
        self.life_since_ms = self.now_ms();
        // Where the clock was set back, calls may seem to be from before the last change of their webhook.
        let was_set_back = self.clock.set_back_ms_since(0) > 0;
        let is_log_whole = self.lives.last() == Some(&None) && self.is_disk_well_for(0) && !was_set_back;
        self.hooks.values_mut().for_each(|hook| hook.life_begins(is_log_whole));
        self.tell("begin", &format!("{:?}", self.rules));
    }

    /// A life of the node is over, and with it whatever was under way.
    pub(crate) fn life_ends(&mut self, crash: Option<Crash>) {
        self.tell("end", &format!("{crash:?}"));
        self.lives.push(crash);
        self.open.clear();
        self.publishes.values_mut().for_each(Publish::life_ends);
    }

    /// Something is wrong with the disk, or nothing any more.
    pub(crate) fn disk_changed(&mut self, is_wrong: bool) {
        self.calm_since_ms = (!is_wrong).then(|| self.now_ms());
        self.hooks.values_mut().for_each(Hook::doubt_breaker);
    }

    /// Whether for so long nothing was wrong with the disk.
    pub(crate) fn is_disk_well_for(&self, span_ms: u64) -> bool {
        let since = self.now_ms().saturating_sub(span_ms);
        self.calm_since_ms.is_some_and(|calm| calm == 0 || calm <= since)
    }

    /// Whether for so long nothing was wrong with the disk, the clock was not set, and the node was up.
    fn is_calm_for(&self, span_ms: u64) -> bool {
        let since = self.now_ms().saturating_sub(span_ms);
        self.is_disk_well_for(span_ms) && self.life_since_ms <= since && self.clock.is_even_since(since)
    }
}
