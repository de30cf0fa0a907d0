//! The first page: spaces to choose from, and a new one for the admin.

use askama::Template;
use axum::extract::State;
use bellwire_core::id::Id;

use super::fields::{Fields, Submitted};
use super::frame::{Frame, Part, SpaceName};
use super::session::User;
use super::{Page, Web, WebState, go, page};
use crate::app::Wish;
use crate::webhooks::Expected;
use crate::webhooks::definition::check_name;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    frame: Frame,
    spaces: Vec<SpaceName>,
    can_make: bool,
    name: &'a str,
    id: &'a str,
    problem: Option<String>,
}

/// `GET /app`: on to the only space, or the list of all.
pub(super) async fn home(State(web): WebState, user: User) -> Page {
    let spaces = user.caller.spaces(&web.app);
    match &spaces[..] {
        [only] if user.caller.0.space_uid.is_some() => go(first_page(&user, &only.id)),
        _ => show(&web, &user, "", "", None),
    }
}

/// Where a user begins in a space: publishers see only where to publish.
fn first_page(user: &User, space: &str) -> String {
    let part = if user.may(Wish::Read) { "webhooks" } else { "send" };
    format!("/app/spaces/{space}/{part}")
}

fn show(web: &Web, user: &User, name: &str, id: &str, problem: Option<String>) -> Page {
    let frame = Frame::new(web, user, None, Part::Home, &Fields::default());
    let can_make = user.caller.require_admin("").is_ok();
    let spaces = user.caller.spaces(&web.app).iter().map(|space| SpaceName::of(space)).collect();
    page(&HomePage { frame, spaces, can_make, name, id, problem })
}

/// `GET /app/switch?space=`: the space switcher's target.
pub(super) async fn switch(State(web): WebState, user: User, query: Fields) -> Page {
    let space = user.enter(&web, query.text("space"), Wish::Enter)?;
    go(first_page(&user, &space.id))
}

/// `POST /app/spaces`: makes a space.
pub(super) async fn create(State(web): WebState, sent: Submitted) -> Page {
    let caller = &sent.user.caller;
    caller.require_admin("make spaces")?;
    let (name, id) = (sent.fields.text("name").trim(), sent.fields.text("id").trim());
    let id = if id.is_empty() { web.app.ids.next_text() } else { id.to_owned() };
    let problem =
        check_name(name).err().or_else(|| Id::parse(&id).err().map(|cause| format!("The id: {cause}")));
    let taken = || web.app.registry.space(&id).map(|_| format!("There is a space with the id {id} already."));
    if let Some(problem) = problem.or_else(taken) {
        return show(&web, &sent.user, name, sent.fields.text("id"), Some(problem));
    }
    let made = web.app.registry.put_space(&id, name, Expected::Unsaid, caller.stamp()).await;
    let space = made.map_err(crate::app::Fault::from)?;
    go(format!("/app/spaces/{}/webhooks?done=space", space.id))
}
