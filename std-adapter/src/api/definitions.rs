//! Webhook definitions: list, make, read, replace, delete.

use std::cmp::Ordering;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;

use super::query::{Order, Paging, expected_version, read_json};
use super::spaces::check_id;
use super::{Answer, AppState, Reply, shape};
use crate::app::definitions::{self, find};
use crate::app::{Caller, Wish};
use crate::webhooks::Webhook;

/// What the list can be ordered by.
const ORDERS: [&str; 5] = ["sys.createdAt", "sys.updatedAt", "sys.id", "sys.version", "name"];

/// `GET …/webhook_definitions`: oldest first unless the caller says otherwise.
pub(super) async fn list(
    State(app): AppState,
    caller: Caller,
    Path(space): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let paging = Paging::parse(query.as_deref(), &ORDERS)?;
    let space = caller.enter(&app, &space, Wish::Read)?;
    let mut webhooks = space.live().webhooks.clone();
    webhooks.sort_by(|a, b| compare(a, b, &paging.order));
    let total = webhooks.len();
    let items =
        paging.cut(webhooks.iter().map(|webhook| shape::webhook_definition(&space.id, &webhook.record)));
    Ok(Reply::ok(shape::array(total, paging.skip, paging.limit, items)))
}

fn compare(a: &Webhook, b: &Webhook, order: &[Order]) -> Ordering {
    order.iter().fold(Ordering::Equal, |so_far, by| {
        so_far.then_with(|| {
            let ordering = compare_field(a, b, &by.field);
            if by.descending { ordering.reverse() } else { ordering }
        })
    })
}

fn compare_field(a: &Webhook, b: &Webhook, field: &str) -> Ordering {
    let (a, b) = (&a.record, &b.record);
    match field {
        // Webhooks made in the same millisecond keep the order of their making.
        "sys.createdAt" => (a.history.created.at_ms, a.uid).cmp(&(b.history.created.at_ms, b.uid)),
        "sys.updatedAt" => a.history.updated.at_ms.cmp(&b.history.updated.at_ms),
        "sys.version" => a.version.cmp(&b.version),
        "name" => a.name.cmp(&b.name),
        _ => a.id.cmp(&b.id),
    }
}

/// `POST …/webhook_definitions`: makes a webhook with an id of ours.
pub(super) async fn create(
    State(app): AppState,
    caller: Caller,
    Path(space): Path<String>,
    body: Body,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Manage)?;
    let body = read_json(body).await?;
    let webhook = definitions::create(&app, &caller, &space, &body).await?;
    let location = format!("/spaces/{}/webhook_definitions/{}", space.id, webhook.record.id);
    Ok(Reply::ok(shape::webhook_definition(&space.id, &webhook.record)).at(location))
}

/// `GET …/webhook_definitions/{webhook}`.
pub(super) async fn read(
    State(app): AppState,
    caller: Caller,
    Path((space, id)): Path<(String, String)>,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Read)?;
    let webhook = find(&space, &id)?;
    Ok(Reply::ok(shape::webhook_definition(&space.id, &webhook.record)))
}

/// `PUT …/webhook_definitions/{webhook}`: replaces the whole definition, or makes one with this id.
pub(super) async fn put(
    State(app): AppState,
    caller: Caller,
    Path((space, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Manage)?;
    check_id(&id, "A webhook's id")?;
    let expected = expected_version(&headers)?;
    let body = read_json(body).await?;
    let webhook = definitions::put(&app, &caller, &space, id, expected, &body).await?;
    Ok(Reply::ok(shape::webhook_definition(&space.id, &webhook.record)))
}

/// `DELETE …/webhook_definitions/{webhook}`.
pub(super) async fn delete(
    State(app): AppState,
    caller: Caller,
    Path((space, id)): Path<(String, String)>,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Manage)?;
    definitions::delete(&app, &space, &id).await?;
    Ok(Reply::no_content())
}
