//! What a space sets for all its webhooks: the signing secret and the retry policy.

use crate::store::record::{self, RetryPolicyRecord, SigningSecretRecord};
use crate::store::{Batch, Store, StoreError, Table};

const SIGNING_SECRET: &str = "signing_secret";
const RETRY_POLICY: &str = "retry_policy";

/// The settings of one space; each may be absent.
#[derive(Clone, Debug, Default)]
pub struct SpaceSettings {
    /// Signs every request when present.
    pub signing_secret: Option<SigningSecretRecord>,
    /// Replaces the default number of retries when present.
    pub retry_policy: Option<RetryPolicyRecord>,
}

impl SpaceSettings {
    /// Reads a space's settings.
    pub(super) fn load(store: &dyn Store, space_uid: u64) -> Result<SpaceSettings, StoreError> {
        let read = |name| store.read(Table::Settings, &record::named_key(space_uid, name));
        Ok(SpaceSettings {
            signing_secret: read(SIGNING_SECRET)?.map(|bytes| record::decode(&bytes)).transpose()?,
            retry_policy: read(RETRY_POLICY)?.map(|bytes| record::decode(&bytes)).transpose()?,
        })
    }

    /// The changes that make the store hold just these settings.
    pub(super) fn to_batch(&self, space_uid: u64) -> Batch {
        let mut batch = Batch::default();
        let rows = [
            (SIGNING_SECRET, self.signing_secret.as_ref().map(record::encode)),
            (RETRY_POLICY, self.retry_policy.as_ref().map(record::encode)),
        ];
        for (name, value) in rows {
            let key = record::named_key(space_uid, name);
            match value {
                Some(value) => batch.put(Table::Settings, key, value),
                None => batch.remove(Table::Settings, key),
            }
        }
        batch
    }
}
