//! One call: what was sent, what came back, how long it took, what comes next; and sending it again.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use hyper::header::CONTENT_TYPE;

use super::body::Body;
use super::curl;
use super::error::WebError;
use super::fields::{Fields, Submitted};
use super::frame::{Frame, Part};
use super::head::{Head, Tab};
use super::log::Entry;
use super::moment::{span, took};
use super::session::User;
use super::standing::{Next, Standings, advice};
use super::{Page, WebState, go, page};
use crate::app::calls::{self, Call};
use crate::app::{Wish, definitions};
use crate::limits::CALLS_PER_WEBHOOK;
use crate::store::record::TimingRecord;

#[derive(Template)]
#[template(path = "call.html")]
struct CallPage {
    frame: Frame,
    head: Head,
    entry: Entry,
    call: Call,
    request: Body,
    response: Option<Body>,
    raw: bool,
    error: Option<String>,
    advice: Option<&'static str>,
    split: Vec<Stretch>,
    attempts: Vec<Attempt>,
    next: Option<Next>,
    can_resend: bool,
}

/// A part of the time that a call took.
struct Stretch {
    label: &'static str,
    took: String,
    x: f64,
    width: f64,
    class: &'static str,
}

/// An attempt of the same event.
struct Attempt {
    entry: Entry,
    after: String,
    is_this: bool,
}

/// `GET …/webhooks/{webhook}/calls/{call}`.
pub(super) async fn show(
    State(web): WebState,
    user: User,
    Path((space, webhook, call)): Path<(String, String, String)>,
    query: Fields,
) -> Page {
    let space = user.enter(&web, &space, Wish::Read)?;
    let webhook = definitions::find(&space, &webhook).map_err(WebError::from)?;
    let call = calls::find(&web.app, &space, &webhook, &call).await?;
    let frame = Frame::new(&web, &user, Some(&space), Part::Webhooks, &query);
    let newest_first = web.app.calls.page(webhook.record.uid, 0, CALLS_PER_WEBHOOK).await?.calls;
    let standings = Standings::of(&web.app, &space, &webhook, &newest_first, frame.now_ms).await?;
    let of_event = web.app.calls.of_event(webhook.record.uid, call.record.event_id).await?;
    let begun_ms = of_event.first().map_or(0, |(_, call)| call.request_at_ms);
    let attempt = |(id, record): &(u128, _)| {
        let entry = Entry::new(*id, record, &standings, frame.now_ms);
        let after = format!("+{}", span(record.request_at_ms.saturating_sub(begun_ms)));
        Attempt { entry, after, is_this: *id == call.id }
    };
    let raw = query.text("body") == "raw";
    let details = &call.details;
    let response = details.response.as_ref().map(|response| Body::new(&response.body, response.cut, raw));
    page(&CallPage {
        entry: Entry::new(call.id, &call.record, &standings, frame.now_ms),
        request: Body::new(&details.request_body, details.request_cut, raw),
        response,
        raw,
        error: details.error.clone(),
        advice: advice(call.record.outcome),
        split: split(&details.timing),
        attempts: of_event.iter().map(attempt).collect(),
        next: standings.next_of(call.record.event_id),
        can_resend: frame.can_manage && webhook.record.active,
        head: Head::new(&web.app, &webhook, &newest_first, Tab::Log),
        frame,
        call,
    })
}

/// The parts one after the other on a line of 100 units.
fn split(timing: &TimingRecord) -> Vec<Stretch> {
    let rows = [
        ("DNS", timing.lookup_us, "part-1"),
        ("Connect", timing.connect_us, "part-2"),
        ("TLS", timing.tls_us, "part-3"),
        ("First byte", timing.first_byte_us, "part-4"),
        ("Body", timing.body_us, "part-5"),
    ];
    let total = rows.iter().filter_map(|(_, us, _)| *us).sum::<u64>().max(1) as f64;
    let mut x = 0.0;
    let stretch = |(label, us, class): (&'static str, Option<u64>, &'static str)| {
        let us = us?;
        let width = us as f64 / total * 100.0;
        x += width;
        Some(Stretch { label, took: took(us), x: x - width, width, class })
    };
    rows.into_iter().filter_map(stretch).collect()
}

/// `GET …/calls/{call}/curl`: the call as a command, signed now.
pub(super) async fn as_curl(
    State(web): WebState,
    user: User,
    Path((space, webhook, call)): Path<(String, String, String)>,
) -> Page {
    let space = user.enter(&web, &space, Wish::Read)?;
    let webhook = definitions::find(&space, &webhook).map_err(WebError::from)?;
    let call = calls::find(&web.app, &space, &webhook, &call).await?;
    let command = curl::command(&call, space.settings().signing_secret.as_ref().map(|secret| &secret.value));
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], command).into_response())
}

/// `POST …/calls/{call}/resend`.
pub(super) async fn resend(
    State(web): WebState,
    Path((space, webhook, call)): Path<(String, String, String)>,
    sent: Submitted,
) -> Page {
    let space = sent.user.enter(&web, &space, Wish::Manage)?;
    let webhook = definitions::find(&space, &webhook).map_err(WebError::from)?;
    calls::resend(&web.app, &space, &webhook, &call).await?;
    go(format!("/app/spaces/{}/webhooks/{}/calls/{call}?done=resent", space.id, webhook.record.id))
}
