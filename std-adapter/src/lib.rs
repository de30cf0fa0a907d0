//! The adapter's library: everything that touches a clock, a socket or a disk.
pub mod store;
