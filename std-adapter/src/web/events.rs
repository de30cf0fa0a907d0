//! What came in: the events, and for each webhook why it got one or why not.

use askama::Template;
use axum::extract::{Path, State};

use super::body::Body;
use super::fields::Fields;
use super::frame::{Frame, Part};
use super::log::Entry;
use super::moment::Moment;
use super::session::User;
use super::standing::Standings;
use super::{Page, Web, WebState, page};
use crate::app::events::{self, Event, Explanation};
use crate::app::{Fault, Wish};
use crate::id;
use crate::webhooks::{Live, Space};

/// Events on one page.
const PAGE_EVENTS: usize = 50;

#[derive(Template)]
#[template(path = "events.html")]
struct ListPage {
    frame: Frame,
    rows: Vec<Row>,
    older: Option<String>,
    is_first: bool,
    origin: String,
}

/// An event of the list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) topic: String,
    pub(super) environment: String,
    pub(super) entity: Option<String>,
    pub(super) at: Moment,
    pub(super) bytes: usize,
    pub(super) webhooks: Vec<Name>,
}

/// A webhook by its name.
pub(super) struct Name {
    pub(super) id: String,
    pub(super) name: String,
}

impl Row {
    pub(super) fn new(event: &Event, live: &Live, now_ms: u64) -> Row {
        let webhooks =
            event.matching(live).into_iter().filter_map(|number| live.webhooks.get(number as usize));
        let name = |record: &crate::store::record::WebhookRecord| Name {
            id: record.id.clone(),
            name: record.name.clone(),
        };
        Row {
            id: id::to_text(event.id),
            topic: event.record.topic.clone(),
            environment: event.record.environment.clone(),
            entity: event.record.entity_id.clone(),
            at: Moment::new(id::made_at_ms(event.id), now_ms),
            bytes: event.record.payload.len(),
            webhooks: webhooks.map(|webhook| name(&webhook.record)).collect(),
        }
    }
}

/// `GET …/events`: newest first.
pub(super) async fn list(State(web): WebState, user: User, Path(space): Path<String>, query: Fields) -> Page {
    let space = user.enter(&web, &space, Wish::Read)?;
    let frame = Frame::new(&web, &user, Some(&space), Part::Events, &query);
    let (live, before) = (space.live(), id::from_text(query.text("before")));
    let outline = |event: Event| Row::new(&event, &live, frame.now_ms);
    let rows = events::newest(&web.app, &space, before, PAGE_EVENTS, outline)?;
    let older = rows.last().filter(|_| rows.len() == PAGE_EVENTS).map(|row| row.id.clone());
    page(&ListPage { frame, rows, older, is_first: before.is_none(), origin: web.origin.clone() })
}

#[derive(Template)]
#[template(path = "event.html")]
struct EventPage {
    frame: Frame,
    row: Row,
    occurred: Moment,
    user: String,
    context: Vec<(String, String)>,
    payload: Body,
    raw: bool,
    verdicts: Vec<Verdict>,
}

/// A webhook's verdict on an event, and the calls that came of it.
struct Verdict {
    webhook: Name,
    is_match: bool,
    sentence: String,
    calls: Vec<Entry>,
}

/// `GET …/events/{event}`.
pub(super) async fn show(
    State(web): WebState,
    user: User,
    Path((space, event)): Path<(String, String)>,
    query: Fields,
) -> Page {
    let space = user.enter(&web, &space, Wish::Read)?;
    let event = events::find(&web.app, &space, &event)?;
    let frame = Frame::new(&web, &user, Some(&space), Part::Events, &query);
    let live = space.live();
    let raw = query.text("body") == "raw";
    let explained = event.explain(&live);
    let mut verdicts = Vec::with_capacity(explained.len());
    for explained in &explained {
        verdicts.push(verdict(&web, &space, &event, explained, frame.now_ms).await?);
    }
    verdicts.sort_by_key(|verdict| !verdict.is_match);
    page(&EventPage {
        row: Row::new(&event, &live, frame.now_ms),
        occurred: Moment::new(event.record.occurred_at_ms, frame.now_ms),
        user: event.record.user.clone(),
        context: event.record.context.clone(),
        payload: Body::new(&String::from_utf8_lossy(&event.record.payload), false, raw),
        raw,
        verdicts,
        frame,
    })
}

async fn verdict(
    web: &Web,
    space: &Space,
    event: &Event,
    explained: &Explanation,
    now_ms: u64,
) -> Result<Verdict, Fault> {
    let record = &explained.webhook.record;
    let calls = web.app.calls.of_event(record.uid, event.id).await?;
    let standings = Standings::of(&web.app, space, &explained.webhook, &calls, now_ms).await?;
    Ok(Verdict {
        webhook: Name { id: record.id.clone(), name: record.name.clone() },
        is_match: explained.reason.is_match(),
        sentence: explained.reason.sentence(),
        calls: calls.iter().map(|(id, call)| Entry::new(*id, call, &standings, now_ms)).collect(),
    })
}
