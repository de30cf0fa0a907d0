//! Webhooks: what callers asked for and were answered, and when one may have been off.

use std::sync::Arc;

use bellwire::webhooks::{Space, Webhook};
use serde_json::{Value, json};

use super::breaker::Mirror;
use super::{Ledger, Make, Number};

/// What webhooks ask for.
pub(crate) const TOPICS: [&str; 4] = ["*.*", "Entry.*", "*.publish", "Asset.*"];

/// A webhook from its making to its deletion.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) id: String,
    pub(crate) uid: Option<u64>,
    pub(crate) endpoint: u64,
    pub(crate) topic: &'static str,
    pub(crate) is_ordered: bool,
    pub(crate) is_active: bool,
    /// Since when it is known that no calls may be made.
    pub(crate) off_since_ms: Option<u64>,
    /// Stretches in which it may have been off or gone; what was owed then may have been dropped.
    dark: Vec<(u64, u64)>,
    pub(crate) is_gone: bool,
    /// Whether a change is under way.
    pub(crate) is_busy: bool,
    /// When a change began or ended last.
    pub(super) changed_ms: u64,
    pub(crate) mirror: Mirror,
    /// When it first answered well in this life.
    pub(crate) proven_ms: Option<u64>,
    /// Whether the last call of which something is known was answered.
    pub(super) is_trusted: bool,
    /// When the log first showed that its endpoint is gone, since the last change.
    pub(crate) gone_logged_ms: Option<u64>,
}

impl Hook {
    pub(crate) fn new(id: String, endpoint: u64, topic: &'static str, is_ordered: bool, now_ms: u64) -> Hook {
        Hook {
            id,
            uid: None,
            endpoint,
            topic,
            is_ordered,
            is_active: true,
            off_since_ms: None,
            dark: Vec::new(),
            is_gone: false,
            is_busy: true,
            changed_ms: now_ms,
            mirror: Mirror::Unknown,
            proven_ms: None,
            is_trusted: false,
            gone_logged_ms: None,
        }
    }

    /// The same with other wishes.
    pub(crate) fn aimed(mut self, endpoint: u64, topic: &'static str, is_ordered: bool) -> Hook {
        (self.endpoint, self.topic, self.is_ordered) = (endpoint, topic, is_ordered);
        self
    }

    /// The definition as the API takes it.
    pub(crate) fn definition(&self, make: Make) -> Value {
        json!({
            "name": self.id,
            "url": format!("https://h{}.sim.example/{make}", self.endpoint),
            "topics": [self.topic],
            "active": self.is_active,
            "orderedByEntity": self.is_ordered,
        })
    }

    /// Whether it asks for events of this topic: the obvious version of matching.
    pub(super) fn wants(&self, topic: &str) -> bool {
        self.topic.split('.').zip(topic.split('.')).all(|(wanted, word)| wanted == "*" || wanted == word)
    }

    /// What the log tells of its breaker is known again, unless something went wrong.
    pub(super) fn life_begins(&mut self, is_log_whole: bool) {
        if !is_log_whole || matches!(self.mirror, Mirror::Unknown | Mirror::Probing) {
            self.mirror = Mirror::Closed { failures: 0 };
        }
        self.proven_ms = None;
        self.is_busy = false;
    }

    pub(super) fn doubt_breaker(&mut self) {
        self.mirror = Mirror::Unknown;
    }

    /// Whether it may have been off or gone at some moment since then.
    pub(crate) fn may_be_dark_since(&self, since_ms: u64) -> bool {
        self.dark.iter().any(|(_, to)| *to >= since_ms)
    }

    /// Whether nothing about it changed since then.
    pub(super) fn is_settled_since(&self, since_ms: u64) -> bool {
        !self.is_busy && self.changed_ms < since_ms
    }

    pub(super) fn may_go_dark(&mut self, now_ms: u64) {
        if self.dark.last().is_none_or(|(_, to)| *to != u64::MAX) {
            self.dark.push((now_ms, u64::MAX));
        }
    }

    fn is_lit(&mut self, now_ms: u64) {
        self.off_since_ms = None;
        self.dark.iter_mut().filter(|(_, to)| *to == u64::MAX).for_each(|(_, to)| *to = now_ms);
    }

    fn is_dark(&mut self, now_ms: u64) {
        self.may_go_dark(now_ms);
        self.off_since_ms = Some(now_ms);
    }
}

impl Ledger {
    /// A change begins; `off` says that it may switch the webhook off or delete it.
    pub(crate) fn change_begins(&mut self, make: Make, off: bool) {
        let now_ms = self.now_ms();
        let Some(hook) = self.hooks.get_mut(&make) else { return };
        (hook.is_busy, hook.changed_ms, hook.gone_logged_ms) = (true, now_ms, None);
        hook.off_since_ms = None;
        if off {
            hook.may_go_dark(now_ms);
        }
    }

    /// The node says how a webhook is now.
    pub(crate) fn change_ends(&mut self, make: Make, webhook: Option<&Webhook>) {
        let now_ms = self.now_ms();
        let under_way = self.open_of(make);
        let Some(hook) = self.hooks.get_mut(&make) else { return };
        (hook.is_busy, hook.changed_ms, hook.mirror) = (false, now_ms, Mirror::Unknown);
        match webhook {
            Some(webhook) => hook.learn(webhook, now_ms),
            None => {
                hook.is_gone = true;
                hook.is_dark(now_ms);
            }
        }
        if hook.off_since_ms.is_some() && under_way > 0 {
            let how = format!("webhook {make}: {under_way} calls are under way though it is off");
            self.broken("no call after off or delete was answered", &how);
        }
    }

    /// A change was refused, or failed in a way that leaves open what the disk has of it: until the next life it is as
    /// the node says.
    pub(crate) fn change_failed(&mut self, make: Make, space: &Space) {
        let live = space.live();
        let found = live
            .webhooks
            .iter()
            .find(|webhook| make_of(&webhook.record.url).is_some_and(|(_, found)| found == make));
        self.change_ends(make, found.map(|webhook| &**webhook));
    }

    /// Compares what the node says of all webhooks, once nobody changes any, with what was known.
    pub(crate) fn reconcile(&mut self, space: &Space) {
        let now_ms = self.now_ms();
        let live = space.live();
        let found: Vec<(Make, Arc<Webhook>)> = live
            .webhooks
            .iter()
            .filter_map(|webhook| Some((make_of(&webhook.record.url)?.1, webhook.clone())))
            .collect();
        for (make, hook) in &mut self.hooks {
            match found.iter().find(|(found, _)| found == make) {
                Some((_, webhook)) => hook.learn(webhook, now_ms),
                None => {
                    hook.is_gone = true;
                    hook.is_dark(now_ms);
                }
            }
        }
        self.policies.known(now_ms, space.settings().retry_policy.as_ref().map(|policy| policy.retries_max));
    }

    /// The requests to a webhook that are under way.
    pub(super) fn open_of(&self, make: Make) -> usize {
        self.open.iter().filter(|place| self.exchanges[**place].pair.0 == make).count()
    }

    /// A webhook that is there, by its id.
    pub(crate) fn make_with(&self, id: &str) -> Option<Make> {
        self.hooks.iter().find(|(_, hook)| hook.id == id && !hook.is_gone).map(|(make, _)| *make)
    }

    /// The webhooks that may be meant by an id in an answer to what began then.
    pub(super) fn candidates(&self, id: &str, begun_ms: u64) -> Vec<Make> {
        let may = |hook: &Hook| hook.id == id && (!hook.is_gone || hook.changed_ms >= begun_ms);
        self.hooks.iter().filter(|(_, hook)| may(hook)).map(|(make, _)| *make).collect()
    }

    /// Looks whether an endpoint that said it is gone is left alone, and whether nobody is off without a reason.
    pub(crate) fn check_switched_off(&mut self, space: &Space) {
        let (now_ms, live) = (self.now_ms(), space.live());
        let mut broken = Vec::new();
        for (make, hook) in self.hooks.iter_mut().filter(|(_, hook)| !hook.is_busy && !hook.is_gone) {
            let Some(webhook) = live.webhook(&hook.id) else { continue };
            let is_off = !webhook.record.active;
            if is_off && hook.off_since_ms.is_none() {
                if webhook.record.switched_off.is_none() {
                    broken.push(format!("webhook {make} is off, and nobody knows why"));
                }
                hook.is_active = false;
                hook.is_dark(now_ms);
            }
            let long_since = hook.gone_logged_ms.is_some_and(|logged| logged + GONE_MS < now_ms);
            if !is_off && long_since {
                broken.push(format!("webhook {make} is on, though its endpoint is gone"));
                hook.gone_logged_ms = None;
            }
        }
        if self.is_calm_for(2 * GONE_MS) {
            broken.iter().for_each(|how| self.broken("410 switches a webhook off and says why", how));
        }
    }
}

/// Within this time a webhook is off whose endpoint is gone.
const GONE_MS: u64 = 60_000;

impl Hook {
    fn learn(&mut self, webhook: &Webhook, now_ms: u64) {
        let record = &webhook.record;
        self.uid = Some(record.uid);
        self.is_gone = false;
        self.is_active = record.active;
        self.is_ordered = record.ordered_by_entity;
        self.topic = TOPICS.into_iter().find(|topic| record.topics == [*topic]).unwrap_or(self.topic);
        self.endpoint = make_of(&record.url).map_or(self.endpoint, |(endpoint, _)| endpoint);
        if record.active {
            self.is_lit(now_ms);
        } else {
            self.is_dark(now_ms);
        }
    }
}

/// The endpoint and the webhook's number that a URL carries.
pub(super) fn make_of(url: &str) -> Option<(u64, Make)> {
    let (host, make) = url.strip_prefix("https://h")?.split_once(".sim.example/")?;
    Some((host.parse().ok()?, make.parse().ok()?))
}

/// The number that a payload carries.
pub(super) fn number_of(payload: &[u8]) -> Option<Number> {
    let json: Value = serde_json::from_slice(payload).ok()?;
    json.get("n")?.as_u64()
}
