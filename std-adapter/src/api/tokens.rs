//! Access tokens of a space: make, list, revoke.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use serde_json::Value;

use super::access::{Caller, Wish};
use super::error::ApiError;
use super::query::{CREATION, Paging, read_json};
use super::spaces::parse_name;
use super::{Answer, AppState, Reply, shape};
use crate::problem::Problem;
use crate::store::record::Role;
use crate::tokens::TokenError;

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
    let name = parse_name(&body, Some(shape::role(role)))?;
    let (text, record) = app.tokens.create(space.uid, role, name, caller.stamp()).await?;
    Ok(Reply::ok(shape::token(&space.id, &record, Some(&text))))
}

fn parse_role(value: &Value) -> Result<Role, ApiError> {
    let roles = [Role::Manage, Role::Publish, Role::Read];
    let role = roles.into_iter().find(|role| value.as_str() == Some(shape::role(*role)));
    role.ok_or_else(|| {
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
    app.tokens.revoke(space.uid, &token).await.map_err(|error| match error {
        TokenError::NotFound => ApiError::not_found("AccessToken", &token, &space.id),
        other => other.into(),
    })?;
    Ok(Reply::no_content())
}
