//! The web app: server-rendered pages over the same functions as the API. Every page works without scripts.

mod assets;
mod body;
mod call;
mod chart;
mod curl;
mod editor;
mod error;
mod events;
mod fields;
mod frame;
mod head;
mod layer;
mod link;
mod live;
mod log;
mod moment;
mod recipes;
mod samples;
mod send;
mod session;
mod settings;
mod sign_in;
mod spaces;
mod standing;
mod triggers;
mod webhooks;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hyper::StatusCode;
use tokio::sync::{Semaphore, watch};
use tower_http::compression::CompressionLayer;

use self::assets::Assets;
use self::error::WebError;
use self::link::Links;
use self::recipes::Recipe;
use self::send::AutoSaves;
use self::session::{Cookies, Sessions};
use crate::app::App;
use crate::clock;
use crate::secret::Secret;

/// Where the pages are.
const HOME: &str = "/app";

/// Everything that the pages work with.
pub struct Web {
    app: Arc<App>,
    assets: Assets,
    sessions: Sessions,
    cookies: Cookies,
    links: Links,
    recipes: Vec<Recipe>,
    auto_saves: AutoSaves,
    /// Places for live streams.
    streams: Arc<Semaphore>,
    closing: watch::Sender<bool>,
    /// Where people reach the server, for the commands that pages show.
    origin: String,
}

impl Web {
    /// The pages of this app, which people reach at `origin`. Cookies travel over TLS only when that is how they come.
    pub fn new(app: Arc<App>, origin: String) -> Web {
        Web {
            app,
            assets: Assets::default(),
            sessions: Sessions::default(),
            cookies: Cookies { secure: origin.starts_with("https://") },
            links: Links::default(),
            recipes: recipes::all(),
            auto_saves: AutoSaves::default(),
            streams: Arc::new(Semaphore::new(live::STREAMS_MAX)),
            closing: watch::Sender::new(false),
            origin,
        }
    }

    /// Ends the live streams, which would keep a stopping server waiting.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Makes a link that signs its first follower in as the admin, as a path; `None` when there is no admin token.
    pub fn sign_in_path(&self) -> Option<Secret> {
        let code = self.links.make(self.app.tokens.admin()?, clock::now_ms());
        Some(Secret::new(format!("{HOME}/enter/{}", code.expose())))
    }
}

/// The router of all pages.
pub fn router(web: Arc<Web>) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to(HOME) }))
        .merge(entry_routes())
        .merge(webhook_routes())
        .merge(event_routes())
        .merge(settings_routes())
        .route("/app/{*path}", axum::routing::any(|| async { WebError::NoPage }))
        .method_not_allowed_fallback(|| async { WebError::NoPage })
        .layer(from_fn_with_state(web.clone(), layer::wrap))
        .layer(CompressionLayer::new())
        .with_state(web)
}

fn entry_routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/app", get(spaces::home))
        .route("/app/spaces", post(spaces::create))
        .route("/app/switch", get(spaces::switch))
        .route("/app/sign-in", get(sign_in::form).post(sign_in::submit))
        .route("/app/enter/{code}", get(sign_in::enter))
        .route("/app/sign-out", post(sign_in::sign_out))
        .route("/app/assets/{name}", get(assets::serve))
}

fn webhook_routes() -> Router<Arc<Web>> {
    let delete = get(webhooks::confirm_delete).post(webhooks::delete);
    Router::new()
        .route("/app/spaces/{space}/live", get(live::stream))
        .route("/app/spaces/{space}/webhooks", get(webhooks::list).post(editor::create))
        .route("/app/spaces/{space}/add", get(editor::blank))
        .route("/app/spaces/{space}/preview", post(editor::preview))
        .route("/app/spaces/{space}/webhooks/{webhook}", get(editor::show).post(editor::update))
        .route("/app/spaces/{space}/webhooks/{webhook}/test", get(send::test_form).post(send::test_submit))
        .route("/app/spaces/{space}/webhooks/{webhook}/active", post(webhooks::set_active))
        .route("/app/spaces/{space}/webhooks/{webhook}/delete", delete)
        .route("/app/spaces/{space}/webhooks/{webhook}/calls", get(log::show))
        .route("/app/spaces/{space}/webhooks/{webhook}/calls/{call}", get(call::show))
        .route("/app/spaces/{space}/webhooks/{webhook}/calls/{call}/curl", get(call::as_curl))
        .route("/app/spaces/{space}/webhooks/{webhook}/calls/{call}/resend", post(call::resend))
}

fn event_routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/app/spaces/{space}/events", get(events::list))
        .route("/app/spaces/{space}/events/{event}", get(events::show))
        .route("/app/spaces/{space}/send", get(send::form).post(send::submit))
}

fn settings_routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/app/spaces/{space}/templates", get(recipes::list))
        .route("/app/spaces/{space}/templates/{template}", get(recipes::show).post(recipes::fill))
        .route("/app/spaces/{space}/settings", get(settings::show))
        .route("/app/spaces/{space}/settings/signing-secret", post(settings::put_secret))
        .route("/app/spaces/{space}/settings/signing-secret/remove", post(settings::remove_secret))
        .route("/app/spaces/{space}/settings/retry-policy", post(settings::put_policy))
        .route("/app/spaces/{space}/settings/retry-policy/remove", post(settings::remove_policy))
        .route("/app/spaces/{space}/settings/tokens", post(settings::make_token))
        .route("/app/spaces/{space}/settings/tokens/{token}/revoke", post(settings::revoke_token))
}

/// The state as the handlers take it.
type WebState = State<Arc<Web>>;

/// What a handler answers.
type Page = Result<Response, WebError>;

/// A template as a page.
fn page(template: &impl Template) -> Page {
    Ok(Html(template.render()?).into_response())
}

/// A template as a page that is no success.
fn page_with(status: StatusCode, template: &impl Template) -> Page {
    let mut response = page(template)?;
    *response.status_mut() = status;
    Ok(response)
}

/// After a change: the browser goes on to a page that can be loaded again without repeating the change.
fn go(path: String) -> Page {
    Ok(Redirect::to(&path).into_response())
}
