//! The real binary as a process of its own: started, used, stopped, killed.

mod cli;
mod crash;
mod readme;
mod support;
mod table;
