//! The kept events: list them, read one, and ask why a webhook gets it or not.

use axum::extract::{Path, RawQuery, State};
use serde_json::json;
use url::form_urlencoded;

use super::error::ApiError;
use super::query::Paging;
use super::{Answer, AppState, Reply, shape};
use crate::app::{Caller, Wish, events};
use crate::id;

/// `GET …/events`: newest first. `before` takes the id of an event and asks for older ones; events are many, so there
/// is no `skip` and no total.
pub(super) async fn list(
    State(app): AppState,
    caller: Caller,
    Path(space): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let paging = Paging::parse(query.as_deref(), &[])?;
    let before = parse_before(query.as_deref())?;
    let space = caller.enter(&app, &space, Wish::Read)?;
    let live = space.live();
    let outline = |event| shape::event_overview(&space.id, &event, &live);
    let items = events::newest(&app, &space, before, paging.limit, outline)?;
    let mut object = json!({"sys": {"type": "Array"}, "limit": paging.limit});
    if items.len() == paging.limit
        && let Some(last) = items.last()
    {
        object["next"] = last["sys"]["id"].clone();
    }
    object["items"] = items.into();
    Ok(Reply::ok(object))
}

fn parse_before(query: Option<&str>) -> Result<Option<u128>, ApiError> {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let Some((_, before)) = pairs.find(|(name, _)| name == "before") else { return Ok(None) };
    id::from_text(&before).map(Some).ok_or_else(|| {
        ApiError::InvalidQuery(
            "The value provided for \"before\" is invalid. Please provide an event's id".into(),
        )
    })
}

/// `GET …/events/{event}`.
pub(super) async fn read(
    State(app): AppState,
    caller: Caller,
    Path((space, event)): Path<(String, String)>,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Read)?;
    let event = events::find(&app, &space, &event)?;
    Ok(Reply::ok(shape::event_details(&space.id, &event, &space.live())))
}

/// `GET …/events/{event}/explain`: for each webhook of the space, as they are now, the reason.
pub(super) async fn explain(
    State(app): AppState,
    caller: Caller,
    Path((space, event)): Path<(String, String)>,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Read)?;
    let event = events::find(&app, &space, &event)?;
    let items: Vec<_> = event.explain(&space.live()).iter().map(shape::explanation).collect();
    Ok(Reply::ok(shape::array(items.len(), 0, items.len(), items)))
}
