//! Sessions: a cookie that stands for a token, for a bounded time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use hyper::Method;
use hyper::header::{COOKIE, HeaderValue};
use subtle::ConstantTimeEq;
use url::form_urlencoded;

use super::Web;
use super::error::WebError;
use crate::app::{Caller, Wish};
use crate::clock;
use crate::secret::{Secret, TokenHash, new_code};
use crate::webhooks::Space;

/// How long a session lasts, whatever its user does.
pub(super) const SESSION_LIFE: Duration = Duration::from_secs(12 * 60 * 60);
/// Sessions held at once; the oldest ends for another.
const SESSIONS_MAX: usize = 10_000;

/// The sessions of this process, by the hash of their cookie. A restart ends them all.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

#[derive(Clone)]
struct Session {
    token: TokenHash,
    csrf: Secret,
    expires_ms: u64,
}

impl Sessions {
    /// Begins a session. Answers with the value of its cookie.
    pub(super) fn begin(&self, token: TokenHash, now_ms: u64) -> Secret {
        let cookie = new_code();
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= SESSIONS_MAX {
            sessions.retain(|_, session| session.expires_ms > now_ms);
        }
        if sessions.len() >= SESSIONS_MAX {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.expires_ms).map(|(hash, _)| *hash);
            oldest.map(|hash| sessions.remove(&hash));
        }
        let expires_ms = now_ms + SESSION_LIFE.as_millis() as u64;
        sessions.insert(TokenHash::of(cookie.expose()).0, Session { token, csrf: new_code(), expires_ms });
        cookie
    }

    fn find(&self, cookie: &str, now_ms: u64) -> Option<Session> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(&TokenHash::of(cookie).0).filter(|session| session.expires_ms > now_ms).cloned()
    }

    /// Ends a session.
    pub(super) fn end(&self, cookie: &str) {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.remove(&TokenHash::of(cookie).0);
    }
}

/// How our cookies are written and read.
pub(super) struct Cookies {
    /// Whether they travel over TLS only.
    pub(super) secure: bool,
}

impl Cookies {
    /// Browsers take a name with this prefix only over TLS and for the whole host.
    fn name(&self, name: &str) -> String {
        format!("{}bellwire_{name}", if self.secure { "__Host-" } else { "" })
    }

    /// The `Set-Cookie` that gives a cookie this value for this long; a life of zero takes it away.
    pub(super) fn set(&self, name: &str, value: &str, life: Duration) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!(
            "{}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{secure}",
            self.name(name),
            life.as_secs()
        );
        HeaderValue::try_from(text).expect("names and values of ours are ASCII")
    }

    /// The value of a cookie that the browser sent.
    pub(super) fn read(&self, headers: &HeaderMap, name: &str) -> Option<String> {
        let name = self.name(name);
        let sent = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            sent.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
    }
}

/// Name of the session's cookie.
pub(super) const SESSION: &str = "session";

/// Who is signed in.
#[derive(Clone)]
pub(super) struct User {
    /// The token behind the session.
    pub(super) caller: Caller,
    /// What every form of the session carries.
    pub(super) csrf: Secret,
    /// The session's cookie.
    pub(super) cookie: String,
}

impl User {
    fn find(web: &Web, headers: &HeaderMap) -> Option<User> {
        let cookie = web.cookies.read(headers, SESSION)?;
        let session = web.sessions.find(&cookie, clock::now_ms())?;
        // A revoked token's sessions end with it.
        let caller = Caller(web.app.tokens.find(&session.token)?);
        Some(User { caller, csrf: session.csrf, cookie })
    }

    /// Passes when a form carries this session's token.
    pub(super) fn check_csrf(&self, sent: &str) -> Result<(), WebError> {
        let same: bool = self.csrf.expose().as_bytes().ct_eq(sent.as_bytes()).into();
        if same { Ok(()) } else { Err(WebError::Forged) }
    }

    /// The space with this id, if the user may do there what the page is for.
    pub(super) fn enter(&self, web: &Web, space: &str, wish: Wish) -> Result<Arc<Space>, WebError> {
        Ok(self.caller.enter(&web.app, space, wish)?)
    }

    /// Whether the user may do this in the spaces it sees.
    pub(super) fn may(&self, wish: Wish) -> bool {
        wish.allowed_to(self.caller.0.role)
    }
}

impl FromRequestParts<Arc<Web>> for User {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<User, WebError> {
        let user = User::find(web, &parts.headers).ok_or_else(|| WebError::SignedOut(next_of(parts)))?;
        // Pages and programs with the same token share its allowance.
        let allowance = web.app.rates.take(&user.caller.0.id, clock::now_ms());
        match allowance.filter(|allowance| !allowance.taken) {
            Some(allowance) => Err(WebError::TooFast(allowance.reset_seconds)),
            None => Ok(user),
        }
    }
}

/// After signing in one goes on where one was; but never to repeat a change.
fn next_of(parts: &Parts) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if parts.method == Method::GET
        && let Some(path) = parts.uri.path_and_query()
    {
        query.append_pair("next", path.as_str());
    }
    query.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lasts_for_its_time_and_ends_when_told() {
        let (sessions, token) = (Sessions::default(), TokenHash::of("t"));
        let life_ms = SESSION_LIFE.as_millis() as u64;
        let cookie = sessions.begin(token, 0);
        assert_eq!(sessions.find(cookie.expose(), life_ms - 1).map(|session| session.token), Some(token));
        assert!(sessions.find(cookie.expose(), life_ms).is_none());
        sessions.end(cookie.expose());
        assert!(sessions.find(cookie.expose(), 0).is_none());
    }

    #[test]
    fn the_number_of_sessions_is_bounded() {
        let (sessions, token) = (Sessions::default(), TokenHash::of("t"));
        let first = sessions.begin(token, 0);
        (1..=SESSIONS_MAX as u64).for_each(|now_ms| drop(sessions.begin(token, now_ms)));
        assert_eq!(sessions.0.lock().unwrap().len(), SESSIONS_MAX);
        assert!(sessions.find(first.expose(), 1).is_none());
    }

    #[test]
    fn cookies_are_strict_and_read_back() {
        let cookies = Cookies { secure: true };
        let set = cookies.set(SESSION, "v", Duration::from_secs(5));
        let text = "__Host-bellwire_session=v; Path=/; Max-Age=5; HttpOnly; SameSite=Strict; Secure";
        assert_eq!(set, text);
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static("a=b; __Host-bellwire_session=v=w"));
        assert_eq!(cookies.read(&headers, SESSION).as_deref(), Some("v=w"));
        assert_eq!(Cookies { secure: false }.read(&headers, SESSION), None);
    }
}
