//! Group commit: many callers wait for the disk, one thread writes what all of them brought at once.
//!
//! A sync costs the same for one record as for hundreds. So the thread takes whatever is waiting when the last
//! sync returned, commits it as one batch, and only then answers everyone whose batch was in it.

use std::io;
use std::sync::{Arc, Weak};
use std::thread;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc, oneshot, watch};

use super::{Batch, Durability, Pace, Store, StoreError};

/// Bounds of a [`Committer`]. Its memory is bounded by `waiting_bytes` whatever the callers do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Batches that may wait at once.
    pub waiting_batches: usize,
    /// Bytes that may wait at once, including those being written. A larger batch waits alone.
    pub waiting_bytes: u32,
    /// Batches written together.
    pub group_batches: usize,
    /// Bytes after which no further batch joins a group, so that the first of a group is not kept waiting
    /// for the disk by the rest.
    pub group_bytes: usize,
}

impl Limits {
    /// The limits of [`Committer::start`].
    pub const DEFAULT: Limits = Limits {
        waiting_batches: 4_096,
        waiting_bytes: 64 * 1024 * 1024,
        group_batches: 1_024,
        group_bytes: 4 * 1024 * 1024,
    };
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}

/// Why a batch was not acknowledged.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// Too much is waiting already; the batch was not taken.
    #[error("the server is taking in more than it can write: try again later")]
    Overloaded,
    /// The committer was closed; the batch was not taken.
    #[error("the server is shutting down")]
    Closed,
    /// The store refused the group the batch was in.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A handle on the thread that commits; in a simulation, a task of the runtime. Clones share it; the thread ends with the last one, or with
/// [`close`](Committer::close).
///
/// Batches are applied in the order in which they were taken. A caller that stops waiting takes nothing back:
/// once taken, a batch is committed.
#[derive(Clone)]
pub struct Committer {
    store: Weak<dyn Store>,
    queue: mpsc::Sender<Request>,
    room: Arc<Semaphore>,
    limits: Limits,
    failed: watch::Receiver<Option<StoreError>>,
}

enum Request {
    Commit(Waiting),
    Close(oneshot::Sender<()>),
}

struct Waiting {
    batch: Batch,
    durability: Durability,
    answer: oneshot::Sender<Result<(), StoreError>>,
    /// Given back when the batch has been answered; `None` where whoever brings it has it reserved.
    _room: Option<OwnedSemaphorePermit>,
}

/// Room for the batches of work that comes in parts; given back when dropped.
pub struct Reserved(OwnedSemaphorePermit);

impl Committer {
    /// Starts the thread, with [`Limits::DEFAULT`].
    ///
    /// # Panics
    /// The operating system has no thread left to give.
    #[must_use]
    pub fn start(store: Arc<dyn Store>) -> Committer {
        Committer::start_with(store, Limits::DEFAULT).expect("a thread for the committer")
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// The operating system has no thread left to give.
    pub fn start_with(store: Arc<dyn Store>, limits: Limits) -> io::Result<Committer> {
        let (queue, requests) = mpsc::channel(limits.waiting_batches);
        let weak = Arc::downgrade(&store);
        let (failing, failed) = watch::channel(None);
        let is_simulated = matches!(store.pace(), Pace::Simulated(_));
        let worker = Worker { store, limits, requests, closing: Vec::new(), failing };
        if is_simulated {
            tokio::spawn(worker.run_simulated());
        } else {
            thread::Builder::new().name("committer".to_owned()).spawn(move || worker.run())?;
        }
        let room = Arc::new(Semaphore::new(limits.waiting_bytes as usize));
        Ok(Committer { store: weak, queue, room, limits, failed })
    }

    /// Commits a batch, after waiting for room if too much is waiting: for work of our own, which must not be
    /// refused.
    ///
    /// # Errors
    /// [`CommitError::Closed`], [`CommitError::Store`].
    pub async fn commit(&self, batch: Batch, durability: Durability) -> Result<(), CommitError> {
        batch.check()?;
        let room = self.room.clone().acquire_many_owned(self.room_for(batch.bytes())).await;
        self.send(batch, durability, Some(room.map_err(|_| CommitError::Closed)?)).await
    }

    /// Commits a part of the work for which there is room.
    ///
    /// # Errors
    /// [`CommitError::Closed`], [`CommitError::Store`].
    pub async fn commit_reserved(
        &self,
        _room: &Reserved,
        batch: Batch,
        durability: Durability,
    ) -> Result<(), CommitError> {
        batch.check()?;
        self.send(batch, durability, None).await
    }

    /// Room for so many bytes of batches, or an error at once if too much is waiting or the disk is nearly full: for work
    /// from outside.
    ///
    /// # Errors
    /// [`CommitError::Overloaded`], [`CommitError::Closed`], [`CommitError::Store`].
    pub fn try_reserve(&self, bytes: usize) -> Result<Reserved, CommitError> {
        self.store.upgrade().ok_or(CommitError::Closed)?.check_room(bytes)?;
        let room = self.room.clone().try_acquire_many_owned(self.room_for(bytes));
        room.map(Reserved).map_err(|error| match error {
            TryAcquireError::NoPermits => CommitError::Overloaded,
            TryAcquireError::Closed => CommitError::Closed,
        })
    }

    /// Commits a batch, or refuses it at once as [`Committer::try_reserve`] does.
    ///
    /// # Errors
    /// [`CommitError::Overloaded`], [`CommitError::Closed`], [`CommitError::Store`].
    pub async fn try_commit(&self, batch: Batch, durability: Durability) -> Result<(), CommitError> {
        batch.check()?;
        let Reserved(room) = self.try_reserve(batch.bytes())?;
        let (waiting, answer) = waiting(batch, durability, Some(room));
        self.queue.try_send(Request::Commit(waiting)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CommitError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => CommitError::Closed,
        })?;
        answered(answer).await
    }

    /// Takes no more batches, commits what is waiting, and returns when the thread has let go of the store.
    /// A second call returns when the first has.
    pub async fn close(&self) {
        self.room.close();
        let (done, closed) = oneshot::channel();
        if self.queue.send(Request::Close(done)).await.is_ok() {
            // An error means the thread has ended, which is what we wait for.
            let _ended = closed.await;
        }
        self.queue.closed().await;
    }

    /// Returns once the store has failed for good ([`StoreError::is_passing`] says no): nothing can be acknowledged
    /// any more, and only opening it again helps. Waits for ever while that does not happen.
    pub async fn failed(&self) -> StoreError {
        let mut failed = self.failed.clone();
        let failure = failed.wait_for(Option::is_some).await.ok().and_then(|failure| failure.clone());
        match failure {
            Some(error) => error,
            // The thread ended without a failure: there will be none.
            None => std::future::pending().await,
        }
    }

    /// Whether the store has failed for good.
    pub fn has_failed(&self) -> bool {
        self.failed.borrow().is_some()
    }

    /// Whether there is room for more work from outside.
    ///
    /// # Errors
    /// As [`Store::check_room`].
    pub fn check_room(&self) -> Result<(), StoreError> {
        self.store.upgrade().map_or(Err(StoreError::Stopped), |store| store.check_room(0))
    }

    async fn send(
        &self,
        batch: Batch,
        durability: Durability,
        room: Option<OwnedSemaphorePermit>,
    ) -> Result<(), CommitError> {
        let (waiting, answer) = waiting(batch, durability, room);
        self.queue.send(Request::Commit(waiting)).await.map_err(|_| CommitError::Closed)?;
        answered(answer).await
    }

    /// What so many bytes take of those that may wait; never more than there are.
    fn room_for(&self, bytes: usize) -> u32 {
        u32::try_from(bytes).unwrap_or(u32::MAX).min(self.limits.waiting_bytes)
    }
}

fn waiting(
    batch: Batch,
    durability: Durability,
    room: Option<OwnedSemaphorePermit>,
) -> (Waiting, oneshot::Receiver<Result<(), StoreError>>) {
    let (answer, answered) = oneshot::channel();
    (Waiting { batch, durability, answer, _room: room }, answered)
}

async fn answered(answer: oneshot::Receiver<Result<(), StoreError>>) -> Result<(), CommitError> {
    // Nobody answers only if the thread is gone before it got to the batch.
    Ok(answer.await.map_err(|_| CommitError::Closed)??)
}

/// The thread's side.
struct Worker {
    store: Arc<dyn Store>,
    limits: Limits,
    requests: mpsc::Receiver<Request>,
    closing: Vec<oneshot::Sender<()>>,
    failing: watch::Sender<Option<StoreError>>,
}

impl Worker {
    fn run(mut self) {
        while let Some(request) = self.requests.blocking_recv() {
            let group = self.gather(request);
            self.commit(group);
        }
        self.end();
    }

    /// The same on a runtime whose time is simulated: a commit takes effect in the middle of the time it takes.
    async fn run_simulated(mut self) {
        while let Some(request) = self.requests.recv().await {
            let group = self.gather(request);
            self.pass_time().await;
            let answers = self.write(group);
            self.pass_time().await;
            answer(answers);
        }
        self.end();
    }

    async fn pass_time(&self) {
        if let Pace::Simulated(wait) = self.store.pace() {
            tokio::time::sleep(wait).await;
        }
    }

    fn end(self) {
        let Worker { store, closing, failing: _failing, .. } = self;
        drop(store);
        for done in closing {
            let _caller_gone = done.send(());
        }
    }

    /// The first request and whatever waits behind it, within the limits of a group.
    fn gather(&mut self, first: Request) -> Vec<Waiting> {
        let mut group = Vec::new();
        let mut bytes = 0;
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                Request::Commit(waiting) => {
                    bytes += waiting.batch.bytes();
                    group.push(waiting);
                }
                Request::Close(done) => self.close(done),
            }
            let full = group.len() >= self.limits.group_batches || bytes >= self.limits.group_bytes;
            next = if full { None } else { self.requests.try_recv().ok() };
        }
        group
    }

    /// What was sent before the queue closed can still be received, so nothing taken is dropped.
    fn close(&mut self, done: oneshot::Sender<()>) {
        self.requests.close();
        self.closing.push(done);
    }

    fn commit(&self, group: Vec<Waiting>) {
        answer(self.write(group));
    }

    /// Writes a group as one batch. Answers with what each is to be told.
    fn write(&self, mut group: Vec<Waiting>) -> Option<(Vec<Waiting>, Result<(), StoreError>)> {
        let mut all = Batch::new();
        let mut durability = Durability::Buffered;
        for waiting in &mut group {
            all.append(std::mem::take(&mut waiting.batch));
            durability = durability.max(waiting.durability);
        }
        if group.is_empty() {
            return None;
        }
        let result = self.store.commit(&all, durability);
        if let Err(error) = &result
            && !error.is_passing()
        {
            // The first says why; those after it only that the store has stopped.
            self.failing
                .send_if_modified(|failed| failed.is_none() && failed.replace(error.clone()).is_none());
        }
        Some((group, result))
    }
}

fn answer(written: Option<(Vec<Waiting>, Result<(), StoreError>)>) {
    let Some((group, result)) = written else { return };
    for waiting in group {
        let _caller_gone = waiting.answer.send(result.clone());
    }
}
