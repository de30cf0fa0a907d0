//! The store: the port through which everything durable passes, and its implementations.
//!
//! ```
//! use bellwire::store::{Batch, Durability, MemoryStore, Range, Store, Table};
//!
//! let store = MemoryStore::new();
//! let mut batch = Batch::new();
//! batch.put(Table::Events, *b"e1", *b"published");
//! batch.put(Table::Owed, *b"w1/e1", *b"");
//! store.commit(&batch, Durability::Synced)?;
//!
//! assert_eq!(store.read(Table::Events, b"e1")?.as_deref(), Some(&b"published"[..]));
//! assert_eq!(store.scan(Table::Owed, Range::prefix(b"w1/"), 10)?.len(), 1);
//! # Ok::<(), bellwire::store::StoreError>(())
//! ```
//!
//! [`Committer`] stands in front of a store where many callers wait for the disk at once: it gathers what is
//! waiting into one commit. [`FjallStore`] keeps the records on disk, [`MemoryStore`] in memory; both pass the
//! same conformance suite.

mod batch;
mod committer;
mod damage;
mod directory;
mod error;
mod fjall;
mod journal;
mod manifest;
mod mark;
mod memory;
mod range;
mod reader;
pub mod record;
mod space;
#[doc(hidden)]
pub mod suite;

use std::time::Duration;

pub use batch::{Batch, Changes};
pub use committer::{CommitError, Committer, Limits};
pub use error::{Cause, OpenError, StoreError};
pub use fjall::FjallStore;
pub use memory::MemoryStore;
pub use range::Range;
pub use reader::Reader;

/// Longest key a store takes, in bytes. Engines keep key lengths in 16 bits; ours are ids joined by separators,
/// so the bound is far below that.
pub const KEY_BYTES_MAX: usize = 4 * 1024;

/// Longest value a store takes, in bytes: the largest event or call body with generous room for its envelope.
pub const VALUE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// One keyspace per kind of record. Keys are ordered bytewise within a table; tables know nothing of each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Table {
    /// What the store says about itself.
    Meta,
    /// Spaces and their environments.
    Spaces,
    /// Webhook definitions.
    Webhooks,
    /// Settings of a space, such as its signing secret and retry policy.
    Settings,
    /// Access tokens, as digests.
    Tokens,
    /// Events as they were accepted.
    Events,
    /// Deliveries not yet succeeded or given up.
    Owed,
    /// The call log: one row for every attempt.
    Calls,
    /// Requests and responses of the calls, apart from the log so that listing it stays cheap.
    CallBodies,
    /// Ids of events seen lately, so that a repeated publish is recognised.
    Dedup,
}

impl Table {
    /// Every table, in the order of the declaration.
    pub const ALL: [Table; 10] = [
        Table::Meta,
        Table::Spaces,
        Table::Webhooks,
        Table::Settings,
        Table::Tokens,
        Table::Events,
        Table::Owed,
        Table::Calls,
        Table::CallBodies,
        Table::Dedup,
    ];

    /// The name under which the table stands on disk: never change one that was released.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Table::Meta => "meta",
            Table::Spaces => "spaces",
            Table::Webhooks => "webhooks",
            Table::Settings => "settings",
            Table::Tokens => "tokens",
            Table::Events => "events",
            Table::Owed => "owed",
            Table::Calls => "calls",
            Table::CallBodies => "call_bodies",
            Table::Dedup => "dedup",
        }
    }
}

/// What a commit has survived by the time it returns. Ordered: the later asks for more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Durability {
    /// Handed to the operating system: survives the death of the process, a power cut may lose it.
    Buffered,
    /// On the disk: survives a power cut. Everything committed before it does too.
    Synced,
}

/// How long the calls of a store take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    /// They never wait.
    Memory,
    /// They may wait for the disk, so they had better be made aside.
    Disk,
    /// Nothing is waited for, but by the runtime's clock so much time passes: for simulations, where nothing may be
    /// made aside because two threads never do the same thing twice in the same order.
    Simulated(Duration),
}

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Where records live: ordered tables, changed by atomic batches.
///
/// Calls block; on an asynchronous runtime commit through a [`Committer`]. Every implementation passes the
/// same conformance suite, which is the exact statement of what follows:
///
/// - A batch takes effect whole or not at all, for readers at once and after a crash alike. One `read` or
///   `scan` sees one moment; two in a row may see two.
/// - What a commit acknowledged is seen by every call that begins later.
/// - A commit that failed may still turn out to have happened when the store is opened again.
pub trait Store: Send + Sync + 'static {
    /// Applies the whole batch, and returns once it is as durable as asked.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::Full`] and [`StoreError::ReadOnly`] refuse a batch of which nothing
    /// was written, and the next may be taken. After any other error the store takes no more changes
    /// ([`StoreError::Stopped`]), because what a failed sync left on the disk is unknowable.
    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), StoreError>;

    /// Whether there is room for `bytes` of work from outside. It is refused earlier than what [`commit`] refuses,
    /// so that what was accepted before can still be finished.
    ///
    /// [`commit`]: Store::commit
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::ReadOnly`].
    fn check_room(&self, bytes: usize) -> Result<(), StoreError> {
        let _unbounded = bytes;
        Ok(())
    }

    /// How long calls take, which decides where they are made: see [`Reader`] and [`Committer`].
    fn pace(&self) -> Pace {
        Pace::Disk
    }

    /// The value at exactly `key`, or `None`.
    ///
    /// # Errors
    /// The record could not be read, or was found damaged.
    fn read(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// At most `limit` rows of the range, in its direction.
    ///
    /// # Errors
    /// A record could not be read, or was found damaged; nothing is skipped.
    fn scan(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// Like [`scan`](Store::scan), without reading the values.
    ///
    /// # Errors
    /// As for `scan`.
    fn scan_keys(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Vec<u8>>, StoreError>;
}
