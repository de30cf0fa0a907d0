//! Access tokens of a space: make, revoke.

use super::{App, Caller, Fault};
use crate::secret::Secret;
use crate::store::record::{Role, TokenRecord};
use crate::tokens::TokenError;
use crate::webhooks::Space;

/// Roles that a token of a space can have.
pub const ROLES: [Role; 3] = [Role::Manage, Role::Publish, Role::Read];

/// The role with this name, if a token of a space can have it.
pub fn role_named(name: &str) -> Option<Role> {
    ROLES.into_iter().find(|role| role.name() == name)
}

/// Makes a token; its text can be seen only now.
///
/// # Errors
/// `Token`.
pub async fn create(
    app: &App,
    caller: &Caller,
    space: &Space,
    role: Role,
    name: String,
) -> Result<(Secret, TokenRecord), Fault> {
    Ok(app.tokens.create(space.uid, role, name, caller.stamp()).await?)
}

/// Takes a token away.
///
/// # Errors
/// `NotFound`, `Token`.
pub async fn revoke(app: &App, space: &Space, id: &str) -> Result<(), Fault> {
    app.tokens.revoke(space.uid, id).await.map_err(|error| match error {
        TokenError::NotFound => Fault::not_found("AccessToken", id, &space.id),
        other => other.into(),
    })
}
