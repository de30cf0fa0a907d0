//! The list of a space's webhooks, each with how it does; and what is done with one there.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};

use super::chart::{self, Bar};
use super::error::WebError;
use super::fields::{Fields, Submitted};
use super::frame::{Frame, Part};
use super::moment::Moment;
use super::session::User;
use super::standing::{Next, Standing, Standings, Trouble};
use super::triggers;
use super::{Page, Web, WebState, go, page};
use crate::app::{Wish, definitions};
use crate::limits::CALLS_PER_WEBHOOK;
use crate::webhooks::{Space, Webhook};

#[derive(Template)]
#[template(path = "webhooks.html")]
struct ListPage {
    frame: Frame,
    rows: Vec<Row>,
    total: usize,
    wanted: String,
    origin: String,
}

/// A webhook of the list.
struct Row {
    id: String,
    name: String,
    method: String,
    url: String,
    triggers: String,
    active: bool,
    spark: Vec<Bar>,
    spark_words: String,
    healthy: String,
    last: Option<Last>,
    next: Option<Next>,
    trouble: Option<Trouble>,
}

/// A webhook's newest call.
struct Last {
    id: String,
    standing: Standing,
    at: Moment,
}

/// `GET …/webhooks`.
pub(super) async fn list(State(web): WebState, user: User, Path(space): Path<String>, query: Fields) -> Page {
    let space = user.enter(&web, &space, Wish::Read)?;
    let frame = Frame::new(&web, &user, Some(&space), Part::Webhooks, &query);
    let live = space.live();
    let wanted = query.text("q").trim().to_lowercase();
    let found = live.webhooks.iter().filter(|webhook| is_wanted(webhook, &wanted));
    let mut rows = Vec::new();
    for webhook in found {
        rows.push(row(&web, &space, webhook, frame.now_ms).await?);
    }
    let (total, origin) = (live.webhooks.len(), web.origin.clone());
    page(&ListPage { frame, rows, total, wanted: query.text("q").to_owned(), origin })
}

fn is_wanted(webhook: &Webhook, wanted: &str) -> bool {
    let record = &webhook.record;
    let mut texts = [&record.name, &record.url, &record.id].into_iter().chain(&record.topics);
    wanted.is_empty() || texts.any(|text| text.to_lowercase().contains(wanted))
}

async fn row(web: &Web, space: &Space, webhook: &Arc<Webhook>, now_ms: u64) -> Result<Row, WebError> {
    let record = &webhook.record;
    let calls = web.app.calls.page(record.uid, 0, CALLS_PER_WEBHOOK).await?.calls;
    let standings = Standings::of(&web.app, space, webhook, &calls, now_ms).await?;
    let healthy = calls.iter().filter(|(_, call)| call.outcome.is_success()).count();
    let last = calls.first().map(|(id, call)| Last {
        id: crate::id::to_text(*id),
        standing: standings.standing(call),
        at: Moment::new(call.request_at_ms, now_ms),
    });
    Ok(Row {
        id: record.id.clone(),
        name: record.name.clone(),
        method: webhook.transformation.method().to_string(),
        url: record.url.clone(),
        triggers: triggers::words(&record.topics),
        active: record.active,
        spark: chart::spark(&calls),
        spark_words: chart::spark_words(&calls),
        healthy: chart::percent(healthy, calls.len()),
        last,
        next: standings.next(),
        trouble: Trouble::of(&web.app, webhook, now_ms),
    })
}

/// `POST …/webhooks/{webhook}/active`: switches calls on or off.
pub(super) async fn set_active(
    State(web): WebState,
    Path((space, webhook)): Path<(String, String)>,
    sent: Submitted,
) -> Page {
    let space = sent.user.enter(&web, &space, Wish::Manage)?;
    let active = sent.fields.text("active") == "true";
    definitions::set_active(&web.app, &sent.user.caller, &space, &webhook, active).await?;
    let done = if active { "on" } else { "off" };
    match sent.fields.text("back") {
        "webhook" => go(format!("/app/spaces/{}/webhooks/{webhook}?done={done}", space.id)),
        _ => go(format!("/app/spaces/{}/webhooks?done={done}", space.id)),
    }
}

#[derive(Template)]
#[template(path = "delete.html")]
struct DeletePage {
    frame: Frame,
    head: super::head::Head,
    waiting: String,
}

/// `GET …/webhooks/{webhook}/delete`: asks, and says what is lost.
pub(super) async fn confirm_delete(
    State(web): WebState,
    user: User,
    Path((space, webhook)): Path<(String, String)>,
    query: Fields,
) -> Page {
    let space = user.enter(&web, &space, Wish::Manage)?;
    let webhook = definitions::find(&space, &webhook).map_err(WebError::from)?;
    let frame = Frame::new(&web, &user, Some(&space), Part::Webhooks, &query);
    let calls = web.app.calls.page(webhook.record.uid, 0, CALLS_PER_WEBHOOK).await?.calls;
    let waiting = Standings::of(&web.app, &space, &webhook, &calls, frame.now_ms).await?.waiting();
    let head = super::head::Head::new(&web.app, &webhook, &calls, super::head::Tab::Settings);
    page(&DeletePage { frame, head, waiting })
}

/// `POST …/webhooks/{webhook}/delete`.
pub(super) async fn delete(
    State(web): WebState,
    Path((space, webhook)): Path<(String, String)>,
    sent: Submitted,
) -> Page {
    let space = sent.user.enter(&web, &space, Wish::Manage)?;
    definitions::delete(&web.app, &space, &webhook).await?;
    go(format!("/app/spaces/{}/webhooks?done=deleted", space.id))
}
