//! What goes wrong on a page, and the page that says so.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect, Response};
use hyper::StatusCode;
use tracing::error;

use super::HOME;
use crate::app::Fault;
use crate::deliver::owed::ResendError;
use crate::ingest::Refusal;
use crate::store::CommitError;
use crate::tokens::TokenError;
use crate::webhooks::ChangeError;

/// Why a page is not there.
#[derive(Debug, thiserror::Error)]
pub(super) enum WebError {
    /// Nobody is signed in; where to go on afterwards.
    #[error("nobody is signed in")]
    SignedOut(String),
    /// There is no such page.
    #[error("no such page")]
    NoPage,
    /// The form did not come from one of our pages of this session.
    #[error(
        "This form is too old, or it did not come from this page. Go back, load the page again and repeat."
    )]
    Forged,
    /// The form is larger than its limit.
    #[error("What was sent is larger than the server takes.")]
    TooLarge,
    /// The form did not arrive, or makes no sense.
    #[error("{0}")]
    Bad(String),
    /// The token asked more often than it may; seconds to wait.
    #[error("Too many requests with this token. Try again in {0} s.")]
    TooFast(u64),
    /// More live connections than there may be.
    #[error("Too many pages are watching already.")]
    Crowded,
    /// The shared functions refused.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A handler broke off.
    #[error("the page was not finished")]
    Broken,
    /// A page could not be written.
    #[error(transparent)]
    Template(#[from] askama::Error),
}

impl From<crate::store::StoreError> for WebError {
    fn from(cause: crate::store::StoreError) -> WebError {
        WebError::Fault(cause.into())
    }
}

/// Status and title of an error, and a sentence for people.
struct Words {
    status: StatusCode,
    title: &'static str,
    sentence: String,
}

impl WebError {
    fn words(&self) -> Words {
        let words = |status, title, sentence: String| Words { status, title, sentence };
        let missing = || {
            let sentence = "There is nothing here, or nothing that your token may see.".to_owned();
            words(StatusCode::NOT_FOUND, "Not found", sentence)
        };
        match self {
            WebError::SignedOut(_) => words(StatusCode::UNAUTHORIZED, "Signed out", self.to_string()),
            WebError::NoPage | WebError::Fault(Fault::NotFound { .. }) => missing(),
            WebError::Fault(Fault::Change(ChangeError::NotFound) | Fault::Token(TokenError::NotFound)) => {
                missing()
            }
            WebError::Forged | WebError::Fault(Fault::Denied(_)) => {
                words(StatusCode::FORBIDDEN, "Not allowed", self.to_string())
            }
            WebError::TooLarge => words(StatusCode::PAYLOAD_TOO_LARGE, "Too large", self.to_string()),
            WebError::Bad(_) => words(StatusCode::BAD_REQUEST, "Not understood", self.to_string()),
            WebError::TooFast(_) => words(StatusCode::TOO_MANY_REQUESTS, "Too fast", self.to_string()),
            WebError::Crowded => words(StatusCode::SERVICE_UNAVAILABLE, "Busy", self.to_string()),
            WebError::Fault(fault) => words_of_fault(fault),
            WebError::Broken | WebError::Template(_) => internal(),
        }
    }
}

fn words_of_fault(fault: &Fault) -> Words {
    let refused = |status, sentence| Words { status, title: "Not done", sentence };
    match fault {
        Fault::Store(_)
        | Fault::Change(ChangeError::Commit(_))
        | Fault::Token(TokenError::Commit(_))
        | Fault::Refused(Refusal::Commit(_) | Refusal::Store(_) | Refusal::Backlog)
        | Fault::Resend(ResendError::Commit(_) | ResendError::Store(_)) => unavailable(fault),
        Fault::Invalid(problems) => {
            let sentences: Vec<&str> = problems.iter().map(|problem| problem.details.as_str()).collect();
            refused(StatusCode::UNPROCESSABLE_ENTITY, sentences.join(". "))
        }
        Fault::Change(ChangeError::LimitReached(_)) | Fault::Token(TokenError::TooMany) => {
            refused(StatusCode::FORBIDDEN, fault.to_string())
        }
        Fault::Change(ChangeError::VersionMismatch { .. }) => {
            refused(StatusCode::CONFLICT, fault.to_string())
        }
        _ => refused(StatusCode::UNPROCESSABLE_ENTITY, fault.to_string()),
    }
}

/// The cause is for the log; people hear whether it helps to try again.
fn unavailable(fault: &Fault) -> Words {
    error!(cause = %fault, "the store failed while a page was made");
    let overloaded = matches!(
        fault,
        Fault::Refused(Refusal::Commit(CommitError::Overloaded))
            | Fault::Change(ChangeError::Commit(CommitError::Overloaded))
    );
    let sentence = if overloaded {
        "Too much is waiting to be written; nothing was changed. Try again in a moment."
    } else {
        "The store cannot be used just now; nothing was changed."
    };
    Words { status: StatusCode::SERVICE_UNAVAILABLE, title: "Not available", sentence: sentence.into() }
}

fn internal() -> Words {
    let sentence = "Something went wrong on our side. The log knows more under the request's id.".into();
    Words { status: StatusCode::INTERNAL_SERVER_ERROR, title: "Our fault", sentence }
}

/// The error travels to the outermost layer, which knows the request's id and writes the page.
impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        if let WebError::SignedOut(next) = self {
            return Redirect::to(&format!("{HOME}/sign-in?{next}")).into_response();
        }
        if let WebError::Template(cause) = &self {
            error!(%cause, "a page could not be written");
        }
        let words = self.words();
        let mut response = words.status.into_response();
        response.extensions_mut().insert(Told { title: words.title, sentence: words.sentence });
        response
    }
}

/// What the error page says.
#[derive(Clone)]
pub(super) struct Told {
    title: &'static str,
    sentence: String,
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    title: &'a str,
    sentence: &'a str,
    status: u16,
    request_id: &'a str,
}

impl Told {
    /// The page, for this request.
    pub(super) fn page(&self, status: StatusCode, request_id: &str) -> Response {
        let page =
            ErrorPage { title: self.title, sentence: &self.sentence, status: status.as_u16(), request_id };
        match page.render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(_) => (status, self.title).into_response(),
        }
    }
}
