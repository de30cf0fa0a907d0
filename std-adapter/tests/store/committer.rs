//! Group commit, seen from outside: a store that waits at a gate shows what the committer does meanwhile.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bellwire::store::{
    Batch, CommitError, Committer, Durability, Limits, MemoryStore, Range, Row, Store, StoreError, Table,
    VALUE_BYTES_MAX,
};

/// What a commit at the gate was asked: the keys in it, and how durable it should be.
type Asked = (Vec<String>, Durability);

/// A store whose every commit says what it was asked, and waits to be told how to end.
struct Gate {
    store: MemoryStore,
    asked: Sender<Asked>,
    answers: Mutex<Receiver<Result<(), StoreError>>>,
}

impl Store for Gate {
    fn commit(&self, batch: &Batch, durability: Durability) -> Result<(), StoreError> {
        let keys = batch.changes().map(|(_, key, _)| String::from_utf8(key.to_vec()).unwrap()).collect();
        self.asked.send((keys, durability)).unwrap();
        self.answers.lock().unwrap().recv().unwrap()?;
        self.store.commit(batch, durability)
    }

    fn read(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.read(table, key)
    }

    fn scan(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.store.scan(table, range, limit)
    }

    fn scan_keys(&self, table: Table, range: Range<'_>, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.store.scan_keys(table, range, limit)
    }
}

/// A committer in front of a gate, and both ends of the gate.
struct Scene {
    committer: Committer,
    store: Arc<Gate>,
    asked: Receiver<Asked>,
    answers: Sender<Result<(), StoreError>>,
}

type Answer = Result<(), CommitError>;
type Waiting = Pin<Box<dyn Future<Output = Answer> + Send>>;

impl Scene {
    fn new(limits: Limits) -> Scene {
        let ((ask, asked), (answers, answer)) = (channel(), channel());
        let store = Arc::new(Gate { store: MemoryStore::new(), asked: ask, answers: Mutex::new(answer) });
        let committer = Committer::start_with(store.clone(), limits).unwrap();
        Scene { committer, store, asked, answers }
    }

    /// A scene whose committer is busy with a batch of the key `first`.
    fn busy(limits: Limits) -> (Scene, Waiting) {
        let scene = Scene::new(limits);
        let first = scene.commit("first", Durability::Buffered);
        assert_eq!(scene.asked.recv().unwrap().0, ["first"]);
        (scene, first)
    }

    /// Hands a batch of one key to the committer.
    fn commit(&self, key: &str, durability: Durability) -> Waiting {
        let committer = self.committer.clone();
        let batch = put(key, "v");
        taken(Box::pin(async move { committer.commit(batch, durability).await }))
    }

    /// Tries to hand a batch to the committer.
    fn try_commit(&self, batch: Batch) -> Waiting {
        let committer = self.committer.clone();
        Box::pin(async move { committer.try_commit(batch, Durability::Synced).await })
    }

    /// Lets the commit at the gate succeed, and returns what the next one was asked.
    fn next(&self) -> Asked {
        self.answers.send(Ok(())).unwrap();
        self.asked.recv().unwrap()
    }
}

fn put(key: &str, value: impl Into<Vec<u8>>) -> Batch {
    let mut batch = Batch::new();
    batch.put(Table::Events, key, value);
    batch
}

/// Polls once, which hands the batch over, and nothing has answered yet.
fn taken(mut waiting: Waiting) -> Waiting {
    assert!(is_pending(&mut waiting));
    waiting
}

fn is_pending(waiting: &mut Waiting) -> bool {
    matches!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending)
}

fn finish<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn finish_all<const N: usize>(waiting: [Waiting; N]) {
    for waiting in waiting {
        finish(waiting).unwrap();
    }
}

#[test]
fn whatever_waits_becomes_one_commit() {
    let (scene, first) = Scene::busy(Limits::DEFAULT);
    let keys = ["a", "b", "c", "d", "e"];
    let waiting = keys.map(|key| scene.commit(key, Durability::Buffered));
    assert_eq!(scene.next(), (keys.map(String::from).to_vec(), Durability::Buffered));
    scene.answers.send(Ok(())).unwrap();
    finish(first).unwrap();
    finish_all(waiting);
    assert_eq!(scene.store.scan_keys(Table::Events, Range::all(), 99).unwrap().len(), 6);
}

#[test]
fn one_that_asks_for_a_sync_gets_it_for_all() {
    let (scene, _first) = Scene::busy(Limits::DEFAULT);
    let asks = [Durability::Buffered, Durability::Synced, Durability::Buffered];
    let _waiting = asks.map(|durability| scene.commit("k", durability));
    assert_eq!(scene.next().1, Durability::Synced);
    let _later = scene.commit("k", Durability::Buffered);
    assert_eq!(scene.next().1, Durability::Buffered);
    scene.answers.send(Ok(())).unwrap();
}

#[test]
fn nothing_is_acknowledged_before_the_commit_returned() {
    let (scene, mut first) = Scene::busy(Limits::DEFAULT);
    let mut second = scene.commit("second", Durability::Synced);
    assert!(is_pending(&mut first) && is_pending(&mut second));
    scene.next();
    finish(first).unwrap();
    assert!(is_pending(&mut second));
    assert_eq!(scene.store.read(Table::Events, b"second").unwrap(), None);
    scene.answers.send(Ok(())).unwrap();
    finish(second).unwrap();
}

#[test]
fn error_reaches_everyone_in_the_group_and_nobody_else() {
    let (scene, first) = Scene::busy(Limits::DEFAULT);
    let waiting = ["a", "b", "c"].map(|key| scene.commit(key, Durability::Synced));
    scene.next();
    scene.answers.send(Err(StoreError::Full)).unwrap();
    finish(first).unwrap();
    for waiting in waiting {
        assert!(matches!(finish(waiting), Err(CommitError::Store(StoreError::Full))));
    }
    let later = scene.commit("later", Durability::Synced);
    assert_eq!(scene.asked.recv().unwrap().0, ["later"]);
    scene.answers.send(Ok(())).unwrap();
    finish(later).unwrap();
    assert_eq!(scene.store.scan_keys(Table::Events, Range::all(), 9).unwrap(), [&b"first"[..], b"later"]);
}

#[test]
fn order_is_kept_within_and_across_groups() {
    let (scene, _first) = Scene::busy(Limits { group_batches: 3, ..Limits::DEFAULT });
    let writes: Vec<Waiting> = (0..7).map(|number: u8| taken(scene.try_commit(put("k", [number])))).collect();
    for _group in 0..3 {
        scene.next();
    }
    scene.answers.send(Ok(())).unwrap();
    for write in writes {
        finish(write).unwrap();
    }
    assert_eq!(scene.store.read(Table::Events, b"k").unwrap().unwrap(), [6]);
}

#[test]
fn groups_end_at_their_limits() {
    for limits in [
        Limits { group_batches: 2, ..Limits::DEFAULT },
        Limits { group_bytes: 2 * put("a", "v").bytes(), ..Limits::DEFAULT },
    ] {
        let (scene, _first) = Scene::busy(limits);
        let _waiting = ["a", "b", "c", "d", "e"].map(|key| scene.commit(key, Durability::Buffered));
        assert_eq!(scene.next().0, ["a", "b"]);
        assert_eq!(scene.next().0, ["c", "d"]);
        assert_eq!(scene.next().0, ["e"]);
        scene.answers.send(Ok(())).unwrap();
    }
}

#[test]
fn too_much_waiting_is_refused_or_waits() {
    let bytes = u32::try_from(put("a", "v").bytes()).unwrap();
    let first_bytes = u32::try_from(put("first", "v").bytes()).unwrap();
    for limits in [
        Limits { waiting_batches: 2, ..Limits::DEFAULT },
        Limits { waiting_bytes: first_bytes + 2 * bytes, ..Limits::DEFAULT },
    ] {
        let (scene, first) = Scene::busy(limits);
        let waiting = ["a", "b"].map(|key| taken(scene.try_commit(put(key, "v"))));
        assert!(matches!(finish(scene.try_commit(put("c", "v"))), Err(CommitError::Overloaded)));
        let mut patient = scene.commit("d", Durability::Buffered);
        assert_eq!(scene.next().0, ["a", "b"]);
        finish(first).unwrap();
        scene.answers.send(Ok(())).unwrap();
        finish_all(waiting);
        assert!(is_pending(&mut patient));
        assert_eq!(scene.asked.recv().unwrap().0, ["d"]);
        scene.answers.send(Ok(())).unwrap();
        finish(patient).unwrap();
    }
}

#[test]
fn batch_larger_than_all_room_is_taken_alone() {
    let scene = Scene::new(Limits { waiting_bytes: 100, ..Limits::DEFAULT });
    let large = taken(scene.try_commit(put("large", vec![0; 1_000])));
    assert!(matches!(finish(scene.try_commit(put("c", "v"))), Err(CommitError::Overloaded)));
    assert_eq!(scene.asked.recv().unwrap().0, ["large"]);
    scene.answers.send(Ok(())).unwrap();
    finish(large).unwrap();
}

#[test]
fn batch_no_store_takes_is_refused_alone() {
    let scene = Scene::new(Limits::DEFAULT);
    let refused = finish(scene.try_commit(put("k", vec![0; VALUE_BYTES_MAX + 1])));
    assert!(matches!(refused, Err(CommitError::Store(StoreError::TooLarge))), "{refused:?}");
    assert!(scene.asked.try_recv().is_err());
}

#[test]
fn caller_that_stops_waiting_takes_nothing_back() {
    let (scene, first) = Scene::busy(Limits::DEFAULT);
    drop(scene.commit("dropped", Durability::Synced));
    drop(first);
    assert_eq!(scene.next().0, ["dropped"]);
    scene.answers.send(Ok(())).unwrap();
    finish(scene.committer.close());
    assert_eq!(scene.store.scan_keys(Table::Events, Range::all(), 9).unwrap().len(), 2);
}

#[test]
fn close_commits_what_waits_and_takes_no_more() {
    let (scene, first) = Scene::busy(Limits { group_batches: 1, ..Limits::DEFAULT });
    let waiting = ["a", "b"].map(|key| scene.commit(key, Durability::Synced));
    let closing = scene.committer.clone();
    let mut close: Waiting = Box::pin(async move {
        closing.close().await;
        Ok(())
    });
    assert!(is_pending(&mut close));
    assert!(matches!(finish(scene.try_commit(put("c", "v"))), Err(CommitError::Closed)));
    assert_eq!(scene.next().0, ["a"]);
    assert_eq!(scene.next().0, ["b"]);
    assert!(is_pending(&mut close));
    scene.answers.send(Ok(())).unwrap();
    finish(first).unwrap();
    finish_all(waiting);
    finish(close).unwrap();
    finish(scene.committer.close());
    assert_eq!(Arc::strong_count(&scene.store), 1, "the thread has let go of the store");
    let refused = finish(scene.committer.commit(put("d", "v"), Durability::Buffered));
    assert!(matches!(refused, Err(CommitError::Closed)));
}

#[test]
fn thread_ends_with_the_last_handle() {
    let scene = Scene::new(Limits::DEFAULT);
    let Scene { committer, store, asked, .. } = scene;
    drop((committer, store));
    // The gate's sender goes with the store, which the thread lets go of as it ends.
    assert!(asked.recv().is_err());
}
