//! The server as its callers meet it: over real sockets, in this process, on a store in memory.

mod access;
#[path = "../support/authority.rs"]
mod authority;
mod definitions;
mod delivery;
mod endpoints;
mod errors;
mod events;
mod faults;
mod kept;
mod ports;
mod rows;
mod support;
mod tls;
