//! The real binary, tortured: killed at system calls, without power, on a full, damaged or failing disk, out of
//! descriptors. A ledger says whether anything that was acknowledged was lost, or anything else went wrong. See README.md.

#[path = "../sim/chance.rs"]
#[allow(dead_code)]
mod chance;
#[path = "../process/ledger.rs"]
#[allow(dead_code)]
mod ledger;
// Shared with the runners of client libraries and the tests of the command, which use the rest of it.
#[path = "../support/mod.rs"]
#[allow(dead_code)]
mod programs;
#[path = "../process/support.rs"]
#[allow(dead_code)]
mod support;

mod damage;
mod descriptors;
mod disk;
mod failing;
mod power;
mod rounds;
mod syscalls;
