//! Workloads for the benches: webhooks, events and payloads, the same on every run and every machine.
//!
//! Everything is drawn from a seeded generator. Texts are leaked, which a program that ends soon can afford.

pub mod payload;
pub mod workload;
