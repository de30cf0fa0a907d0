//! Sending a test event: with a sample or a payload of one's own, at once or as an editor saves while somebody types.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use hyper::StatusCode;

use super::editor::grid;
use super::error::WebError;
use super::fields::{Fields, Submitted};
use super::frame::{Frame, Part};
use super::head::{Head, Tab};
use super::samples;
use super::session::User;
use super::{Page, Web, WebState, go, page, page_with};
use crate::app::events::{Event, Explanation};
use crate::app::{Fault, Wish, definitions};
use crate::clock;
use crate::id;
use crate::ingest::{self, Accepted, DEFAULT_ENVIRONMENT, Incoming, Refusal};
use crate::limits::CALLS_PER_WEBHOOK;
use crate::webhooks::Space;

/// An editor saves a document by itself at most this often.
pub(super) const AUTO_SAVE_EVERY: Duration = Duration::from_secs(20);
/// Documents whose last automatic saving is remembered.
const DOCUMENTS_MAX: usize = 1_000;

/// When each document was last saved automatically.
#[derive(Default)]
pub(super) struct AutoSaves(Mutex<HashMap<(u64, String), u64>>);

impl AutoSaves {
    /// Takes the turn of a document, or answers with the milliseconds until it comes.
    fn take(&self, space_uid: u64, document: String, now_ms: u64) -> Result<(), u64> {
        let every_ms = AUTO_SAVE_EVERY.as_millis() as u64;
        let mut saves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if saves.len() >= DOCUMENTS_MAX {
            saves.retain(|_, at_ms| now_ms.saturating_sub(*at_ms) < every_ms);
        }
        let key = (space_uid, document);
        if let Some(at_ms) = saves.get(&key)
            && now_ms.saturating_sub(*at_ms) < every_ms
        {
            return Err(at_ms + every_ms - now_ms);
        }
        // With as many documents at work in one stretch, one more is refused for as long.
        if saves.len() >= DOCUMENTS_MAX {
            return Err(every_ms);
        }
        saves.insert(key, now_ms);
        Ok(())
    }
}

#[derive(Template)]
#[template(path = "send.html")]
struct SendPage {
    frame: Frame,
    /// The webhook whose tab this is, if it is one's.
    head: Option<Head>,
    kind: String,
    action: String,
    environment: String,
    payload: String,
    problem: Option<String>,
    said: Option<Said>,
    verdicts: Option<Vec<Explanation>>,
    kinds: Vec<(&'static str, &'static str)>,
    actions: &'static [&'static str],
    auto_save_seconds: u64,
}

/// What became of something that was sent from the page.
struct Said {
    text: String,
    event: Option<String>,
}

impl SendPage {
    async fn new(web: &Web, user: &User, place: &Place, query: &Fields) -> Result<SendPage, WebError> {
        let part = if place.webhook.is_some() { Part::Webhooks } else { Part::Send };
        let frame = Frame::new(web, user, Some(&place.space), part, query);
        let or = |name, otherwise: &str| match query.text(name).trim() {
            "" => otherwise.to_owned(),
            given => given.to_owned(),
        };
        Ok(SendPage {
            head: place.head(web).await?,
            kind: or("kind", "Entry"),
            action: or("action", "publish"),
            environment: or("environment", DEFAULT_ENVIRONMENT),
            payload: query.text("payload").to_owned(),
            problem: None,
            said: None,
            verdicts: None,
            kinds: grid::types().map(|(kind, label, _)| (kind, label)).collect(),
            actions: &grid::ACTIONS,
            auto_save_seconds: AUTO_SAVE_EVERY.as_secs(),
            frame,
        })
    }

    fn topic(&self) -> String {
        format!("{}.{}", self.kind, self.action)
    }

    fn take_sample(&mut self) {
        let sample = samples::payload(self.frame.space_id(), &self.kind, &self.action, self.frame.now_ms);
        self.payload = serde_json::to_string_pretty(&sample).unwrap_or_default();
    }

    fn incoming(&self, user: &User) -> Incoming {
        Incoming {
            environment: Some(self.environment.clone()),
            publisher: user.caller.0.id.clone(),
            ..Incoming::new(self.topic(), self.payload.clone())
        }
    }
}

/// Where an event is sent from: a space, or the tab of a webhook.
struct Place {
    space: std::sync::Arc<Space>,
    webhook: Option<String>,
}

impl Place {
    async fn head(&self, web: &Web) -> Result<Option<Head>, WebError> {
        let Some(id) = &self.webhook else { return Ok(None) };
        let webhook = definitions::find(&self.space, id)?;
        let calls = web.app.calls.page(webhook.record.uid, 0, CALLS_PER_WEBHOOK).await?.calls;
        Ok(Some(Head::new(&web.app, &webhook, &calls, Tab::Test)))
    }
}

/// `GET …/send`.
pub(super) async fn form(State(web): WebState, user: User, Path(space): Path<String>, query: Fields) -> Page {
    let space = user.enter(&web, &space, Wish::Publish)?;
    show_form(&web, &user, Place { space, webhook: None }, &query).await
}

/// `GET …/webhooks/{webhook}/test`.
pub(super) async fn test_form(
    State(web): WebState,
    user: User,
    Path((space, webhook)): Path<(String, String)>,
    query: Fields,
) -> Page {
    let space = user.enter(&web, &space, Wish::Read)?;
    show_form(&web, &user, Place { space, webhook: Some(webhook) }, &query).await
}

async fn show_form(web: &Web, user: &User, place: Place, query: &Fields) -> Page {
    let mut form = SendPage::new(web, user, &place, query).await?;
    form.take_sample();
    if form.frame.can_read {
        form.verdicts = explain(&form, user, &place.space).ok();
    }
    page(&form)
}

/// `POST …/send`.
pub(super) async fn submit(State(web): WebState, Path(space): Path<String>, sent: Submitted) -> Page {
    let space = sent.user.enter(&web, &space, Wish::Publish)?;
    act(&web, sent, Place { space, webhook: None }).await
}

/// `POST …/webhooks/{webhook}/test`.
pub(super) async fn test_submit(
    State(web): WebState,
    Path((space, webhook)): Path<(String, String)>,
    sent: Submitted,
) -> Page {
    let space = sent.user.enter(&web, &space, Wish::Publish)?;
    act(&web, sent, Place { space, webhook: Some(webhook) }).await
}

async fn act(web: &Web, sent: Submitted, place: Place) -> Page {
    let mut form = SendPage::new(web, &sent.user, &place, &sent.fields).await?;
    let user = &sent.user;
    match sent.fields.text("do") {
        "sample" => form.take_sample(),
        "preview" => {}
        "save" => return editor_save(web, user, &place, form, "save").await,
        "auto_save" => return editor_save(web, user, &place, form, "auto_save").await,
        _ => return send(web, user, &place, form).await,
    }
    match explain(&form, user, &place.space) {
        Ok(verdicts) => form.verdicts = form.frame.can_read.then_some(verdicts),
        Err(refusal) => return refused(form, &refusal),
    }
    page(&form)
}

/// What each webhook would say to the event.
fn explain(form: &SendPage, user: &User, space: &Space) -> Result<Vec<Explanation>, Refusal> {
    let record = ingest::check(&form.incoming(user), form.frame.now_ms)?;
    let mut verdicts = Event::new(0, record).explain(&space.live());
    verdicts.sort_by_key(|verdict| !verdict.reason.is_match());
    Ok(verdicts)
}

fn refused(mut form: SendPage, refusal: &Refusal) -> Page {
    form.problem = Some(refusal.to_string());
    page_with(StatusCode::UNPROCESSABLE_ENTITY, &form)
}

/// Publishes the event and goes on to where its calls arrive.
async fn send(web: &Web, user: &User, place: &Place, mut form: SendPage) -> Page {
    match accept(web, place, form.incoming(user)).await? {
        Err(refusal) => refused(form, &refusal),
        Ok(accepted) if form.frame.can_read => {
            let event = id::to_text(accepted.event_id);
            go(format!("/app/spaces/{}/events/{event}?done=sent", place.space.id))
        }
        Ok(accepted) => {
            form.said = Some(told(&form.topic(), &accepted));
            page(&form)
        }
    }
}

/// What is wrong with the event comes back; what is wrong with the server is a page of its own.
async fn accept(web: &Web, place: &Place, incoming: Incoming) -> Result<Result<Accepted, Refusal>, WebError> {
    match web.app.ingest.accept(place.space.clone(), incoming).await {
        Err(cause @ (Refusal::Commit(_) | Refusal::Store(_))) => Err(Fault::from(cause).into()),
        other => Ok(other),
    }
}

fn told(topic: &str, accepted: &Accepted) -> Said {
    let whom = match accepted.webhooks.len() {
        0 => "no webhook wants it".to_owned(),
        1 => "it goes to one webhook".to_owned(),
        many => format!("it goes to {many} webhooks"),
    };
    Said { text: format!("{topic} is accepted; {whom}."), event: Some(id::to_text(accepted.event_id)) }
}

/// Publishes what an editor publishes while a document is worked on. The page stays.
async fn editor_save(web: &Web, user: &User, place: &Place, mut form: SendPage, action: &str) -> Page {
    let incoming = Incoming { topic: format!("{}.{action}", form.kind), ..form.incoming(user) };
    let record = match ingest::check(&incoming, form.frame.now_ms) {
        Ok(record) => record,
        Err(refusal) => return refused(form, &refusal),
    };
    if action == "auto_save" {
        let document = format!("{}/{}", form.kind, record.entity_id.unwrap_or_default());
        if let Err(wait_ms) = web.auto_saves.take(place.space.uid, document, clock::now_ms()) {
            let text = format!(
                "Not saved automatically yet: at most once in {} s, next in {} s.",
                AUTO_SAVE_EVERY.as_secs(),
                wait_ms.div_ceil(1_000)
            );
            form.said = Some(Said { text, event: None });
            return page_with(StatusCode::TOO_MANY_REQUESTS, &form);
        }
    }
    let topic = incoming.topic.clone();
    match accept(web, place, incoming).await? {
        Err(refusal) => refused(form, &refusal),
        Ok(accepted) => {
            form.said = Some(told(&topic, &accepted));
            page(&form)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_saved_automatically_once_in_a_while() {
        let saves = AutoSaves::default();
        let document = || "Entry/e".to_owned();
        assert_eq!(saves.take(1, document(), 0), Ok(()));
        assert_eq!(saves.take(1, document(), 15_000), Err(5_000));
        assert_eq!(saves.take(1, "Entry/other".into(), 15_000), Ok(()));
        assert_eq!(saves.take(2, document(), 15_000), Ok(()));
        assert_eq!(saves.take(1, document(), 20_000), Ok(()));
    }

    #[test]
    fn the_number_of_documents_is_bounded() {
        let saves = AutoSaves::default();
        let turns = (0..2 * DOCUMENTS_MAX).filter(|n| saves.take(1, n.to_string(), 0).is_ok()).count();
        assert_eq!(turns, DOCUMENTS_MAX);
        assert_eq!(saves.take(1, "later".into(), 20_000), Ok(()));
    }
}
