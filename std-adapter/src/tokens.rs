//! Access tokens: who is asking, and what they may do. Only hashes are kept.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use thiserror::Error;

use crate::id::IdMaker;
use crate::limits::TOKENS_PER_SPACE;
use crate::secret::{Secret, TokenHash, new_token};
use crate::store::record::{self, Role, Stamp, TokenRecord};
use crate::store::{Batch, CommitError, Committer, Durability, Range, Store, StoreError, Table};

/// Id of the user for whom the admin token stands.
const ADMIN_USER: &str = "admin";

/// Why a token was not made or revoked.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The space has as many tokens as it may.
    #[error("A space has at most {TOKENS_PER_SPACE} tokens.")]
    TooMany,
    /// There is no such token in the space.
    #[error("The resource could not be found.")]
    NotFound,
    /// It could not be made durable.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// All tokens of a server.
pub struct Tokens {
    committer: Committer,
    ids: Arc<IdMaker>,
    known: RwLock<HashMap<[u8; 32], Arc<TokenRecord>>>,
}

impl Tokens {
    /// Reads the tokens from the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn load(store: &dyn Store, committer: Committer, ids: Arc<IdMaker>) -> Result<Tokens, StoreError> {
        let mut known = HashMap::new();
        for (key, value) in store.scan(Table::Tokens, Range::all(), usize::MAX)? {
            let hash = key.try_into().map_err(|_| record::unreadable())?;
            known.insert(hash, Arc::new(record::decode(&value)?));
        }
        Ok(Tokens { committer, ids, known: RwLock::new(known) })
    }

    /// Makes sure that there is an admin token. One that is given replaces any other; otherwise one is made on the
    /// first start and answered, the only time that it can be seen.
    ///
    /// # Errors
    /// When it cannot be made durable.
    pub async fn ensure_admin(
        &self,
        given: Option<&Secret>,
        now_ms: u64,
    ) -> Result<Option<Secret>, TokenError> {
        let present = self.admin_hashes();
        let (token, made) = match given {
            Some(token) if present == [TokenHash::of(token.expose()).0] => return Ok(None),
            Some(token) => (token.clone(), None),
            None if !present.is_empty() => return Ok(None),
            None => {
                let token = new_token();
                (token.clone(), Some(token))
            }
        };
        let created = Stamp { at_ms: now_ms, by: ADMIN_USER.into() };
        let admin = TokenRecord {
            id: ADMIN_USER.into(),
            space_uid: None,
            role: Role::Admin,
            name: "admin".into(),
            created,
        };
        self.replace(&present, Some((TokenHash::of(token.expose()), admin))).await?;
        Ok(made)
    }

    fn admin_hashes(&self) -> Vec<[u8; 32]> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().filter(|(_, token)| token.role == Role::Admin).map(|(hash, _)| *hash).collect()
    }

    /// Removes some tokens and adds one, at once.
    async fn replace(
        &self,
        gone: &[[u8; 32]],
        new: Option<(TokenHash, TokenRecord)>,
    ) -> Result<(), TokenError> {
        let mut batch = Batch::default();
        gone.iter().for_each(|hash| batch.remove(Table::Tokens, *hash));
        if let Some((hash, token)) = &new {
            batch.put(Table::Tokens, hash.0, record::encode(token));
        }
        self.committer.commit(batch, Durability::Synced).await?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        gone.iter().for_each(|hash| {
            known.remove(hash);
        });
        known.extend(new.map(|(hash, token)| (hash.0, Arc::new(token))));
        Ok(())
    }

    /// The token with this hash, while it is not revoked.
    pub fn find(&self, hash: &TokenHash) -> Option<Arc<TokenRecord>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&hash.0).cloned()
    }

    /// The admin token's hash.
    pub fn admin(&self) -> Option<TokenHash> {
        self.admin_hashes().pop().map(TokenHash)
    }

    /// The token that a caller showed. Looked up by its hash: the time that takes says nothing about a token.
    pub fn authenticate(&self, token: &str) -> Option<Arc<TokenRecord>> {
        self.find(&TokenHash::of(token))
    }

    /// Makes a token for a space; its text can be seen only now.
    ///
    /// # Errors
    /// `TooMany` at the limit.
    pub async fn create(
        &self,
        space_uid: u64,
        role: Role,
        name: String,
        created: Stamp,
    ) -> Result<(Secret, TokenRecord), TokenError> {
        if self.list(space_uid).len() >= TOKENS_PER_SPACE {
            return Err(TokenError::TooMany);
        }
        let token = new_token();
        let record =
            TokenRecord { id: self.ids.next_text(), space_uid: Some(space_uid), role, name, created };
        self.replace(&[], Some((TokenHash::of(token.expose()), record.clone()))).await?;
        Ok((token, record))
    }

    /// The tokens of a space, oldest first.
    pub fn list(&self, space_uid: u64) -> Vec<Arc<TokenRecord>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut tokens: Vec<_> =
            known.values().filter(|token| token.space_uid == Some(space_uid)).cloned().collect();
        tokens.sort_by(|a, b| a.id.cmp(&b.id));
        tokens
    }

    /// Takes a token of a space away.
    ///
    /// # Errors
    /// `NotFound` when the space has none with this id.
    pub async fn revoke(&self, space_uid: u64, id: &str) -> Result<(), TokenError> {
        let hash = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            let mut rows = known.iter();
            rows.find(|(_, token)| token.space_uid == Some(space_uid) && token.id == id)
                .map(|(hash, _)| *hash)
        };
        self.replace(&[hash.ok_or(TokenError::NotFound)?], None).await
    }
}
