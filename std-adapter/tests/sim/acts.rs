//! What happens to a node: chosen by chance, carried out beside everything else.

use std::sync::Arc;
use std::time::Duration;

use bellwire::app::{Caller, Fault, calls, definitions, settings};
use bellwire::id;
use bellwire::ingest::{Accepted, Incoming, Refusal};
use bellwire::limits::LANE_WINDOW;
use bellwire::webhooks::{Expected, Space, Webhook};
use serde_json::json;

use crate::disk::{Crash, Trouble};
use crate::ledger::{Hook, Make, Number, Publish, TOPICS};
use crate::life::{SPACE, TOKEN};
use crate::network::{ENDPOINTS, Manner};
use crate::world::Life;

/// Webhooks that come and go; one more is always there.
const HOOKS: u64 = 6;
/// Idempotency keys in use.
const KEYS: u64 = 40;
/// Events of a bulk publish that no lane keeps in memory.
const FLOOD: u64 = LANE_WINDOW as u64 + 100;
/// Entities that events are about.
const ENTITIES: u64 = 3;

/// Something that happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Publish,
    PublishMany,
    PublishAtOnce,
    Flood,
    Put,
    SwitchOff,
    SwitchOn,
    Delete,
    Policy,
    Resend,
    Manners,
    Cut,
    Heal,
    Jump,
    Trouble,
    CrashSoon,
    CrashNow(Crash),
    /// The machine starts again, and its clock is not what it was.
    Reboot,
    Stop,
}

const ACTS: [(u64, Act); 20] = [
    (50, Act::Publish),
    (6, Act::PublishMany),
    (6, Act::PublishAtOnce),
    (1, Act::Flood),
    (9, Act::Put),
    (3, Act::SwitchOff),
    (5, Act::SwitchOn),
    (2, Act::Delete),
    (2, Act::Policy),
    (4, Act::Resend),
    (14, Act::Manners),
    (2, Act::Cut),
    (2, Act::Heal),
    (2, Act::Jump),
    (2, Act::Trouble),
    (2, Act::CrashSoon),
    (1, Act::CrashNow(Crash::Process)),
    (1, Act::CrashNow(Crash::Power)),
    (1, Act::Reboot),
    (1, Act::Stop),
];

const EVENTS: [&str; 4] = ["Entry.publish", "Entry.save", "Asset.publish", "Entry.publish"];
const TROUBLES: [Trouble; 6] = [
    Trouble::Full,
    Trouble::NearlyFull,
    Trouble::ReadOnly,
    Trouble::Slow,
    Trouble::BadReads,
    Trouble::BadWrite,
];
const MANNERS: [(u64, Manner); 18] = [
    (12, Manner::Well),
    (3, Manner::Slow),
    (5, Manner::Hang),
    (2, Manner::TooLate),
    (5, Manner::Status(500)),
    (4, Manner::Status(503)),
    (1, Manner::Status(302)),
    (2, Manner::Status(404)),
    (1, Manner::Status(410)),
    (2, Manner::RetryAfter(429, 90)),
    (2, Manner::RetryAfter(503, u64::MAX)),
    (3, Manner::Refuse),
    (2, Manner::Reset),
    (1, Manner::NoName),
    (1, Manner::Insecure),
    (1, Manner::EndlessBody),
    (2, Manner::NoRoom),
    (8, Manner::Moody),
];

impl Life {
    /// The next thing that happens.
    pub(crate) fn next_act(&self) -> Act {
        self.world.chance.weighted(&ACTS)
    }

    /// Begins something; it goes on beside what comes next.
    pub(crate) fn begin(&self, act: Act) {
        let chance = &self.world.chance;
        match act {
            Act::Publish => self.publish(1),
            Act::PublishMany => self.publish(chance.between(2, 40)),
            Act::PublishAtOnce => (0..chance.between(2, 12)).for_each(|_| self.publish(1)),
            Act::Flood if self.world.rules.has_floods => self.publish(FLOOD),
            Act::Put => self.put(),
            Act::SwitchOff => self.switch(false),
            Act::SwitchOn => self.switch(true),
            Act::Delete => self.delete(),
            Act::Policy => self.policy(),
            Act::Resend => self.resend(),
            Act::Manners => self.manners(),
            Act::Cut => self.world.network.cut(true),
            Act::Heal => self.world.network.cut(false),
            Act::Jump => self.jump(),
            Act::Trouble => self.trouble(chance.pick(&TROUBLES)),
            Act::CrashSoon => self.world.disk.crash_after(chance.between(1, 60)),
            Act::Flood | Act::CrashNow(_) | Act::Reboot | Act::Stop => {}
        }
    }

    fn space(&self) -> Arc<Space> {
        self.app.registry.space(SPACE).expect("the space is there as long as a life goes on")
    }

    fn caller(&self) -> Caller {
        Caller(self.app.tokens.authenticate(TOKEN).expect("the admin token is known"))
    }

    fn publish(&self, count: u64) {
        let planned: Vec<(Number, Incoming)> = (0..count).map(|_| self.plan()).collect();
        let (numbers, incoming): (Vec<Number>, Vec<Incoming>) = planned.into_iter().unzip();
        let (life, space) = (self.clone(), self.space());
        tokio::spawn(async move {
            let incoming = incoming.into_iter().map(Ok).collect();
            let results = life.app.ingest.accept_all(space, incoming).await;
            if !life.world.disk.is_crashed() {
                life.answered(&numbers, results);
            }
        });
    }

    fn plan(&self) -> (Number, Incoming) {
        let chance = &self.world.chance;
        let (topic, entity) = (chance.pick(&EVENTS), chance.below(ENTITIES));
        let key = chance.percent(40).then(|| format!("key {}", chance.below(KEYS)));
        let mut ledger = self.world.ledger();
        let publish = Publish::new(topic, entity, key.clone(), ledger.now_ms());
        let number = ledger.publish_begins(publish);
        let payload = json!({"n": number, "sys": {"id": format!("e{entity}"), "type": "Entry"}});
        (number, Incoming { idempotency_key: key, ..Incoming::new(topic, payload.to_string()) })
    }

    fn answered(&self, numbers: &[Number], results: Result<Vec<Result<Accepted, Refusal>>, Refusal>) {
        let mut ledger = self.world.ledger();
        match results {
            Ok(results) => {
                numbers
                    .iter()
                    .zip(&results)
                    .for_each(|(number, result)| ledger.publish_ends(*number, result));
            }
            Err(refusal) => {
                let refused = Err(refusal);
                numbers.iter().for_each(|number| ledger.publish_ends(*number, &refused));
            }
        }
    }

    /// Makes the webhook with some id, or changes the one that is there.
    fn put(&self) {
        let chance = &self.world.chance;
        let name = format!("w{}", chance.between(1, HOOKS + 1));
        let (endpoint, topic) = (chance.between(1, ENDPOINTS), chance.pick(&TOPICS));
        let is_ordered = chance.percent(40);
        let mut ledger = self.world.ledger();
        let now_ms = ledger.now_ms();
        let (make, hook) = match ledger.make_with(&name) {
            Some(make) => {
                let hook = ledger.hooks[&make].clone();
                (make, hook.aimed(endpoint, topic, is_ordered))
            }
            None => (ledger.hooks.len() as Make, Hook::new(name, endpoint, topic, is_ordered, now_ms)),
        };
        if ledger.hooks.get(&make).is_some_and(|hook| hook.is_busy) {
            return;
        }
        ledger.tell("put", &format!("{make} {endpoint} {topic} {is_ordered}"));
        ledger.hooks.insert(make, hook.clone());
        ledger.change_begins(make, false);
        drop(ledger);
        self.change(make, move |life, space| async move {
            let version = space.live().webhook(&hook.id).map_or(0, |webhook| webhook.record.version);
            let (expected, body) = (Expected::Version(version), hook.definition(make));
            definitions::put(&life.app, &life.caller(), &space, hook.id, expected, &body).await.map(Some)
        });
    }

    fn switch(&self, active: bool) {
        let Some((make, id)) = self.some_hook() else { return };
        let mut ledger = self.world.ledger();
        ledger.tell("switch", &format!("{make} {active}"));
        ledger.change_begins(make, !active);
        drop(ledger);
        self.change(make, move |life, space| async move {
            definitions::set_active(&life.app, &life.caller(), &space, &id, active).await.map(Some)
        });
    }

    fn delete(&self) {
        let Some((make, id)) = self.some_hook() else { return };
        let mut ledger = self.world.ledger();
        ledger.tell("delete", &format!("{make}"));
        ledger.change_begins(make, true);
        drop(ledger);
        self.change(make, move |life, space| async move {
            definitions::delete(&life.app, &space, &id).await.map(|()| None)
        });
    }

    /// Carries a change out and learns what became of it.
    fn change<F>(&self, make: Make, change: impl FnOnce(Life, Arc<Space>) -> F + Send + 'static)
    where
        F: Future<Output = Result<Option<Arc<Webhook>>, Fault>> + Send,
    {
        let (life, space) = (self.clone(), self.space());
        tokio::spawn(async move {
            let result = change(life.clone(), space.clone()).await;
            if life.world.disk.is_crashed() {
                return;
            }
            let mut ledger = life.world.ledger();
            ledger.tell("changed", &format!("{make} {}", result.is_ok()));
            match result {
                Ok(webhook) => ledger.change_ends(make, webhook.as_deref()),
                Err(_) => ledger.change_failed(make, &space),
            }
        });
    }

    /// A webhook that is there and that nobody changes just now.
    fn some_hook(&self) -> Option<(Make, String)> {
        let ledger = self.world.ledger();
        let free = ledger.hooks.iter().filter(|(make, hook)| **make > 0 && !hook.is_gone && !hook.is_busy);
        let free: Vec<(Make, String)> = free.map(|(make, hook)| (*make, hook.id.clone())).collect();
        (!free.is_empty()).then(|| self.world.chance.pick(&free))
    }

    fn policy(&self) {
        let retries = self.world.chance.pick(&[2_u8, 3, 5, 20, 99]);
        let mut ledger = self.world.ledger();
        let now_ms = ledger.now_ms();
        ledger.policies.asked(now_ms, retries);
        drop(ledger);
        let (life, space) = (self.clone(), self.space());
        tokio::spawn(async move {
            let put = settings::put_retry_policy(&life.app, &life.caller(), &space, &json!(retries)).await;
            let now_ms = life.world.passed_ms();
            if put.is_ok() && !life.world.disk.is_crashed() {
                life.world.ledger().policies.known(now_ms, Some(retries));
            }
        });
    }

    fn resend(&self) {
        let Some((make, id)) = self.some_hook() else { return };
        let random = self.world.chance.below(1_000);
        let mut ledger = self.world.ledger();
        let Some((call, pair)) = ledger.some_call(make, random) else { return };
        ledger.resend_begins(pair);
        drop(ledger);
        let (life, space) = (self.clone(), self.space());
        tokio::spawn(async move {
            let Ok(webhook) = definitions::find(&space, &id) else { return };
            let _refused = calls::resend(&life.app, &space, &webhook, &id::to_text(call)).await;
        });
    }

    fn manners(&self) {
        let chance = &self.world.chance;
        let (endpoint, manner) = (chance.between(1, ENDPOINTS), chance.weighted(&MANNERS));
        self.world.ledger().tell("manners", &format!("{endpoint} {manner:?}"));
        self.world.network.set(endpoint, manner);
    }

    /// Somebody sets the clock.
    fn jump(&self) {
        let chance = &self.world.chance;
        let by_ms = chance.pick(&[1_000_i64, 60_000, 3_600_000, 7_200_000, 36_000_000, 180_000_000]);
        let by_ms = if chance.percent(50) { by_ms } else { -by_ms };
        self.world.ledger().tell("jump", &format!("{by_ms}"));
        self.world.clock.jump(by_ms);
    }

    /// Something is wrong with the disk for a while.
    pub(crate) fn trouble(&self, trouble: Trouble) {
        self.world.ledger().tell("trouble", &format!("{trouble:?}"));
        self.world.set_trouble(trouble);
        let (life, span_ms) = (self.clone(), self.world.chance.span_ms(500, 1_000_000));
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(span_ms)).await;
            life.world.set_trouble(Trouble::None);
        });
    }
}
