//! Why something that a caller asked for was not done, whichever way it was asked.

use thiserror::Error;

use crate::deliver::owed::ResendError;
use crate::ingest::Refusal;
use crate::problem::Problem;
use crate::store::StoreError;
use crate::tokens::TokenError;
use crate::webhooks::ChangeError;

/// Why it was not done.
#[derive(Debug, Error)]
pub enum Fault {
    /// There is no such thing, or none that the token may see.
    #[error("The resource could not be found.")]
    NotFound {
        /// The kind of thing, as `sys.type` names it.
        kind: &'static str,
        /// The id that was asked for.
        id: String,
        /// The id of the space.
        space: String,
    },
    /// The token's role does not allow this.
    #[error("{0}")]
    Denied(String),
    /// What was sent is understood and not acceptable.
    #[error("What was sent is not acceptable.")]
    Invalid(Vec<Problem>),
    /// A definition or setting was not changed.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// A token was not made or revoked.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// An event was not accepted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A call was not made again.
    #[error(transparent)]
    Resend(#[from] ResendError),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fault {
    /// A thing that is not there.
    pub fn not_found(kind: &'static str, id: &str, space: &str) -> Fault {
        Fault::NotFound { kind, id: id.to_owned(), space: space.to_owned() }
    }
}
