//! What surrounds every page: who is signed in, which space, where one is, what was just done.

use std::sync::Arc;

use super::Web;
use super::fields::Fields;
use super::session::User;
use crate::app::Wish;
use crate::clock;
use crate::webhooks::Space;

/// Spaces that the switcher offers; all of them are on the first page.
const SWITCHER_MAX: usize = 100;

/// A part of a space's pages, as the navigation marks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Webhooks,
    Events,
    Send,
    Templates,
    Settings,
    /// No space yet.
    Home,
}

/// A space as the switcher names it.
pub(super) struct SpaceName {
    pub(super) id: String,
    pub(super) name: String,
}

impl SpaceName {
    pub(super) fn of(space: &Space) -> SpaceName {
        SpaceName { id: space.id.clone(), name: space.record().name.clone() }
    }
}

/// The surroundings of a page.
pub(super) struct Frame {
    pub(super) part: Part,
    pub(super) csrf: String,
    pub(super) user: String,
    pub(super) role: &'static str,
    pub(super) space: Option<SpaceName>,
    /// Further spaces that the user may go to.
    pub(super) others: Vec<SpaceName>,
    pub(super) notice: Option<&'static str>,
    pub(super) can_read: bool,
    pub(super) can_publish: bool,
    pub(super) can_manage: bool,
    pub(super) now_ms: u64,
}

impl Frame {
    /// The surroundings of a page of a space, or of one outside of any.
    pub(super) fn new(web: &Web, user: &User, space: Option<&Space>, part: Part, query: &Fields) -> Frame {
        let mut spaces: Vec<Arc<Space>> = user.caller.spaces(&web.app);
        spaces.truncate(SWITCHER_MAX);
        let is_this = |other: &Space| space.is_some_and(|space| space.uid == other.uid);
        Frame {
            part,
            csrf: user.csrf.expose().to_owned(),
            user: user.caller.0.name.clone(),
            role: user.caller.0.role.name(),
            space: space.map(SpaceName::of),
            others: spaces.iter().filter(|other| !is_this(other)).map(|other| SpaceName::of(other)).collect(),
            notice: notice(query.text("done")),
            can_read: user.may(Wish::Read),
            can_publish: user.may(Wish::Publish),
            can_manage: user.may(Wish::Manage),
            now_ms: clock::now_ms(),
        }
    }

    /// Id of the page's space.
    pub(super) fn space_id(&self) -> &str {
        self.space.as_ref().map_or("", |space| &space.id)
    }

    /// The navigation: the parts of the space that the user may see.
    pub(super) fn items(&self) -> impl Iterator<Item = Item> {
        let rows = [
            (Part::Webhooks, "webhooks", "Webhooks", self.can_read),
            (Part::Events, "events", "Events", self.can_read),
            (Part::Send, "send", "Send", self.can_publish),
            (Part::Templates, "templates", "Templates", self.can_manage),
            (Part::Settings, "settings", "Settings", self.can_read),
        ];
        let seen = rows.into_iter().filter(|(_, _, _, seen)| *seen);
        seen.map(|(part, path, label, _)| Item { path, label, current: part == self.part })
    }
}

/// One entry of the navigation.
pub(super) struct Item {
    pub(super) path: &'static str,
    pub(super) label: &'static str,
    pub(super) current: bool,
}

/// What was just done, in words: addresses carry only a name.
fn notice(done: &str) -> Option<&'static str> {
    const NOTICES: [(&str, &str); 12] = [
        ("made", "The webhook is made."),
        ("saved", "Saved."),
        ("deleted", "The webhook is deleted."),
        ("on", "The webhook is active: calls are made."),
        ("off", "The webhook is inactive: no calls are made."),
        ("resent", "Sent again: the new attempt appears as soon as it has ended."),
        ("secret-removed", "The signing secret is removed: calls are no longer signed."),
        ("policy", "The retry policy is saved."),
        ("policy-removed", "The default retry policy is back."),
        ("revoked", "The token is revoked."),
        ("space", "The space is made."),
        ("sent", "The event is accepted."),
    ];
    NOTICES.into_iter().find(|(name, _)| *name == done).map(|(_, words)| words)
}
