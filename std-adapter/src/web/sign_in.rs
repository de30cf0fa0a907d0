//! Signing in by token or one-time link, and out.

use std::time::Duration;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use hyper::StatusCode;
use hyper::header::SET_COOKIE;
use subtle::ConstantTimeEq;

use super::error::WebError;
use super::fields::{self, Fields, Submitted, check_site};
use super::session::{SESSION, SESSION_LIFE};
use super::{HOME, Page, Web, WebState, page, page_with};
use crate::clock;
use crate::secret::{TokenHash, new_code};

/// Cookie that ties the sign-in form to the browser that asked for it, before there is a session.
const FORM: &str = "form";
/// How long the sign-in form can be used.
const FORM_LIFE: Duration = Duration::from_secs(60 * 60);

/// Bytes of the sign-in form, which anybody may send.
const SIGN_IN_BYTES_MAX: usize = 16_000;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    csrf: &'a str,
    next: &'a str,
    problem: Option<&'a str>,
}

/// `GET /app/sign-in`.
pub(super) async fn form(State(web): WebState, query: Fields) -> Page {
    show(&web, query.text("next"), None)
}

fn show(web: &Web, next: &str, problem: Option<&str>) -> Page {
    let csrf = new_code();
    let status = if problem.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    let mut response = page_with(status, &SignInPage { csrf: csrf.expose(), next, problem })?;
    response.headers_mut().append(SET_COOKIE, web.cookies.set(FORM, csrf.expose(), FORM_LIFE));
    Ok(response)
}

/// `POST /app/sign-in`: a token begins a session.
pub(super) async fn submit(State(web): WebState, headers: HeaderMap, body: Body) -> Page {
    check_site(&headers)?;
    let fields = fields::read(body, SIGN_IN_BYTES_MAX).await?;
    let expected = web.cookies.read(&headers, FORM).ok_or(WebError::Forged)?;
    let same: bool = expected.as_bytes().ct_eq(fields.text("csrf").as_bytes()).into();
    if !same {
        return Err(WebError::Forged);
    }
    let token = TokenHash::of(fields.text("token").trim());
    if web.app.tokens.find(&token).is_none() {
        return show(&web, fields.text("next"), Some("This token is not known. It may have been revoked."));
    }
    let mut response = Redirect::to(safe_next(fields.text("next"))).into_response();
    begin(&web, token, &mut response);
    response.headers_mut().append(SET_COOKIE, web.cookies.set(FORM, "", Duration::ZERO));
    Ok(response)
}

fn begin(web: &Web, token: TokenHash, response: &mut Response) {
    let cookie = web.sessions.begin(token, clock::now_ms());
    response.headers_mut().append(SET_COOKIE, web.cookies.set(SESSION, cookie.expose(), SESSION_LIFE));
}

/// Where to go on: to a page of ours and nowhere else.
fn safe_next(next: &str) -> &str {
    let ours = next == HOME || next.starts_with("/app/") || next.starts_with("/app?");
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if ours && plain { next } else { HOME }
}

#[derive(Template)]
#[template(path = "entered.html")]
struct EnteredPage;

/// `GET /app/enter/{code}`: the one-time link. The page goes on by itself: a redirect would still count as coming
/// from wherever the link stood, and the strict cookie would not be sent.
pub(super) async fn enter(State(web): WebState, Path(code): Path<String>, headers: HeaderMap) -> Page {
    // Browsers that load ahead would use the link up before anybody followed it.
    if headers.contains_key("sec-purpose") || headers.contains_key("x-purpose") {
        return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response());
    }
    let Some(token) = web.links.follow(&code, clock::now_ms()) else {
        return show(&web, "", Some("This link was used already, or it is too old. Sign in with a token."));
    };
    let mut response = page(&EnteredPage)?;
    begin(&web, token, &mut response);
    Ok(response)
}

/// `POST /app/sign-out`.
pub(super) async fn sign_out(State(web): WebState, sent: Submitted) -> Page {
    web.sessions.end(&sent.user.cookie);
    let mut response = Redirect::to(&format!("{HOME}/sign-in")).into_response();
    response.headers_mut().append(SET_COOKIE, web.cookies.set(SESSION, "", Duration::ZERO));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_to_our_pages_only() {
        for next in ["/app", "/app/spaces/s/webhooks?x=1", "/app?x"] {
            assert_eq!(safe_next(next), next);
        }
        for next in ["", "https://evil.example", "//evil.example", "/app\\@evil", "/apple", "/app/\r\nX: y"] {
            assert_eq!(safe_next(next), HOME, "{next}");
        }
    }
}
