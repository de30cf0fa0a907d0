//! The activity log of a webhook, filtered.

use askama::Template;
use axum::extract::{Path, State};
use bellwire_core::call::Outcome;

use super::chart::duration_ms;
use super::error::WebError;
use super::fields::Fields;
use super::frame::{Frame, Part};
use super::head::{Head, Tab};
use super::moment::{Moment, took};
use super::session::User;
use super::standing::{Next, Standing, Standings};
use super::{Page, WebState, page};
use crate::app::{Wish, definitions};
use crate::id;
use crate::limits::CALLS_PER_WEBHOOK;
use crate::store::record::CallRecord;

/// Calls on one page.
const PAGE_CALLS: usize = 100;

#[derive(Template)]
#[template(path = "log.html")]
struct LogPage {
    frame: Frame,
    head: Head,
    filter: Filter,
    entries: Vec<Entry>,
    found: usize,
    newer: Option<String>,
    older: Option<String>,
    next: Option<Next>,
    waiting: String,
}

/// A call of the log.
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) event: String,
    pub(super) topic: String,
    pub(super) entity: Option<String>,
    pub(super) at: Moment,
    pub(super) standing: Standing,
    pub(super) attempt: u32,
    pub(super) resent: bool,
    pub(super) duration: String,
}

impl Entry {
    pub(super) fn new(call_id: u128, call: &CallRecord, standings: &Standings, now_ms: u64) -> Entry {
        Entry {
            id: id::to_text(call_id),
            event: id::to_text(call.event_id),
            topic: call.topic.clone(),
            entity: call.entity_id.clone(),
            at: Moment::new(call.request_at_ms, now_ms),
            standing: standings.standing(call),
            attempt: call.attempt,
            resent: call.resent,
            duration: duration_ms(call).map_or("–".into(), |ms| took(ms * 1_000)),
        }
    }
}

/// Which calls are wanted. What is not understood wants all.
struct Filter {
    result: String,
    topic: String,
    status: String,
    within: String,
}

/// Choices of the filter with their labels.
const RESULTS: [(&str, &str); 4] =
    [("", "All"), ("good", "Succeeded"), ("bad", "Failed"), ("wait", "Waiting for a retry")];
const STATUSES: [(&str, &str); 6] =
    [("", "Any"), ("2", "2xx"), ("3", "3xx"), ("4", "4xx"), ("5", "5xx"), ("0", "No answer")];
const TIMES: [(&str, &str, u64); 5] = [
    ("", "Any time", u64::MAX),
    ("15m", "Last 15 minutes", 15 * 60_000),
    ("1h", "Last hour", 3_600_000),
    ("1d", "Last day", 86_400_000),
    ("7d", "Last 7 days", 7 * 86_400_000),
];

impl Filter {
    fn of(query: &Fields) -> Filter {
        let text = |name| query.text(name).trim().to_owned();
        Filter {
            result: text("result"),
            topic: text("topic"),
            status: text("status"),
            within: text("within"),
        }
    }

    fn takes(&self, call: &CallRecord, standing: &Standing, now_ms: u64) -> bool {
        let class = match call.outcome {
            Outcome::Response { status } => (status / 100).to_string(),
            _ => "0".into(),
        };
        let span = TIMES.iter().find(|(name, ..)| *name == self.within).map_or(u64::MAX, |(.., span)| *span);
        (self.result.is_empty() || self.result == standing.class)
            && (self.topic.is_empty() || self.names(call))
            && (self.status.is_empty() || self.status == class)
            && now_ms.saturating_sub(call.request_at_ms) <= span
    }

    /// The topic's or the entity's name has what was typed.
    fn names(&self, call: &CallRecord) -> bool {
        let wanted = self.topic.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&wanted);
        has(&call.topic) || call.entity_id.as_deref().is_some_and(has)
    }

    fn results(&self) -> Vec<(&'static str, &'static str, bool)> {
        RESULTS.map(|(value, label)| (value, label, value == self.result)).to_vec()
    }

    fn statuses(&self) -> Vec<(&'static str, &'static str, bool)> {
        STATUSES.map(|(value, label)| (value, label, value == self.status)).to_vec()
    }

    fn times(&self) -> Vec<(&'static str, &'static str, bool)> {
        TIMES.map(|(value, label, _)| (value, label, value == self.within)).to_vec()
    }

    fn is_open(&self) -> bool {
        [&self.result, &self.topic, &self.status, &self.within].iter().all(|text| text.is_empty())
    }

    /// The address of another page of the same calls.
    fn page(&self, number: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let rows = [
            ("result", &self.result),
            ("topic", &self.topic),
            ("status", &self.status),
            ("within", &self.within),
        ];
        query.extend_pairs(rows.into_iter().filter(|(_, value)| !value.is_empty()));
        query.append_pair("page", &number.to_string());
        format!("?{}", query.finish())
    }
}

/// `GET …/webhooks/{webhook}/calls`: newest first.
pub(super) async fn show(
    State(web): WebState,
    user: User,
    Path((space, webhook)): Path<(String, String)>,
    query: Fields,
) -> Page {
    let space = user.enter(&web, &space, Wish::Read)?;
    let webhook = definitions::find(&space, &webhook).map_err(WebError::from)?;
    let frame = Frame::new(&web, &user, Some(&space), Part::Webhooks, &query);
    let calls = web.app.calls.page(webhook.record.uid, 0, CALLS_PER_WEBHOOK).await?.calls;
    let standings = Standings::of(&web.app, &space, &webhook, &calls, frame.now_ms).await?;
    let filter = Filter::of(&query);
    let taken = |(_, call): &&(u128, CallRecord)| filter.takes(call, &standings.standing(call), frame.now_ms);
    let wanted: Vec<&(u128, CallRecord)> = calls.iter().filter(taken).collect();
    let number = query.number("page", 0).min(wanted.len() / PAGE_CALLS);
    let shown = wanted.iter().skip(number * PAGE_CALLS).take(PAGE_CALLS);
    let entries = shown.map(|(id, call)| Entry::new(*id, call, &standings, frame.now_ms)).collect();
    page(&LogPage {
        entries,
        found: wanted.len(),
        newer: number.checked_sub(1).map(|number| filter.page(number)),
        older: (wanted.len() > (number + 1) * PAGE_CALLS).then(|| filter.page(number + 1)),
        next: standings.next(),
        waiting: standings.waiting(),
        head: Head::new(&web.app, &webhook, &calls, Tab::Log),
        filter,
        frame,
    })
}
