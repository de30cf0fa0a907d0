//! bellwire: events in, webhooks out, every call readable afterwards.
//!
//! The server, the library that a program embeds, and the command. What is decided (which webhooks match, whether to
//! try again, how a request is signed) is decided by [`bellwire_core`]; here it is carried out.
//!
//! # Floors
//! A module imports only from floors below its own.
//!
//! | floor | modules |
//! |---|---|
//! | 10 | `cli` |
//! | 9 | `node` |
//! | 8 | `api` `web` |
//! | 7 | `app` |
//! | 6 | `ingest` |
//! | 5 | `dispatch` `deliver` `sweep` |
//! | 4 | `webhooks` `calls` `events` `tokens` |
//! | 3 | `transform` |
//! | 2 | `store` `net` |
//! | 1 | `config` `id` |
//! | 0 | `limits` `clock` `random` `quiet` `causes` `secret` `problem` `json` `metrics` `planted` |
#![forbid(unsafe_code)]

pub mod api;
pub mod app;
pub mod calls;
pub mod causes;
pub mod cli;
pub mod clock;
pub mod config;
pub mod deliver;
pub mod dispatch;
pub mod events;
pub mod id;
pub mod ingest;
pub mod json;
pub mod limits;
pub mod metrics;
pub mod net;
pub mod node;
#[doc(hidden)]
pub mod planted;
pub mod problem;
pub mod quiet;
pub mod random;
pub mod secret;
pub mod store;
pub mod sweep;
pub mod tokens;
pub mod transform;
pub mod web;
pub mod webhooks;

/// The examples of the README, compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct ReadmeExamples;
