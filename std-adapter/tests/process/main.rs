//! The real binary as a process of its own: started, used, stopped, killed.

mod cli;
mod crash;
// Shared with the torture, which uses the rest of both.
#[allow(dead_code)]
mod ledger;
mod readme;
#[allow(dead_code)]
mod support;
mod table;
