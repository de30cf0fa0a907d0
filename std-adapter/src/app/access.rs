//! Who calls, and what that caller may do in which space.

use std::sync::Arc;

use super::{App, Fault};
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
    /// Whether a role may do this.
    pub fn allowed_to(self, role: Role) -> bool {
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
    /// The space with this id, if the caller may do what it wishes there. A space that the token does not belong to
    /// is answered like one that does not exist.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub fn enter(&self, app: &App, space_id: &str, wish: Wish) -> Result<Arc<Space>, Fault> {
        let space = app.registry.space(space_id).filter(|space| self.sees(space));
        let space = space.ok_or_else(|| Fault::not_found("Space", space_id, space_id))?;
        if !wish.allowed_to(self.0.role) {
            let role = self.0.role.name();
            return Err(Fault::Denied(format!("A token with the role {role} may not {}.", wish.words())));
        }
        Ok(space)
    }

    /// Whether the token belongs to the space, or to all.
    pub fn sees(&self, space: &Space) -> bool {
        self.0.space_uid.is_none_or(|uid| uid == space.uid)
    }

    /// The spaces that the caller may enter, oldest first.
    pub fn spaces(&self, app: &App) -> Vec<Arc<Space>> {
        let mut spaces = app.registry.spaces();
        spaces.retain(|space| self.sees(space));
        spaces
    }

    /// Passes for the admin token only.
    ///
    /// # Errors
    /// `Denied`.
    pub fn require_admin(&self, what: &str) -> Result<(), Fault> {
        match self.0.role {
            Role::Admin => Ok(()),
            _ => Err(Fault::Denied(format!("Only the admin token may {what}."))),
        }
    }

    /// This caller, now.
    pub fn stamp(&self) -> Stamp {
        Stamp { at_ms: clock::now_ms(), by: self.0.id.clone() }
    }
}
