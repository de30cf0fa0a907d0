//! The web app over real sockets: every route as everybody, and the pages in a real browser.

// Shared with the tests of the API, which use all of it.
#[allow(dead_code)]
#[path = "../server/support.rs"]
mod support;

mod routes;
mod session;
mod visitor;
