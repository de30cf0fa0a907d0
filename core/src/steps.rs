//! Counting the steps that matching takes, for the test that holds the bound of an image to them. Without the feature
//! `steps` nothing is counted, and nothing of it is in a program.

#[cfg(feature = "steps")]
use core::sync::atomic::{AtomicU64, Ordering};

/// Steps since the program started, of all threads.
#[cfg(feature = "steps")]
static TAKEN: AtomicU64 = AtomicU64::new(0);

/// Counts so many steps.
#[inline(always)]
pub(crate) fn count(_steps: usize) {
    #[cfg(feature = "steps")]
    TAKEN.fetch_add(_steps as u64, Ordering::Relaxed);
}

/// How many steps were counted since this was asked last.
#[cfg(feature = "steps")]
pub fn take() -> u64 {
    TAKEN.swap(0, Ordering::Relaxed)
}
