//! What goes wrong in an API call, and the only mapping of it to a status and an error object.

use std::error::Error;

use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use serde_json::{Value, json};
use tracing::error;

use crate::app::Fault;
use crate::deliver::owed::ResendError;
use crate::ingest::Refusal;
use crate::limits::{BODY_BYTES_MAX, URI_CHARS_MAX};
use crate::problem::Problem;
use crate::store::{CommitError, StoreError};
use crate::tokens::TokenError;
use crate::webhooks::ChangeError;

/// Seconds after which a caller may try again when the server is overloaded.
const RETRY_AFTER_SECONDS: u64 = 1;

/// An error as the caller will see it. Causes that are none of the caller's business are kept for the log.
#[derive(Clone, Debug)]
pub enum ApiError {
    /// The body is not JSON; says where.
    NotJson(String),
    /// A header or a form of the request is wrong.
    BadRequest(String),
    /// A query parameter has no valid value.
    InvalidQuery(String),
    /// No token, or none that is known.
    TokenInvalid,
    /// The token's role does not allow this.
    AccessDenied(String),
    /// A limit of the plan: too many webhooks, spaces or tokens.
    LimitReached(String),
    /// There is no such thing, or none that the token may see.
    NotFound(Value),
    /// The path knows other methods only.
    MethodNotAllowed,
    /// The version sent is not the current one.
    VersionMismatch(u64),
    /// The body is understood and not acceptable.
    Validation(Vec<Problem>),
    /// The body is longer than the limit in bytes.
    TooLarge(usize),
    /// The body did not arrive in time.
    TooSlow,
    /// The path and query are longer than the limit.
    UriTooLong,
    /// The content type is none that the endpoint takes.
    MediaType(String),
    /// Too many requests; the whole seconds to wait.
    RateLimited(u64),
    /// The server cannot take more work just now.
    Overloaded(String),
    /// The store refused: no room left or the disk failed.
    Unavailable(String),
    /// A fault of ours.
    Internal,
}

impl ApiError {
    /// A thing that is not there.
    pub fn not_found(kind: &str, id: &str, space: &str) -> ApiError {
        ApiError::NotFound(json!({"type": kind, "id": id, "space": space}))
    }

    /// The status, the id of the error object, its message and its details.
    fn parts(&self) -> (StatusCode, &'static str, String, Option<Value>) {
        match self {
            ApiError::NotJson(place) => {
                let details = json!({"errors": [{"name": "json", "details": place}]});
                (StatusCode::BAD_REQUEST, "BadRequest", "The body you sent is not valid JSON.".into(), Some(details))
            }
            ApiError::BadRequest(message) => (StatusCode::BAD_REQUEST, "BadRequest", message.clone(), None),
            ApiError::InvalidQuery(message) => (StatusCode::BAD_REQUEST, "InvalidQuery", message.clone(), Some(json!({"errors": []}))),
            ApiError::TokenInvalid => {
                (StatusCode::UNAUTHORIZED, "AccessTokenInvalid", "The access token you sent could not be found or is invalid.".into(), None)
            }
            ApiError::AccessDenied(reason) => {
                (StatusCode::FORBIDDEN, "AccessDenied", "The access token you sent may not do this.".into(), Some(json!({"reasons": [reason]})))
            }
            ApiError::LimitReached(reason) => (
                StatusCode::FORBIDDEN,
                "Forbidden",
                "You are not authorized to do this action or exceeded your plan limits.".into(),
                Some(json!({"reasons": [reason]})),
            ),
            ApiError::NotFound(details) => {
                (StatusCode::NOT_FOUND, "NotFound", "The resource could not be found.".into(), Some(details.clone()))
            }
            ApiError::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "This path does not know this method.".into(), None)
            }
            ApiError::VersionMismatch(current) => (
                StatusCode::CONFLICT,
                "VersionMismatch",
                "The version in X-Contentful-Version is not the current version of the resource.".into(),
                Some(json!({"currentVersion": current})),
            ),
            ApiError::Validation(problems) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "ValidationFailed",
                "The resource you sent in the body is invalid.".into(),
                Some(json!({"errors": problems.iter().map(problem).collect::<Vec<Value>>()})),
            ),
            ApiError::TooLarge(limit) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLarge", format!("The body you sent has more than {limit} bytes."), Some(json!({"limit": limit})))
            }
            ApiError::TooSlow => (StatusCode::REQUEST_TIMEOUT, "RequestTimeout", "The body you sent did not arrive in time.".into(), None),
            ApiError::UriTooLong => {
                (StatusCode::URI_TOO_LONG, "UriTooLong", format!("The path and query have more than {URI_CHARS_MAX} characters."), None)
            }
            ApiError::MediaType(message) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message.clone(), None),
            ApiError::RateLimited(_) => (
                StatusCode::TOO_MANY_REQUESTS,
                "RateLimitExceeded",
                "You have exceeded the rate limit of the Organization this Space belongs to by making too many API requests within a short timespan. Please wait a moment before trying the request again.".into(),
                None,
            ),
            ApiError::Overloaded(message) | ApiError::Unavailable(message) => {
                (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message.clone(), None)
            }
            ApiError::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "ServerError", "Something went wrong on our side.".into(), None),
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.parts().0
    }

    /// The error object.
    pub fn to_json(&self, request_id: &str) -> Value {
        let (_, id, message, details) = self.parts();
        let mut object = json!({"sys": {"type": "Error", "id": id}, "message": message});
        if let Some(details) = details {
            object["details"] = details;
        }
        object["requestId"] = request_id.into();
        object
    }

    /// Seconds for `Retry-After`, where waiting helps.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            ApiError::RateLimited(seconds) => Some(*seconds),
            ApiError::Overloaded(_) | ApiError::Unavailable(_) => Some(RETRY_AFTER_SECONDS),
            _ => None,
        }
    }
}

fn problem(problem: &Problem) -> Value {
    let mut item = json!({"name": problem.name, "path": problem.path, "details": problem.details});
    if let Some(value) = &problem.value {
        item["value"] = value.clone();
    }
    item
}

/// The error travels to the outermost layer, which knows the request's id and writes the body.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> ApiError {
        match fault {
            Fault::NotFound { kind, id, space } => ApiError::not_found(kind, &id, &space),
            Fault::Denied(reason) => ApiError::AccessDenied(reason),
            Fault::Invalid(problems) => ApiError::Validation(problems),
            Fault::Change(cause) => cause.into(),
            Fault::Token(cause) => cause.into(),
            Fault::Refused(cause) => cause.into(),
            Fault::Resend(cause) => cause.into(),
            Fault::Store(cause) => cause.into(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(cause: StoreError) -> ApiError {
        error!(cause = &cause as &(dyn Error + 'static), "the store failed");
        ApiError::Unavailable("The store cannot be used just now.".into())
    }
}

impl From<CommitError> for ApiError {
    fn from(cause: CommitError) -> ApiError {
        match cause {
            CommitError::Overloaded => {
                ApiError::Overloaded("Too much is waiting to be written; nothing was accepted.".into())
            }
            // Said now and then by whoever refuses, not for every request.
            CommitError::Store(cause) if cause.is_passing() => {
                ApiError::Unavailable(format!("Nothing was accepted: {cause}"))
            }
            other => {
                error!(cause = &other as &(dyn Error + 'static), "a change could not be made durable");
                ApiError::Unavailable(match other {
                    CommitError::Store(StoreError::Io(_)) => {
                        format!("Whether this was accepted is not known: {other}")
                    }
                    _ => format!("Nothing was accepted: {other}"),
                })
            }
        }
    }
}

impl From<ChangeError> for ApiError {
    fn from(cause: ChangeError) -> ApiError {
        match cause {
            ChangeError::NotFound => ApiError::NotFound(json!({})),
            ChangeError::VersionMismatch { current } => ApiError::VersionMismatch(current),
            ChangeError::LimitReached(reason) => ApiError::LimitReached(reason),
            ChangeError::Table(fault) => {
                ApiError::Validation(vec![Problem::new("invalid", "filters", fault.to_string())])
            }
            ChangeError::Commit(cause) => cause.into(),
        }
    }
}

impl From<TokenError> for ApiError {
    fn from(cause: TokenError) -> ApiError {
        match cause {
            TokenError::TooMany => ApiError::LimitReached(cause.to_string()),
            TokenError::NotFound => ApiError::NotFound(json!({})),
            TokenError::Commit(cause) => cause.into(),
        }
    }
}

impl From<ResendError> for ApiError {
    fn from(cause: ResendError) -> ApiError {
        match cause {
            ResendError::Inactive | ResendError::EventGone => {
                ApiError::Validation(vec![Problem::new("invalid", "", cause.to_string())])
            }
            ResendError::Store(cause) => cause.into(),
            ResendError::Commit(cause) => cause.into(),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> ApiError {
        match refusal {
            Refusal::NotJson(place) => ApiError::NotJson(place),
            Refusal::Topic { .. } => {
                ApiError::Validation(vec![Problem::new("invalid", "topic", refusal.to_string())])
            }
            Refusal::Invalid(ref message) => {
                ApiError::Validation(vec![Problem::new("invalid", "", message.clone())])
            }
            Refusal::TooLarge => ApiError::TooLarge(BODY_BYTES_MAX),
            Refusal::Backlog => ApiError::Overloaded(refusal.to_string()),
            Refusal::Commit(cause) => cause.into(),
            Refusal::Store(cause) => cause.into(),
        }
    }
}
