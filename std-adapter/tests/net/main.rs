//! The HTTP client against real sockets: what it sends, hostile receivers, TLS, and names.

#[path = "../support/authority.rs"]
mod authority;
mod hostile;
mod names;
mod plain;
mod receiver;
mod tls;
