//! Making and changing a webhook in a form.

mod conflict;
pub(super) mod draft;
mod filter_row;
pub(super) mod grid;
mod preview;
mod problems;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use bellwire_core::filter::CONTENTFUL_DOCS;
use hyper::StatusCode;

use self::conflict::{Line, compare};
use self::draft::Draft;
use self::filter_row::OPERATORS;
use self::grid::Grid;
use self::preview::Preview;
use self::problems::Problems;
use super::error::WebError;
use super::fields::{Fields, Submitted};
use super::frame::{Frame, Part};
use super::head::{Head, Tab};
use super::moment::Moment;
use super::session::User;
use super::{Page, Web, WebState, go, page, page_with};
use crate::app::{Fault, Wish, definitions};
use crate::limits::CALLS_PER_WEBHOOK;
use crate::store::record::WebhookRecord;
use crate::transform::{CONTENT_TYPES, METHODS};
use crate::webhooks::{ChangeError, Expected, Space, Webhook};

/// Blank rows that the form offers beside those in use.
const SPARE_ROWS: usize = 1;

#[derive(Template)]
#[template(path = "editor.html")]
struct EditorPage {
    frame: Frame,
    /// None for a webhook that is not there yet.
    head: Option<Head>,
    grid: Grid,
    draft: Draft,
    problems: Problems,
    preview: Option<Preview>,
    /// Lists of the form.
    docs: &'static [&'static str],
    operators: &'static [(&'static str, &'static str)],
    methods: Vec<String>,
    content_types: &'static [&'static str],
}

impl EditorPage {
    fn new(frame: Frame, head: Option<Head>, mut draft: Draft) -> EditorPage {
        let grid = Grid::of(&draft.topics);
        draft.filters.extend(vec![Default::default(); SPARE_ROWS]);
        draft.headers.extend(vec![Default::default(); SPARE_ROWS]);
        EditorPage {
            frame,
            head,
            grid,
            draft,
            problems: Problems::default(),
            preview: None,
            docs: &CONTENTFUL_DOCS,
            operators: &OPERATORS,
            methods: METHODS.iter().map(ToString::to_string).collect(),
            content_types: &CONTENT_TYPES,
        }
    }

    /// Where the form goes.
    fn action(&self) -> String {
        let space = self.frame.space_id();
        match &self.head {
            Some(head) => format!("/app/spaces/{space}/webhooks/{}", head.id),
            None => format!("/app/spaces/{space}/webhooks"),
        }
    }
}

/// `GET …/add`: a blank form, or a copy of another webhook.
pub(super) async fn blank(
    State(web): WebState,
    user: User,
    Path(space): Path<String>,
    query: Fields,
) -> Page {
    let space = user.enter(&web, &space, Wish::Manage)?;
    let draft = match query.text("copy") {
        "" => Draft::blank(),
        id => Draft::copy_of(&definitions::find(&space, id).map_err(WebError::from)?.record),
    };
    show_draft(&web, &user, &space, draft)
}

/// A form for a new webhook with this in it.
pub(super) fn show_draft(web: &Web, user: &User, space: &Space, draft: Draft) -> Page {
    let frame = Frame::new(web, user, Some(space), Part::Webhooks, &Fields::default());
    page(&EditorPage::new(frame, None, draft))
}

/// `GET …/webhooks/{webhook}`: its definition in the form.
pub(super) async fn show(
    State(web): WebState,
    user: User,
    Path((space, webhook)): Path<(String, String)>,
    query: Fields,
) -> Page {
    let space = user.enter(&web, &space, Wish::Read)?;
    let webhook = definitions::find(&space, &webhook).map_err(WebError::from)?;
    let frame = Frame::new(&web, &user, Some(&space), Part::Webhooks, &query);
    let head = head(&web, &webhook).await?;
    page(&EditorPage::new(frame, Some(head), Draft::of(&webhook.record)))
}

async fn head(web: &Web, webhook: &Webhook) -> Result<Head, WebError> {
    let calls = web.app.calls.page(webhook.record.uid, 0, CALLS_PER_WEBHOOK).await?.calls;
    Ok(Head::new(&web.app, webhook, &calls, Tab::Settings))
}

/// A form that was sent, and what it is about.
struct Sent {
    user: User,
    fields: Fields,
    space: Arc<Space>,
    was: Option<Arc<Webhook>>,
    draft: Draft,
}

impl Sent {
    fn new(sent: Submitted, space: Arc<Space>, was: Option<Arc<Webhook>>) -> Sent {
        let draft = Draft::typed(&sent.fields, was.as_ref().map(|was| &was.record));
        Sent { user: sent.user, fields: sent.fields, space, was, draft }
    }

    fn record(&self) -> Option<&WebhookRecord> {
        self.was.as_ref().map(|was| &was.record)
    }

    fn preview(&self, web: &Web, now_ms: u64) -> Result<Preview, WebError> {
        Preview::of(web, &self.space, &self.draft, self.record(), now_ms)
    }

    /// The form again, with what was typed.
    async fn again(&self, web: &Web, status: StatusCode, fill: impl FnOnce(&mut EditorPage)) -> Page {
        let frame = Frame::new(web, &self.user, Some(&self.space), Part::Webhooks, &Fields::default());
        let head = match &self.was {
            Some(was) => Some(head(web, was).await?),
            None => None,
        };
        let mut form = EditorPage::new(frame, head, self.draft.clone());
        fill(&mut form);
        page_with(status, &form)
    }
}

/// `POST …/webhooks`: makes a webhook.
pub(super) async fn create(State(web): WebState, Path(space): Path<String>, sent: Submitted) -> Page {
    let space = sent.user.enter(&web, &space, Wish::Manage)?;
    save(&web, Sent::new(sent, space, None)).await
}

/// `POST …/webhooks/{webhook}`: replaces its definition.
pub(super) async fn update(
    State(web): WebState,
    Path((space, webhook)): Path<(String, String)>,
    sent: Submitted,
) -> Page {
    let space = sent.user.enter(&web, &space, Wish::Manage)?;
    let webhook = definitions::find(&space, &webhook).map_err(WebError::from)?;
    save(&web, Sent::new(sent, space, Some(webhook))).await
}

async fn save(web: &Web, sent: Sent) -> Page {
    // Without scripts the form is sent for these, too.
    match sent.fields.text("do") {
        "preview" => {
            let preview = sent.preview(web, crate::clock::now_ms())?;
            return sent.again(web, StatusCode::OK, |form| form.preview = Some(preview)).await;
        }
        "filter" => {
            return sent
                .again(web, StatusCode::OK, |form| form.draft.filters.extend(vec![Default::default(); 3]))
                .await;
        }
        "header" => {
            return sent
                .again(web, StatusCode::OK, |form| form.draft.headers.extend(vec![Default::default(); 3]))
                .await;
        }
        _ => {}
    }
    match store(web, &sent).await {
        Ok(path) => go(path),
        Err(Fault::Invalid(problems)) => {
            let problems = Problems::of(&problems);
            sent.again(web, StatusCode::UNPROCESSABLE_ENTITY, |form| form.problems = problems).await
        }
        Err(Fault::Change(ChangeError::VersionMismatch { .. })) => show_conflict(web, &sent).await,
        Err(other) => Err(other.into()),
    }
}

/// Through the same functions as the API. Answers with the page to go on to.
async fn store(web: &Web, sent: &Sent) -> Result<String, Fault> {
    let json = sent.draft.to_json(sent.record()).map_err(Fault::Invalid)?;
    let caller = &sent.user.caller;
    let (webhook, done) = match &sent.was {
        None => (definitions::create(&web.app, caller, &sent.space, &json).await?, "made"),
        Some(was) => {
            let expected = sent.draft.version.map_or(Expected::Unsaid, Expected::Version);
            let id = was.record.id.clone();
            (definitions::put(&web.app, caller, &sent.space, id, expected, &json).await?, "saved")
        }
    };
    Ok(format!("/app/spaces/{}/webhooks/{}?done={done}", sent.space.id, webhook.record.id))
}

#[derive(Template)]
#[template(path = "conflict.html")]
struct ConflictPage {
    frame: Frame,
    head: Head,
    lines: Vec<Line>,
    /// Everything that was typed, to be sent again over the current version.
    fields: Vec<(String, String)>,
    current: u64,
    changed: Moment,
    changed_by: String,
}

async fn show_conflict(web: &Web, sent: &Sent) -> Page {
    let id = sent.record().map_or("", |record| &record.id);
    let current = definitions::find(&sent.space, id).map_err(WebError::from)?;
    let frame = Frame::new(web, &sent.user, Some(&sent.space), Part::Webhooks, &Fields::default());
    let kept = |(name, _): &&(String, String)| !["csrf", "version", "do"].contains(&name.as_str());
    let record = &current.record;
    let conflict = ConflictPage {
        lines: compare(&sent.draft, &Draft::of(record)),
        fields: sent.fields.0.iter().filter(kept).cloned().collect(),
        current: record.version,
        changed: Moment::new(record.history.updated.at_ms, frame.now_ms),
        changed_by: record.history.updated.by.clone(),
        head: head(web, &current).await?,
        frame,
    };
    page_with(StatusCode::CONFLICT, &conflict)
}

#[derive(Template)]
#[template(path = "_preview.html")]
struct PreviewPart {
    frame: Frame,
    preview: Preview,
}

/// `POST …/preview`: the preview alone, for the script that asks while somebody types.
pub(super) async fn preview(State(web): WebState, Path(space): Path<String>, sent: Submitted) -> Page {
    let space = sent.user.enter(&web, &space, Wish::Manage)?;
    let was = space.live().webhook(sent.fields.text("id")).cloned();
    let sent = Sent::new(sent, space, was);
    let frame = Frame::new(&web, &sent.user, Some(&sent.space), Part::Webhooks, &Fields::default());
    let preview = sent.preview(&web, frame.now_ms)?;
    page(&PreviewPart { frame, preview })
}
