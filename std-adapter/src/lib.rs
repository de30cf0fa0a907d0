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
//! | 8 | `cli` |
//! | 7 | `node` |
//! | 6 | `api` |
//! | 5 | `ingest` |
//! | 4 | `dispatch` `deliver` |
//! | 3 | `webhooks` `calls` `tokens` `sweep` |
//! | 2 | `transform` |
//! | 1 | `store` `net` |
//! | 0 | `limits` `config` `clock` `id` `secret` `problem` `metrics` |
#![forbid(unsafe_code)]

pub mod api;
pub mod calls;
pub mod cli;
pub mod clock;
pub mod config;
pub mod deliver;
pub mod dispatch;
pub mod id;
pub mod ingest;
pub mod limits;
pub mod metrics;
pub mod net;
pub mod node;
pub mod problem;
pub mod secret;
pub mod store;
pub mod sweep;
pub mod tokens;
pub mod transform;
pub mod webhooks;
