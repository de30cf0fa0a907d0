//! The web app over real sockets: every route as everybody, and the pages in a real browser.

// Shared with the runners of client libraries and the tests of the API, which use the rest of it.
#[allow(dead_code)]
#[path = "../support/mod.rs"]
mod programs;
#[allow(dead_code)]
#[path = "../server/support.rs"]
mod support;

mod accessibility;
mod browser;
mod editing;
mod faults;
mod flows;
mod naughty;
mod routes;
mod session;
mod size;
mod visitor;
mod world;
