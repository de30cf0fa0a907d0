//! What the benches share: webhooks, events and payloads that are the same on every run and every machine, and programs
//! of several processes.
//!
//! Everything is drawn from a seeded generator. Texts are leaked, which a program that ends soon can afford.

/// That of the command, so that servers are measured with it.
#[cfg(feature = "server")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod latency;
pub mod payload;
#[cfg(feature = "server")]
pub mod process;
#[cfg(feature = "server")]
pub mod stored;
pub mod workload;
