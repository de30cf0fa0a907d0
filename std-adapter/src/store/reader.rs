//! Reading from a store without holding up the threads that everything else runs on.

use std::sync::Arc;

use super::{Pace, Store, StoreError};

/// Reads of a store, made aside where they may have to wait for the disk.
#[derive(Clone)]
pub struct Reader {
    store: Arc<dyn Store>,
}

impl Reader {
    /// Reads of this store.
    pub fn new(store: Arc<dyn Store>) -> Reader {
        Reader { store }
    }

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
        let store = self.store.clone();
        let reading = tokio::task::spawn_blocking(move || read(&*store)).await;
        reading.unwrap_or_else(|fault| match fault.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is ending, and with it whoever asked.
            Err(_) => Err(StoreError::Stopped),
        })
    }
}
