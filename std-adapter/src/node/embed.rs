//! What a program that links the library does without HTTP: make spaces and webhooks, publish events.

use std::sync::Arc;

use serde_json::Value;
use thiserror::Error;

use super::Node;
use crate::clock;
use crate::ingest::{Accepted, Incoming, Refusal};
use crate::problem::Problem;
use crate::store::record::Stamp;
use crate::webhooks::definition::Definition;
use crate::webhooks::table::TableFault;
use crate::webhooks::{ChangeError, Expected, Space, Webhook};

/// Id of the user under which a linking program acts.
const PROGRAM: &str = "program";

/// Why a node did not do what its program asked.
#[derive(Debug, Error)]
pub enum EmbedError {
    /// There is no such space.
    #[error("there is no space {0:?}")]
    NoSpace(String),
    /// The definition is not acceptable.
    #[error("the definition is not acceptable: {}", sentences(.0))]
    Definition(Vec<Problem>),
    /// The change could not be made.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The event was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

fn sentences(problems: &[Problem]) -> String {
    let sentence = |problem: &Problem| format!("{}: {}", problem.path, problem.details);
    problems.iter().map(sentence).collect::<Vec<String>>().join("; ")
}

fn stamp() -> Stamp {
    Stamp { at_ms: clock::now_ms(), by: PROGRAM.into() }
}

/// Runs a change to its end, whether or not the caller waits for it: one given up between the disk and the memory would
/// be there after a restart only.
async fn carried_out<T: Send + 'static>(
    change: impl Future<Output = Result<T, EmbedError>> + Send + 'static,
) -> Result<T, EmbedError> {
    tokio::spawn(change).await.map_err(|_| EmbedError::Change(TableFault::CutShort.into()))?
}

impl Node {
    fn space(&self, id: &str) -> Result<Arc<Space>, EmbedError> {
        self.app.registry.space(id).ok_or_else(|| EmbedError::NoSpace(id.to_owned()))
    }

    /// Makes sure that a space is there. One that is there already stays as it is.
    ///
    /// # Errors
    /// When the server has as many spaces as it may, or the change cannot be made durable.
    pub async fn ensure_space(&self, id: &str) -> Result<(), EmbedError> {
        if self.app.registry.space(id).is_some() {
            return Ok(());
        }
        let (app, id) = (self.app.clone(), id.to_owned());
        carried_out(async move {
            app.registry.put_space(&id, &id, Expected::Unsaid, stamp()).await?;
            Ok(())
        })
        .await
    }

    /// Makes a webhook, or replaces the one that has this id. `definition` is the JSON that the API takes.
    ///
    /// # Errors
    /// When there is no such space, the definition is not acceptable, or the space has as many webhooks as it may.
    pub async fn put_webhook(
        &self,
        space: &str,
        id: &str,
        definition: &Value,
    ) -> Result<Arc<Webhook>, EmbedError> {
        let (space, app) = (self.space(space)?, self.app.clone());
        let (id, definition) = (id.to_owned(), definition.clone());
        carried_out(async move {
            let change = app.registry.change(&space).await;
            let was = change.previous(&id);
            let previous = was.as_ref().map(|webhook| &webhook.record);
            let definition =
                Definition::parse(&definition, previous, app.policy).map_err(EmbedError::Definition)?;
            let made = match &was {
                Some(was) => {
                    change.update(was, definition, Expected::Version(was.record.version), stamp()).await
                }
                None => change.create(id, definition, app.webhooks_per_space, stamp()).await,
            }?;
            drop(change);
            if let Some(was) = was {
                app.deliveries.changed(&was, &made).await;
            }
            Ok(made)
        })
        .await
    }

    /// Publishes an event. When this returns `Ok`, the event and what it owes are as durable as the store makes them.
    ///
    /// # Errors
    /// When there is no such space or the event is refused; nothing of it is stored then.
    pub async fn publish(&self, space: &str, incoming: Incoming) -> Result<Accepted, EmbedError> {
        Ok(self.app.ingest.accept(self.space(space)?, incoming).await?)
    }
}
