//! How a call stands: what came of it, and what comes next, in words.

use std::collections::HashMap;

use bellwire_core::call::Outcome;

use super::moment::Moment;
use crate::app::App;
use crate::store::StoreError;
use crate::store::record::CallRecord;
use crate::webhooks::{Space, Webhook};

/// Deliveries that are looked at to find those that wait for a retry.
const OWED_LOOKED_AT: usize = 1_000;

/// What the pages need to know beside the calls themselves.
pub(super) struct Standings {
    /// Of each event that is owed: when its next attempt is due, and its number.
    owed: HashMap<u128, (u64, u32)>,
    /// Of each event: the number of its latest kept attempt.
    latest: HashMap<u128, u32>,
    retries_max: u8,
    now_ms: u64,
}

/// One call's standing.
#[derive(Debug, PartialEq)]
pub(super) struct Standing {
    /// `good`, `bad` or `wait`.
    pub(super) class: &'static str,
    /// What came back.
    pub(super) result: String,
    /// What comes of it.
    pub(super) then: String,
    /// When the next attempt is due.
    pub(super) due: Option<Moment>,
}

/// The next attempt that is due.
pub(super) struct Next {
    pub(super) words: String,
    pub(super) due: Moment,
}

/// Why a webhook's calls do not go out although nobody disabled it.
pub(super) struct Trouble {
    pub(super) label: &'static str,
    pub(super) words: String,
    /// When that began, or when it may end.
    pub(super) moment: Option<Moment>,
}

impl Trouble {
    /// What keeps a webhook's calls back, if anything does.
    pub(super) fn of(app: &App, webhook: &Webhook, now_ms: u64) -> Option<Trouble> {
        let record = &webhook.record;
        if let Some(off) = record.switched_off.as_ref().filter(|_| !record.active) {
            let words = format!("The server switched this webhook off: {}", off.reason);
            return Some(Trouble {
                label: "switched off",
                words,
                moment: Some(Moment::new(off.at_ms, now_ms)),
            });
        }
        let pause = app.deliveries.pause(record.uid)?;
        let words = "The endpoint keeps failing and is left alone for a while. One call at a time finds out whether it is back";
        let moment = pause.until_ms.map(|until_ms| Moment::new(until_ms, now_ms));
        Some(Trouble { label: "paused", words: words.into(), moment })
    }
}

impl Standings {
    /// Looks at what is owed to a webhook.
    pub(super) async fn of(
        app: &App,
        space: &Space,
        webhook: &Webhook,
        calls: &[(u128, CallRecord)],
        now_ms: u64,
    ) -> Result<Standings, StoreError> {
        let owed = app.deliveries.owed(webhook.record.uid, OWED_LOOKED_AT).await?;
        let mut latest = HashMap::new();
        for (_, call) in calls {
            let attempt: &mut u32 = latest.entry(call.event_id).or_default();
            *attempt = call.attempt.max(*attempt);
        }
        let owed =
            owed.iter().map(|owed| (owed.key.event_id, (owed.due_ms(), owed.record.attempt))).collect();
        let retries_max = app.deliveries.retry_policy(space).retries_max;
        Ok(Standings { owed, latest, retries_max, now_ms })
    }

    /// The retry that is due first, if any.
    pub(super) fn next(&self) -> Option<Next> {
        let retries = self.owed.values().filter(|(_, attempt)| *attempt > 1);
        let (due_ms, attempt) = retries.min()?;
        Some(Next { words: self.retry(*attempt), due: Moment::new(*due_ms, self.now_ms) })
    }

    /// Deliveries that wait, as far as they were looked at.
    pub(super) fn waiting(&self) -> String {
        match self.owed.len() {
            OWED_LOOKED_AT => format!("{OWED_LOOKED_AT}+"),
            waiting => waiting.to_string(),
        }
    }

    /// The next attempt of an event, if there is to be one.
    pub(super) fn next_of(&self, event_id: u128) -> Option<Next> {
        let (due_ms, attempt) = self.owed.get(&event_id)?;
        Some(Next { words: self.retry(*attempt), due: Moment::new(*due_ms, self.now_ms) })
    }

    fn retry(&self, attempt: u32) -> String {
        match attempt.saturating_sub(1) {
            0 => "first attempt".into(),
            retry if retry <= u32::from(self.retries_max) => format!("retry {retry} of {}", self.retries_max),
            _ => format!("attempt {attempt}"),
        }
    }

    /// How one call stands.
    pub(super) fn standing(&self, call: &CallRecord) -> Standing {
        let result = result(call.outcome);
        let standing = |class, then: String| Standing { class, result: result.clone(), then, due: None };
        if call.outcome.is_success() {
            return standing("good", String::new());
        }
        if self.latest.get(&call.event_id).is_some_and(|latest| *latest > call.attempt) {
            return standing("bad", "tried again".into());
        }
        match self.owed.get(&call.event_id).filter(|(_, attempt)| *attempt > call.attempt) {
            Some((due_ms, attempt)) => Standing {
                due: Some(Moment::new(*due_ms, self.now_ms)),
                ..standing("wait", self.retry(*attempt))
            },
            None if call.attempt == 1 => standing("bad", "not tried again".into()),
            None => standing("bad", format!("given up after {} attempts", call.attempt)),
        }
    }
}

/// What came back, in a few words.
pub(super) fn result(outcome: Outcome) -> String {
    match outcome {
        Outcome::Response { status } => format!("HTTP {status}"),
        Outcome::Timeout => "timed out".into(),
        Outcome::Connection => "no connection".into(),
        Outcome::NameResolution => "name not found".into(),
        Outcome::Tls => "TLS failed".into(),
        Outcome::BlockedAddress => "address blocked".into(),
        Outcome::Invalid => "request not valid".into(),
        Outcome::Unknown => "outcome unknown".into(),
        Outcome::NoResources => "did not leave".into(),
        Outcome::Expired => "given up unsent".into(),
    }
}

/// Why a call failed most likely, and what to do about it; `None` when it succeeded.
pub(super) fn advice(outcome: Outcome) -> Option<&'static str> {
    Some(match outcome {
        Outcome::Response { status: 200..=299 } => return None,
        Outcome::Response { status: 300..=399 } => {
            "The endpoint redirects, and redirects are not followed. Put the address it leads to into the webhook."
        }
        Outcome::Response { status: 401 | 403 } => {
            "The endpoint does not accept the credentials. Check the webhook's Authorization or secret headers, and \
             the signing secret on both sides."
        }
        Outcome::Response { status: 410 } => {
            "The endpoint says that it is gone for good, so the webhook was switched off. Switch it on again when that \
             is not so."
        }
        Outcome::Response { status: 404 } => {
            "There is nothing at this address. Check the path of the webhook's URL, and that the endpoint is deployed."
        }
        Outcome::Response { status: 413 } => {
            "The endpoint takes smaller bodies only. Send less with a payload of your own."
        }
        Outcome::Response { status: 415 } => {
            "The endpoint wants another content type. Choose it in the webhook's settings."
        }
        Outcome::Response { status: 429 } => {
            "The endpoint asks for fewer calls. Narrow the triggers or filters, or let it take more."
        }
        Outcome::Response { status: 400..=499 } => {
            "The endpoint refuses this request. Its answer usually says why; compare it with the request beside it."
        }
        Outcome::Response { status: 502..=504 } => {
            "A proxy in front of the endpoint answered that the service behind it does not. It may be starting or overloaded."
        }
        Outcome::Response { .. } => {
            "The endpoint failed while it handled the request. Its own log should have the cause."
        }
        Outcome::Timeout => {
            "The endpoint did not answer in time. Let it answer at once and do the work afterwards."
        }
        Outcome::Connection => {
            "Nothing answers at this host and port, or the connection broke. Check that the endpoint runs and that no \
             firewall stands between."
        }
        Outcome::NameResolution => {
            "The host's name leads nowhere. Check its spelling, and that its DNS record exists."
        }
        Outcome::Tls => {
            "No secure connection: the certificate may have expired, be for another name, or come from an authority \
             that this server does not trust (--extra-ca adds one)."
        }
        Outcome::BlockedAddress => {
            "The name leads to a private or reserved address, which is not called unless the server runs with \
             --allow-private-networks."
        }
        Outcome::Unknown => {
            "The server ended, or the webhook was switched off, before an outcome was written down. The endpoint may \
             have received this call."
        }
        Outcome::NoResources => {
            "This machine had no descriptor, port or memory left for another request. Let the server have more."
        }
        Outcome::Expired => {
            "The endpoint kept failing and was left alone until this event was too old, or too many others waited. Mend \
             the endpoint, then send this call again while its event is kept."
        }
        Outcome::Invalid => {
            "The request could not be formed. A pointer in the URL, a header or the payload gave something that does \
             not fit there."
        }
    })
}
