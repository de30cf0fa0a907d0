//! The activity log and the health of a webhook.

use axum::extract::{Path, RawQuery, State};
use hyper::StatusCode;
use serde_json::json;

use super::query::{CREATION, Paging};
use super::shape::CallPlace;
use super::{Answer, AppState, Reply, shape};
use crate::app::definitions::find;
use crate::app::{Caller, Wish, calls};
use crate::limits::CALLS_PER_WEBHOOK;

/// `GET …/webhooks/{webhook}/calls`: newest first, unless ordered by `sys.createdAt`.
pub(super) async fn list(
    State(app): AppState,
    caller: Caller,
    Path((space, webhook)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer {
    let paging = Paging::parse(query.as_deref(), &CREATION)?;
    let space = caller.enter(&app, &space, Wish::Read)?;
    let webhook = find(&space, &webhook)?;
    let page = app.calls.page(webhook.record.uid, 0, CALLS_PER_WEBHOOK).await?;
    let overview = |(call, record): &(u128, _)| {
        shape::call_overview(CallPlace { space: &space.id, webhook: &webhook.record.id, call: *call }, record)
    };
    let items = if paging.descending() == Some(false) {
        paging.cut(page.calls.iter().rev().map(overview))
    } else {
        paging.cut(page.calls.iter().map(overview))
    };
    Ok(Reply::ok(shape::array(page.total, paging.skip, paging.limit, items)))
}

/// `GET …/webhooks/{webhook}/calls/{call}`.
pub(super) async fn read(
    State(app): AppState,
    caller: Caller,
    Path((space, webhook, call)): Path<(String, String, String)>,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Read)?;
    let webhook = find(&space, &webhook)?;
    let call = calls::find(&app, &space, &webhook, &call).await?;
    let place = CallPlace { space: &space.id, webhook: &webhook.record.id, call: call.id };
    Ok(Reply::ok(shape::call_details(place, &call.record, &call.details)))
}

/// `POST …/webhooks/{webhook}/calls/{call}/resend`: the call's event goes to the webhook again, now.
pub(super) async fn resend(
    State(app): AppState,
    caller: Caller,
    Path((space, webhook, call)): Path<(String, String, String)>,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Manage)?;
    let webhook = find(&space, &webhook)?;
    let attempt = calls::resend(&app, &space, &webhook, &call).await?;
    Ok(Reply::with_status(StatusCode::ACCEPTED, json!({"attempt": attempt})))
}

/// `GET …/webhooks/{webhook}/health`.
pub(super) async fn health(
    State(app): AppState,
    caller: Caller,
    Path((space, webhook)): Path<(String, String)>,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Read)?;
    let webhook = find(&space, &webhook)?;
    let health = app.calls.health(webhook.record.uid).await?;
    let pause = app.deliveries.pause(webhook.record.uid);
    Ok(Reply::ok(shape::health(&space.id, &webhook.record, health, pause)))
}
