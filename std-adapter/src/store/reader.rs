//! Reading from a store without holding up the threads that everything else runs on.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{Pace, Store, StoreError};

/// Reads at once that may wait for the disk: each has a thread of its own.
const READS_MAX: u32 = 64;

/// Reads of a store, made aside where they may have to wait for the disk. Clones share their bound.
#[derive(Clone)]
pub struct Reader {
    store: Arc<dyn Store>,
    room: Arc<Semaphore>,
}

impl From<Arc<dyn Store>> for Reader {
    fn from(store: Arc<dyn Store>) -> Reader {
        Reader { store, room: Arc::new(Semaphore::new(READS_MAX as usize)) }
    }
}

impl Reader {
    /// The store itself, for what is known to be in memory.
    pub fn at_once(&self) -> &dyn Store {
        &*self.store
    }

    /// Reads on a thread that may wait; at once when the store never waits. In a simulation the answer is a while on
    /// its way.
    ///
    /// # Errors
    /// Those of `read`.
    pub async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self.store.pace() {
            Pace::Disk => self.run_aside(read).await,
            Pace::Memory => read(&*self.store),
            Pace::Simulated(wait) => {
                let answer = read(&*self.store);
                tokio::time::sleep(wait).await;
                answer
            }
        }
    }

    async fn run_aside<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let room = self.room.clone().acquire_owned().await.map_err(|_| StoreError::Stopped)?;
        let store = self.store.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let answer = read(&*store);
            // The store first: when there is room for all, nobody reads and nobody holds it.
            drop(store);
            drop(room);
            answer
        });
        reading.await.unwrap_or_else(|fault| match fault.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is ending, and with it whoever asked.
            Err(_) => Err(StoreError::Stopped),
        })
    }

    /// Returns when no read is under way. None begins any more.
    pub async fn close(&self) {
        let all = self.room.acquire_many(READS_MAX).await;
        self.room.close();
        drop(all);
    }
}
