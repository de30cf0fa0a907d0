//! Access tokens of a space: make, list, revoke.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use serde_json::Value;

use super::error::ApiError;
use super::query::{CREATION, Paging, read_json};
use super::spaces::parse_name;
use super::{Answer, AppState, Reply, shape};
use crate::app::tokens::role_named;
use crate::app::{self, Caller, Wish};
use crate::problem::Problem;
use crate::store::record::Role;

/// `GET …/tokens`: oldest first unless the caller says otherwise, without their texts.
pub(super) async fn list(
    State(app): AppState,
    caller: Caller,
    Path(space): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let paging = Paging::parse(query.as_deref(), &CREATION)?;
    let space = caller.enter(&app, &space, Wish::Manage)?;
    let mut tokens = app.tokens.list(space.uid);
    if paging.descending() == Some(true) {
        tokens.reverse();
    }
    let items = paging.cut(tokens.iter().map(|token| shape::token(&space.id, token, None)));
    Ok(Reply::ok(shape::array(tokens.len(), paging.skip, paging.limit, items)))
}

/// `POST …/tokens` with `{"role": "manage" | "publish" | "read", "name": …}`: the answer is the only one that holds
/// the token's text.
pub(super) async fn create(
    State(app): AppState,
    caller: Caller,
    Path(space): Path<String>,
    body: Body,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Manage)?;
    let body = read_json(body).await?;
    let role = parse_role(body.get("role").unwrap_or(&Value::Null))?;
    let name = parse_name(&body, Some(role.name()))?;
    let (text, record) = app::tokens::create(&app, &caller, &space, role, name).await?;
    Ok(Reply::ok(shape::token(&space.id, &record, Some(&text))))
}

fn parse_role(value: &Value) -> Result<Role, ApiError> {
    value.as_str().and_then(role_named).ok_or_else(|| {
        ApiError::Validation(vec![Problem::invalid(
            "role",
            "\"role\" must be manage, publish or read",
            value,
        )])
    })
}

/// `DELETE …/tokens/{token}`.
pub(super) async fn revoke(
    State(app): AppState,
    caller: Caller,
    Path((space, token)): Path<(String, String)>,
) -> Answer {
    let space = caller.enter(&app, &space, Wish::Manage)?;
    app::tokens::revoke(&app, &space, &token).await?;
    Ok(Reply::no_content())
}
