//! Settings of a space: request verification, retry policy, tokens.

use askama::Template;
use axum::extract::{Path, State};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE;
use bellwire_core::delivery::RetryPolicy;
use serde_json::Value;

use super::error::WebError;
use super::fields::{Fields, Submitted};
use super::frame::{Frame, Part};
use super::moment::{Moment, span};
use super::session::User;
use super::{Page, Web, WebState, go, page};
use crate::app::{self, Fault, Wish, settings};
use crate::secret::Secret;
use crate::webhooks::Space;
use crate::webhooks::definition::check_name;

/// Random bytes that make 64 characters in base 64.
const SECRET_BYTES: usize = 48;
/// Attempts of the schedule that are listed one by one.
const LISTED_MAX: usize = 20;

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    frame: Frame,
    signing: Option<Signing>,
    /// A secret that was just made, to be seen this once.
    new_secret: Option<String>,
    policy: Policy,
    tokens: Vec<TokenRow>,
    new_token: Option<(String, String)>,
    problem: Option<(&'static str, String)>,
}

/// The signing secret as it can be seen.
struct Signing {
    last: String,
    changed: Moment,
    by: String,
}

/// The retry policy, and what it means.
struct Policy {
    is_own: bool,
    retries: u64,
    /// Whether `retries` is only being looked at.
    is_tried: bool,
    attempts: Vec<Tick>,
    listed: Vec<String>,
    whole: String,
}

/// An attempt on the time line.
struct Tick {
    x: f64,
    label: String,
}

struct TokenRow {
    id: String,
    name: String,
    role: &'static str,
    made: Moment,
    by: String,
}

impl SettingsPage {
    fn new(web: &Web, user: &User, space: &Space, query: &Fields) -> SettingsPage {
        let frame = Frame::new(web, user, Some(space), Part::Settings, query);
        let settings = space.settings();
        let signing = settings.signing_secret.as_ref().map(|secret| Signing {
            last: secret.value.last_chars(),
            changed: Moment::new(secret.history.updated.at_ms, frame.now_ms),
            by: secret.history.updated.by.clone(),
        });
        let tokens = if frame.can_manage { web.app.tokens.list(space.uid) } else { Vec::new() };
        let row = |token: &std::sync::Arc<crate::store::record::TokenRecord>| TokenRow {
            id: token.id.clone(),
            name: token.name.clone(),
            role: token.role.name(),
            made: Moment::new(token.created.at_ms, frame.now_ms),
            by: token.created.by.clone(),
        };
        let current = web.app.deliveries.retry_policy(space);
        let tried = query.text("retries").parse().ok().filter(|tried| settings::RETRIES.contains(tried));
        SettingsPage {
            signing,
            new_secret: None,
            policy: Policy::of(current, settings.retry_policy.is_some(), tried),
            tokens: tokens.iter().map(row).collect(),
            new_token: None,
            problem: None,
            frame,
        }
    }
}

impl Policy {
    fn of(current: RetryPolicy, is_own: bool, tried: Option<u64>) -> Policy {
        let retries = tried.unwrap_or(u64::from(current.retries_max));
        let mut at_ms = vec![0];
        for retry in 1..=retries as u32 {
            at_ms.push(at_ms[at_ms.len() - 1] + current.delay_ms(retry));
        }
        let whole = at_ms[at_ms.len() - 1];
        let tick = |at: &u64| Tick { x: 5.0 + *at as f64 / whole.max(1) as f64 * 290.0, label: span(*at) };
        let line = |(number, at): (usize, &u64)| match number {
            0 => "Attempt 1: at once".to_owned(),
            _ => format!("Attempt {}: after {}", number + 1, span(*at)),
        };
        let mut listed: Vec<String> = at_ms.iter().enumerate().take(LISTED_MAX).map(line).collect();
        if at_ms.len() > LISTED_MAX {
            listed.push(format!("… and so on, up to attempt {} after {}", at_ms.len(), span(whole)));
        }
        Policy {
            is_own,
            retries,
            is_tried: tried.is_some(),
            attempts: at_ms.iter().map(tick).collect(),
            listed,
            whole: span(whole),
        }
    }
}

/// `GET …/settings`; `?retries=` shows the schedule of another number.
pub(super) async fn show(State(web): WebState, user: User, Path(space): Path<String>, query: Fields) -> Page {
    let space = user.enter(&web, &space, Wish::Read)?;
    page(&SettingsPage::new(&web, &user, &space, &query))
}

/// `POST …/settings/signing-secret`: makes one, or takes the one that was typed. It is seen in the answer only.
pub(super) async fn put_secret(State(web): WebState, Path(space): Path<String>, sent: Submitted) -> Page {
    let space = sent.user.enter(&web, &space, Wish::Manage)?;
    let typed = sent.fields.text("value").trim();
    let secret = if typed.is_empty() { make_secret() } else { Secret::new(typed) };
    let put = settings::put_signing_secret(&web.app, &sent.user.caller, &space, Some(secret.expose())).await;
    let problem = told("secret", put.map(drop))?;
    let mut shown = SettingsPage::new(&web, &sent.user, &space, &Fields::default());
    shown.new_secret = problem.is_none().then(|| secret.expose().to_owned());
    shown.problem = problem;
    page(&shown)
}

fn make_secret() -> Secret {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    Secret::new(BASE64_URL_SAFE.encode(bytes))
}

/// What was wrong with what was typed stands beside its field; anything else is a page of its own.
fn told(field: &'static str, result: Result<(), Fault>) -> Result<Option<(&'static str, String)>, WebError> {
    match result {
        Ok(()) => Ok(None),
        Err(Fault::Invalid(problems)) => {
            let texts: Vec<String> = problems.into_iter().map(|problem| problem.details).collect();
            Ok(Some((field, texts.join(". "))))
        }
        Err(other) => Err(other.into()),
    }
}

/// `POST …/settings/signing-secret/remove`.
pub(super) async fn remove_secret(State(web): WebState, Path(space): Path<String>, sent: Submitted) -> Page {
    let space = sent.user.enter(&web, &space, Wish::Manage)?;
    settings::delete_signing_secret(&web.app, &space).await?;
    go(format!("/app/spaces/{}/settings?done=secret-removed", space.id))
}

/// `POST …/settings/retry-policy`.
pub(super) async fn put_policy(State(web): WebState, Path(space): Path<String>, sent: Submitted) -> Page {
    let space = sent.user.enter(&web, &space, Wish::Manage)?;
    let typed = sent.fields.text("retries").trim();
    let retries = typed.parse::<u64>().map_or(Value::from(typed), Value::from);
    let put = settings::put_retry_policy(&web.app, &sent.user.caller, &space, &retries).await;
    match told("policy", put.map(drop))? {
        None => go(format!("/app/spaces/{}/settings?done=policy", space.id)),
        problem => {
            let mut shown = SettingsPage::new(&web, &sent.user, &space, &Fields::default());
            shown.problem = problem;
            page(&shown)
        }
    }
}

/// `POST …/settings/retry-policy/remove`: back to the default.
pub(super) async fn remove_policy(State(web): WebState, Path(space): Path<String>, sent: Submitted) -> Page {
    let space = sent.user.enter(&web, &space, Wish::Manage)?;
    settings::delete_retry_policy(&web.app, &space).await?;
    go(format!("/app/spaces/{}/settings?done=policy-removed", space.id))
}

/// `POST …/settings/tokens`: makes a token, which is seen in the answer only.
pub(super) async fn make_token(State(web): WebState, Path(space): Path<String>, sent: Submitted) -> Page {
    let space = sent.user.enter(&web, &space, Wish::Manage)?;
    let role = app::tokens::role_named(sent.fields.text("role"));
    let role = role.ok_or_else(|| WebError::Bad("A token's role is manage, publish or read.".into()))?;
    let name = match sent.fields.text("name").trim() {
        "" => role.name(),
        name => name,
    };
    if let Err(problem) = check_name(name) {
        let mut shown = SettingsPage::new(&web, &sent.user, &space, &Fields::default());
        shown.problem = Some(("token", problem));
        return page(&shown);
    }
    let made = app::tokens::create(&web.app, &sent.user.caller, &space, role, name.to_owned()).await?;
    let mut shown = SettingsPage::new(&web, &sent.user, &space, &Fields::default());
    shown.new_token = Some((made.1.name, made.0.expose().to_owned()));
    page(&shown)
}

/// `POST …/settings/tokens/{token}/revoke`.
pub(super) async fn revoke_token(
    State(web): WebState,
    Path((space, token)): Path<(String, String)>,
    sent: Submitted,
) -> Page {
    let space = sent.user.enter(&web, &space, Wish::Manage)?;
    app::tokens::revoke(&web.app, &space, &token).await?;
    go(format!("/app/spaces/{}/settings?done=revoked", space.id))
}

#[cfg(test)]
mod tests {
    use bellwire_core::sign::check_secret;

    use super::*;

    #[test]
    fn a_made_secret_is_an_acceptable_one() {
        assert!(check_secret(make_secret().expose()).is_ok());
    }

    #[test]
    fn the_schedule_is_that_of_the_policy() {
        let policy = Policy::of(RetryPolicy::default(), false, None);
        assert_eq!(policy.listed, ["Attempt 1: at once", "Attempt 2: after 30 s", "Attempt 3: after 1 min"]);
        let long = Policy::of(RetryPolicy::default(), true, Some(99));
        assert_eq!((long.attempts.len(), long.whole.as_str()), (100, "22 h"));
        assert_eq!(long.listed.len(), LISTED_MAX + 1);
    }
}
