//! Spaces and environments: the objects that clients fetch before anything else.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use bellwire_core::id::Id;
use serde_json::Value;

use super::error::ApiError;
use super::query::{CREATION, Paging, expected_version, read_json};
use super::{Answer, AppState, Reply, shape};
use crate::app::{Caller, Wish};
use crate::ingest::DEFAULT_ENVIRONMENT;
use crate::problem::Problem;
use crate::webhooks::definition::check_name;
use crate::webhooks::{Expected, Space};

/// `GET /spaces`: those that the token may see, oldest first unless the caller says otherwise.
pub(super) async fn list(State(app): AppState, caller: Caller, RawQuery(query): RawQuery) -> Answer {
    let paging = Paging::parse(query.as_deref(), &CREATION)?;
    let mut spaces = caller.spaces(&app);
    if paging.descending() == Some(true) {
        spaces.reverse();
    }
    let total = spaces.len();
    let items = paging.cut(spaces.into_iter().map(|space| shape::space(&space.record())));
    Ok(Reply::ok(shape::array(total, paging.skip, paging.limit, items)))
}

/// `POST /spaces`: makes a space with an id of ours.
pub(super) async fn create(State(app): AppState, caller: Caller, body: Body) -> Answer {
    caller.require_admin("make spaces")?;
    let name = parse_name(&read_json(body).await?, None)?;
    let space = app.registry.put_space(&app.ids.next_text(), &name, Expected::Unsaid, caller.stamp()).await?;
    Ok(Reply::ok(shape::space(&space.record())))
}

/// `GET /spaces/{space}`.
pub(super) async fn read(State(app): AppState, caller: Caller, Path(space): Path<String>) -> Answer {
    let space = caller.enter(&app, &space, Wish::Enter)?;
    Ok(Reply::ok(shape::space(&space.record())))
}

/// `PUT /spaces/{space}`: makes a space with this id, or renames it.
pub(super) async fn put(
    State(app): AppState,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    caller.require_admin("make or rename spaces")?;
    check_id(&id, "A space's id")?;
    let expected = expected_version(&headers)?;
    let name = parse_name(&read_json(body).await?, Some(&id))?;
    let space = app.registry.put_space(&id, &name, expected, caller.stamp()).await?;
    Ok(Reply::ok(shape::space(&space.record())))
}

/// `GET /spaces/{space}/environments`: `master`. Others need no making: they are labels on events.
pub(super) async fn environments(
    State(app): AppState,
    caller: Caller,
    Path(space): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let paging = Paging::parse(query.as_deref(), &CREATION)?;
    let space = caller.enter(&app, &space, Wish::Enter)?;
    let master = shape::environment(&space.record(), DEFAULT_ENVIRONMENT);
    Ok(Reply::ok(shape::array(1, paging.skip, paging.limit, paging.cut(std::iter::once(master)))))
}

/// `GET /spaces/{space}/environments/{environment}`.
pub(super) async fn environment(
    State(app): AppState,
    caller: Caller,
    Path((space, environment)): Path<(String, String)>,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Enter)?;
    find_environment(&space, &environment)?;
    Ok(Reply::ok(shape::environment(&space.record(), &environment)))
}

/// Every well-formed id is an environment.
fn find_environment(space: &Space, id: &str) -> Result<(), ApiError> {
    Id::parse(id).map(drop).map_err(|_| ApiError::not_found("Environment", id, &space.id))
}

/// `GET /spaces/{space}/environments/{environment}/tags`: none; importers ask for them.
pub(super) async fn tags(
    State(app): AppState,
    caller: Caller,
    Path((space, environment)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer {
    let paging = Paging::parse(query.as_deref(), &["sys.createdAt", "sys.id", "name"])?;
    let space = caller.enter(&app, &space, Wish::Enter)?;
    find_environment(&space, &environment)?;
    Ok(Reply::ok(shape::array(0, paging.skip, paging.limit, Vec::new())))
}

/// Checks an id that a caller chose.
pub(super) fn check_id(id: &str, what: &str) -> Result<(), ApiError> {
    match Id::parse(id) {
        Ok(_) => Ok(()),
        Err(problem) => Err(ApiError::Validation(vec![Problem::invalid(
            "sys.id",
            format!("{what} is not valid: {problem}"),
            &Value::from(id),
        )])),
    }
}

/// The name in `{"name": …}`; without one, `otherwise`.
pub(super) fn parse_name(body: &Value, otherwise: Option<&str>) -> Result<String, ApiError> {
    let refuse = |problem: Problem| ApiError::Validation(vec![problem]);
    let name = match body.get("name").filter(|name| !name.is_null()) {
        Some(Value::String(name)) => name,
        Some(other) => return Err(refuse(Problem::invalid("name", "\"name\" must be a string", other))),
        None => otherwise
            .ok_or_else(|| refuse(Problem::new("required", "name", "The property \"name\" is required")))?,
    };
    check_name(name).map_err(|broken| refuse(Problem::invalid("name", broken, &Value::from(name))))?;
    Ok(name.to_owned())
}
