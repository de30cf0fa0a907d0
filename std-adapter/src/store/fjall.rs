//! The store on disk: every table a keyspace of one fjall database (a log-structured merge tree with a journal).

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ::fjall::{
    CompressionType, Database, DatabaseBuilder, Guard, Iter, Keyspace, KeyspaceCreateOptions,
    KvSeparationOptions, LsmError, OwnedWriteBatch, PersistMode, Readable,
};

use super::damage::Damage;
use super::directory::StoreDirectory;
use super::mark::Mark;
use super::space::{FREE_BYTES_MIN, FREE_BYTES_RESERVE, Space};
use super::{Batch, Changes, Durability, OpenError, Range, Row, Store, StoreError, Table, journal, manifest};

/// Blocks and values read lately that stay in memory.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// Files kept open; a server must do with 1,024 descriptors, and most of those are for connections.
const OPEN_FILES_MAX: usize = 256;

/// Background threads: one is kept free for flushing while the other compacts.
const WORKER_THREADS: usize = 2;

/// Journals kept before the engine flushes the tables that hold them back; the least that it takes. We ask for it
/// before: see [`FjallStore::release_journals`].
const JOURNAL_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Values from this size on are kept beside the tree, which then moves only their addresses when it compacts:
/// an event of a megabyte would otherwise be written again at every level.
const SEPARATED_BYTES_MIN: u32 = 16 * 1024;

/// A table sealed for flushing this often makes commits wait for the flush. One below the number at which the
/// engine waits itself, because it goes on waiting when the flush has failed.
const SEALED_MAX: usize = 3;

/// Likewise for tables not yet compacted.
const UNCOMPACTED_MAX: usize = 28;

/// How long the end of a store may take for the sake of the next start.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(5);

/// How long to leave a flush or compaction alone before looking again.
const FLUSH_POLL: Duration = Duration::from_millis(5);

/// A store in a directory of its own.
///
/// A crash loses nothing that was acknowledged at the asked [`Durability`], and one during creation leaves
/// nothing that stands in the way of the next start. A second server on the same directory is refused at once.
pub struct FjallStore {
    tables: [Keyspace; Table::ALL.len()],
    database: Database,
    mark: Mutex<Mark>,
    space: Space,
    /// Journals that there were when the tables were last asked to let go of all but the newest.
    journals: AtomicUsize,
    stopped: AtomicBool,
    // Last, so that the lock is let go only when the engine has closed its files.
    _directory: StoreDirectory,
}

impl FjallStore {
    /// Opens the store in `dir`, creating directory and store if there are none.
    ///
    /// # Errors
    /// See [`OpenError`]: each says what stands in the way and what to do.
    pub fn open(dir: &Path) -> Result<FjallStore, OpenError> {
        let directory = StoreDirectory::claim(dir)?;
        let failed = |error| open_error(dir, error);
        let engine = directory.engine(|path| create(path).map_err(failed))?;
        let space = Space::of(&engine).map_err(|error| OpenError::io(&engine, error))?;
        inspect(&engine).map_err(|damage| inspection_error(dir, damage))?;
        let database = builder(&engine).open().map_err(failed)?;
        let tables = open_tables(&database).map_err(failed)?;
        let mark = Mark::open(&engine, Mark::find(&database).map_err(failed)?);
        let mark = Mutex::new(mark.map_err(|damage| inspection_error(dir, damage))?);
        Ok(FjallStore {
            tables,
            database,
            mark,
            space,
            journals: AtomicUsize::new(1),
            stopped: AtomicBool::new(false),
            _directory: directory,
        })
    }

    fn table(&self, table: Table) -> &Keyspace {
        &self.tables[table as usize]
    }

    /// Waits until flushing and compaction have caught up with the tables that are changed.
    fn wait_for_room(&self, changes: Changes<'_>) -> Result<(), StoreError> {
        let mut table_seen = None;
        for (table, _, _) in changes {
            if table_seen.replace(table) == Some(table) {
                continue;
            }
            let keyspace = self.table(table);
            while keyspace.sealed_memtable_count() >= SEALED_MAX
                || keyspace.l0_table_count() >= UNCOMPACTED_MAX
            {
                // Says so if the background work has failed, and will never catch up.
                self.database.persist(PersistMode::Buffer).map_err(store_error)?;
                thread::sleep(FLUSH_POLL);
            }
        }
        Ok(())
    }

    fn write(&self, changes: Changes<'_>, durability: Durability) -> Result<(), StoreError> {
        self.wait_for_room(changes.clone())?;
        // Without a mode the engine would leave the batch in its own buffer, where a kill loses it.
        let mode = match durability {
            Durability::Synced => PersistMode::SyncData,
            Durability::Buffered => PersistMode::Buffer,
        };
        let mut writes = self.database.batch().durability(Some(mode));
        for (table, key, value) in changes {
            match value {
                Some(value) => writes.insert(self.table(table), key, value),
                None => writes.remove(self.table(table), key),
            }
        }
        match durability {
            Durability::Synced => self.commit_marked(writes)?,
            Durability::Buffered => writes.commit().map_err(store_error)?,
        }
        self.release_journals()
    }

    fn commit_marked(&self, mut writes: OwnedWriteBatch) -> Result<(), StoreError> {
        // Held over the commit, so that the numbers are in the order of the commits.
        let mut mark = self.mark();
        mark.number(&mut writes);
        writes.commit().map_err(store_error)?;
        // What was acknowledged does not hang on it.
        let _older_note = mark.note();
        Ok(())
    }

    fn mark(&self) -> MutexGuard<'_, Mark> {
        self.mark.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Flushes all tables whenever the engine has begun a journal, so that it can remove the ones before. It would keep
    /// them until a table that changes little is full, and the next start reads every journal there is, at more than a
    /// microsecond for each change.
    fn release_journals(&self) -> Result<(), StoreError> {
        let journals = self.database.journal_count();
        if journals > self.journals.swap(journals, Ordering::Relaxed) { self.flush() } else { Ok(()) }
    }

    /// Begins to flush all tables.
    fn flush(&self) -> Result<(), StoreError> {
        for table in self.tables.iter().chain([self.mark().table()]) {
            // Whether there was anything to flush does not matter.
            table.rotate_memtable().map_err(store_error)?;
        }
        Ok(())
    }

    /// Flushes what keeps more than one journal.
    fn close(&self) -> Result<(), StoreError> {
        let begun = Instant::now();
        let is_held_up = || self.database.journal_count() > 1;
        if is_held_up() {
            self.flush()?;
        }
        while is_held_up() && begun.elapsed() < CLOSE_TIME_MAX {
            // Says so if the background work has failed.
            self.database.persist(PersistMode::Buffer).map_err(store_error)?;
            thread::sleep(FLUSH_POLL);
        }
        Ok(())
    }

    /// The rows of a range in its direction, each turned into what the caller wants of it.
    fn collect<T>(
        &self,
        table: Table,
        range: &Range<'_>,
        limit: usize,
        pick: impl Fn(Guard) -> ::fjall::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        // A snapshot, because an iterator of the keyspace itself shows batches half applied.
        let rows: Iter = self.database.snapshot().range::<&[u8], _>(self.table(table), range.bounds());
        let rows: ::fjall::Result<Vec<T>> = if range.is_reversed() {
            rows.rev().take(limit).map(pick).collect()
        } else {
            rows.take(limit).map(pick).collect()
        };
        rows.map_err(|error| read_error(table, error))
    }
}

impl Store for FjallStore {
    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), StoreError> {
        batch.check()?;
        if self.stopped.load(Ordering::Acquire) {
            return Err(StoreError::Stopped);
        }
        if batch.is_empty() && durability == Durability::Buffered {
            return Ok(());
        }
        // Removing is what makes room, so it is never refused for want of it.
        let changes = batch.changes();
        if changes.clone().any(|(_, _, value)| value.is_some()) {
            self.space.check(batch.bytes(), FREE_BYTES_RESERVE)?;
        }
        self.write(changes, durability).map_err(|error| {
            self.stopped.store(true, Ordering::Release);
            error.while_writing()
        })
    }

    fn check_room(&self, bytes: usize) -> Result<(), StoreError> {
        self.space.check(bytes, FREE_BYTES_MIN)
    }

    fn read(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.database.snapshot().get(self.table(table), key);
        let value = value.map_err(|error| read_error(table, error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Row>, StoreError> {
        let row = |guard: Guard| guard.into_inner().map(|(key, value)| (key.to_vec(), value.to_vec()));
        self.collect(table, &range, limit, row)
    }

    fn scan_keys(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.collect(table, &range, limit, |guard| guard.key().map(|key| key.to_vec()))
    }
}

/// Nothing depends on it: what was committed is in the journals.
impl Drop for FjallStore {
    fn drop(&mut self) {
        if self.stopped.load(Ordering::Acquire) {
            return;
        }
        if let Err(cause) = self.close() {
            tracing::warn!(%cause, "the store could not be tidied up; the next start takes longer");
        }
    }
}

fn builder(engine: &Path) -> DatabaseBuilder<Database> {
    Database::builder(engine)
        .cache_size(CACHE_BYTES)
        .max_cached_files(Some(OPEN_FILES_MAX))
        .max_journaling_size(JOURNAL_BYTES_MAX)
        .worker_threads(WORKER_THREADS)
}

/// Creates the engine's files and closes them.
fn create(engine: &Path) -> ::fjall::Result<()> {
    let database = builder(engine).open()?;
    open_tables(&database)?;
    Mark::find(&database)?;
    database.persist(PersistMode::SyncAll)
}

fn open_tables(database: &Database) -> ::fjall::Result<[Keyspace; Table::ALL.len()]> {
    let tables: ::fjall::Result<Vec<Keyspace>> =
        Table::ALL.into_iter().map(|table| database.keyspace(table.name(), || options(table))).collect();
    Ok(tables?.try_into().unwrap_or_else(|_| unreachable!("one keyspace per table")))
}

/// Blocks are not compressed: the feature costs the journal's writer CPU on every large value, and payloads are
/// gone as soon as they are delivered and their retention is over.
fn options(table: Table) -> KeyspaceCreateOptions {
    let options = KeyspaceCreateOptions::default().max_memtable_size(memtable_bytes_max(table));
    let separated = KvSeparationOptions::default()
        .compression(CompressionType::None)
        .separation_threshold(SEPARATED_BYTES_MIN);
    if manifest::SEPARATED.contains(&table) { options.with_kv_separation(Some(separated)) } else { options }
}

/// Changes of a table held in memory until they are flushed; up to [`SEALED_MAX`] times as much may wait for it.
fn memtable_bytes_max(table: Table) -> u64 {
    const MIB: u64 = 1024 * 1024;
    match table {
        Table::Events | Table::CallBodies => 16 * MIB,
        Table::Owed | Table::Calls | Table::Dedup => 8 * MIB,
        Table::Meta | Table::Spaces | Table::Webhooks | Table::Settings | Table::Tokens => 2 * MIB,
    }
}

/// Names the table: the engine does not say where it found damage.
fn read_error(table: Table, error: ::fjall::Error) -> StoreError {
    match store_error(error) {
        StoreError::Corrupt(cause) => {
            StoreError::Corrupt(Arc::new(Damage::Table { name: table.name(), cause }))
        }
        error => error,
    }
}

fn store_error(error: ::fjall::Error) -> StoreError {
    match error {
        ::fjall::Error::Io(error) | ::fjall::Error::Storage(LsmError::Io(error)) => error.into(),
        ::fjall::Error::Poisoned => StoreError::Stopped,
        ::fjall::Error::Locked => StoreError::Io(Arc::new(io::Error::from(io::ErrorKind::ResourceBusy))),
        damaged => StoreError::Corrupt(Arc::new(damaged)),
    }
}

/// A look at the files in which the engine would pass over damage in silence.
fn inspect(engine: &Path) -> Result<(), Damage> {
    manifest::inspect(engine)?;
    journal::inspect(engine)
}

fn inspection_error(dir: &Path, damage: Damage) -> OpenError {
    match damage {
        Damage::Io(error) => OpenError::io(dir, error),
        damage => OpenError::Corrupt { dir: dir.to_path_buf(), cause: Arc::new(damage) },
    }
}

fn open_error(dir: &Path, error: ::fjall::Error) -> OpenError {
    match store_error(error) {
        StoreError::Corrupt(cause) => OpenError::Corrupt { dir: dir.to_path_buf(), cause },
        cause => OpenError::Store { path: dir.to_path_buf(), cause },
    }
}
