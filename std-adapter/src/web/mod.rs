//! The web app: server-rendered pages over the same functions as the API. Every page works without scripts.

mod assets;
mod error;
mod fields;
mod frame;
mod layer;
mod link;
mod session;
mod sign_in;
mod spaces;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use tower_http::compression::CompressionLayer;

use self::assets::Assets;
use self::error::WebError;
use self::link::Links;
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
}

impl Web {
    /// The pages of this app. Cookies travel over TLS only when `secure` says that people come that way.
    pub fn new(app: Arc<App>, secure: bool) -> Web {
        Web {
            app,
            assets: Assets::default(),
            sessions: Sessions::default(),
            cookies: Cookies { secure },
            links: Links::default(),
        }
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

/// The state as the handlers take it.
type WebState = State<Arc<Web>>;

/// What a handler answers.
type Page = Result<Response, WebError>;

/// A template as a page.
fn page(template: &impl Template) -> Page {
    Ok(Html(template.render()?).into_response())
}

/// After a change: the browser goes on to a page that can be loaded again without repeating the change.
fn go(path: String) -> Page {
    Ok(Redirect::to(&path).into_response())
}
