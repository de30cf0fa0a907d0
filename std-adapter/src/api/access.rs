//! Who calls, and what that caller may do in which space.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use hyper::header::AUTHORIZATION;

use super::App;
use super::error::ApiError;
use crate::clock;
use crate::store::record::{Role, Stamp, TokenRecord};
use crate::webhooks::Space;

/// What a request wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Look at the space object itself: anybody with a token of the space.
    Enter,
    /// Read definitions, calls, health and settings.
    Read,
    /// Publish events.
    Publish,
    /// Change anything.
    Manage,
}

impl Wish {
    fn allowed_to(self, role: Role) -> bool {
        match role {
            Role::Admin | Role::Manage => true,
            Role::Read => matches!(self, Wish::Enter | Wish::Read),
            Role::Publish => matches!(self, Wish::Enter | Wish::Publish),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Wish::Enter => "enter the space",
            Wish::Read => "read",
            Wish::Publish => "publish events",
            Wish::Manage => "change anything",
        }
    }
}

/// The token behind a request.
#[derive(Clone, Debug)]
pub struct Caller(pub Arc<TokenRecord>);

impl Caller {
    /// The token that the `Authorization` header shows, if it is a known one.
    pub fn identify(app: &App, headers: &HeaderMap) -> Option<Caller> {
        let shown = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = shown.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        app.tokens.authenticate(token.trim()).map(Caller)
    }

    /// The space with this id, if the caller may do what it wishes there. A space that the token does not belong to
    /// is answered like one that does not exist.
    ///
    /// # Errors
    /// `NotFound`, `AccessDenied`.
    pub fn enter(&self, app: &App, space_id: &str, wish: Wish) -> Result<Arc<Space>, ApiError> {
        let space =
            app.registry.space(space_id).filter(|space| self.0.space_uid.is_none_or(|uid| uid == space.uid));
        let space = space.ok_or_else(|| ApiError::not_found("Space", space_id, space_id))?;
        if !wish.allowed_to(self.0.role) {
            let role = super::shape::role(self.0.role);
            return Err(ApiError::AccessDenied(format!(
                "A token with the role {role} may not {}.",
                wish.words()
            )));
        }
        Ok(space)
    }

    /// Passes for the admin token only.
    ///
    /// # Errors
    /// `AccessDenied`.
    pub fn require_admin(&self, what: &str) -> Result<(), ApiError> {
        match self.0.role {
            Role::Admin => Ok(()),
            _ => Err(ApiError::AccessDenied(format!("Only the admin token may {what}."))),
        }
    }

    /// This caller, now.
    pub fn stamp(&self) -> Stamp {
        Stamp { at_ms: clock::now_ms(), by: self.0.id.clone() }
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Caller, ApiError> {
        parts.extensions.get::<Caller>().cloned().ok_or(ApiError::TokenInvalid)
    }
}
