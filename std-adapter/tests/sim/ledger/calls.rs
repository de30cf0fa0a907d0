//! The node's log, held against what the network saw.

use bellwire::limits::CALLS_PER_WEBHOOK;
use bellwire::store::record::{self, CallRecord, EventRecord, Owed};
use bellwire::store::{Range, Row, Table};
use bellwire_core::call::Outcome;

use super::hooks::{make_of, number_of};
use super::sending::IDS_AHEAD_MS;
use super::{Entry, Exchange, Ledger, Make, Pair};
use crate::disk::Disk;

impl Ledger {
    /// The node says that a call is in its log.
    pub(crate) fn logged(&mut self, disk: &Disk, webhook_uid: u64, id: u128) {
        let key = record::timed_key(webhook_uid, id);
        let Some(value) = disk.row(Table::Calls, &key) else { return };
        let Some((entry, is_new)) = self.enter(disk, &(key.to_vec(), value)) else { return };
        if !is_new {
            return;
        }
        let Entry { pair, attempt, outcome, .. } = entry;
        self.tell("logged", &format!("{}/{} attempt {attempt} {outcome:?}", pair.0, pair.1));
        self.note_endpoint(&entry);
        self.check_age(&entry);
        self.check_again(disk, webhook_uid, &entry);
    }

    fn note_endpoint(&mut self, entry: &Entry) {
        let now_ms = self.now_ms();
        let sent_ms = self.exchange_of(entry.pair, entry.attempt).map(|exchange| exchange.sent_ms);
        let Some(hook) = self.hooks.get_mut(&entry.pair.0) else { return };
        hook.mirror.logged(entry.outcome, now_ms);
        match entry.outcome {
            Outcome::Response { .. } => hook.is_trusted = true,
            Outcome::Unknown | Outcome::Invalid | Outcome::Expired => {}
            _ => hook.is_trusted = false,
        }
        if entry.outcome.is_success() {
            hook.proven_ms.get_or_insert(now_ms);
        }
        if entry.outcome == (Outcome::Response { status: 410 }) {
            hook.may_go_dark(now_ms);
            if hook.is_active && sent_ms.is_some_and(|sent| hook.is_settled_since(sent)) {
                hook.gone_logged_ms.get_or_insert(now_ms);
            }
        }
    }

    /// What is given up unsent is as old as events are kept.
    fn check_age(&mut self, entry: &Entry) {
        let Some(publish) = self.publishes.get(&entry.pair.1) else { return };
        let age_ms = entry.seen_ms - publish.begun_ms;
        let is_young = age_ms < self.rules.retention_ms && self.clock.is_even_since(publish.begun_ms);
        if entry.outcome == Outcome::Expired && is_young {
            let how = format!("{:?} after {age_ms} ms", entry.pair);
            self.broken("what waits is kept as long as its event", &how);
        }
    }

    /// Takes in a row of the log. Answers with whether it is new.
    fn enter(&mut self, disk: &Disk, (key, value): &Row) -> Option<(Entry, bool)> {
        let (_, id) = record::read_timed_key(key).ok()?;
        let call: CallRecord = record::decode(value).ok()?;
        let (_, make) = make_of(&call.url)?;
        let number = self.event_number(disk, call.event_id)?;
        let entry = Entry {
            pair: (make, number),
            attempt: call.attempt,
            outcome: call.outcome,
            is_resent: call.resent,
            seen_ms: self.now_ms(),
        };
        let is_new = self.entries.insert(id, entry).is_none();
        Some((entry, is_new))
    }

    /// The publish that became this event, even if its publisher never heard of it.
    fn event_number(&mut self, disk: &Disk, event_id: u128) -> Option<u64> {
        if let Some(number) = self.by_event.get(&event_id) {
            return Some(*number);
        }
        let row = disk.row(Table::Events, &record::timed_key(self.space_uid, event_id))?;
        let event: EventRecord = record::decode(&row).ok()?;
        let number = number_of(&event.payload)?;
        self.by_event.insert(event_id, number);
        Some(number)
    }

    /// The whole log as it is on the disk; `lost` are keys of calls that a power cut took.
    pub(crate) fn read_log(&mut self, disk: &Disk, lost: &[Vec<u8>]) {
        for key in lost {
            if let Ok((_, id)) = record::read_timed_key(key) {
                self.entries.remove(&id);
            }
        }
        for row in disk.rows(Table::Calls, &Range::all()) {
            let _unknown = self.enter(disk, &row);
        }
        self.check_kept(disk);
    }

    /// The log keeps the newest calls of each webhook.
    fn check_kept(&mut self, disk: &Disk) {
        let hooks: Vec<(Make, u64)> = self
            .hooks
            .iter()
            .filter(|(_, hook)| !hook.is_gone && !hook.is_busy)
            .filter_map(|(make, hook)| Some((*make, hook.uid?)))
            .collect();
        for (make, uid) in hooks {
            let mut known: Vec<u128> =
                self.entries.iter().filter(|(_, entry)| entry.pair.0 == make).map(|(id, _)| *id).collect();
            let newest = known.split_off(known.len().saturating_sub(CALLS_PER_WEBHOOK));
            let gone = self.gone_of(disk, uid, &newest);
            if gone > 0 {
                let how = format!("webhook {make}: {gone} of the newest {} are gone", newest.len());
                self.broken("the log keeps what it says it keeps", &how);
            }
        }
    }

    /// How many of a webhook's newest calls are not on the disk.
    fn gone_of(&self, disk: &Disk, uid: u64, newest: &[u128]) -> usize {
        if self.clock.set_back_ms_since(0) > IDS_AHEAD_MS {
            // They have not the greatest ids; but there are as many.
            let rows = disk.rows(Table::Calls, &Range::prefix(&uid.to_be_bytes()));
            return newest.len().saturating_sub(rows.len());
        }
        newest.iter().filter(|id| disk.row(Table::Calls, &record::timed_key(uid, **id)).is_none()).count()
    }

    /// A failed attempt that is to be made again is owed for the right moment.
    fn check_again(&mut self, disk: &Disk, webhook_uid: u64, entry: &Entry) {
        let Some(ended) = self.exchange_of(entry.pair, entry.attempt).and_then(|exchange| exchange.ended)
        else {
            return;
        };
        if self.resends.contains_key(&entry.pair) || !self.clock.is_even_since(ended.passed_ms) {
            return;
        }
        let rows = disk.rows(Table::Owed, &Range::prefix(&webhook_uid.to_be_bytes()));
        let owed = rows.iter().filter_map(|row| Owed::from_row(row).ok());
        let numbers = &self.by_event;
        let again = owed.clone().find(|owed| {
            numbers.get(&owed.key.event_id) == Some(&entry.pair.1) && owed.record.attempt == entry.attempt + 1
        });
        let Some(again) = again.filter(|_| self.is_transient(entry.outcome)) else { return };
        let (least, most) = self.wait_ms(entry.attempt, ended.retry_after);
        let waits = again.record.not_before_ms.saturating_sub(ended.clock_ms);
        if waits < least || waits > most + (self.now_ms() - ended.passed_ms) {
            let how =
                format!("{:?} attempt {}: {waits} ms, not {least} to {most}", entry.pair, entry.attempt + 1);
            self.broken("a retry is due within the policy's bounds", &how);
        }
    }

    pub(super) fn exchange_of(&self, pair: Pair, attempt: u32) -> Option<&Exchange> {
        let places = self.attempts.get(&pair)?;
        let mut exchanges = places.iter().rev().map(|place| &self.exchanges[*place]);
        exchanges.find(|exchange| exchange.attempt == attempt)
    }

    /// Whether the same request may succeed later and is made again while the policy has retries left.
    pub(super) fn is_transient(&self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Response { status } => status == 429 || (500..600).contains(&status),
            Outcome::Connection | Outcome::NameResolution => self.rules.retry_connection_errors,
            _ => false,
        }
    }

    /// Somebody asks for a call to be made again.
    pub(crate) fn resend_begins(&mut self, pair: Pair) {
        self.tell("resend", &format!("{}/{}", pair.0, pair.1));
        *self.resends.entry(pair).or_default() += 1;
    }

    /// A call of a webhook that is in the log, if there is any: its id, and what it was about.
    pub(crate) fn some_call(&self, make: Make, random: u64) -> Option<(u128, Pair)> {
        let calls: Vec<_> = self.entries.iter().filter(|(_, entry)| entry.pair.0 == make).collect();
        let (id, entry) = calls.get(random as usize % calls.len().max(1))?;
        Some((**id, entry.pair))
    }
}
