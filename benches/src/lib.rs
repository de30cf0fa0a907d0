//! What the benches share: webhooks, events and payloads that are the same on every run and every machine, and programs
//! of several processes.
//!
//! Everything is drawn from a seeded generator. Texts are leaked, which a program that ends soon can afford.

pub mod payload;
#[cfg(feature = "server")]
pub mod process;
pub mod workload;
