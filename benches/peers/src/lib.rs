//! bellwire's match table beside other matchers: the same patterns, the same events, one process, in turns.

pub mod lane;
pub mod matcher;
pub mod matchers;
pub mod report;
pub mod work;
#[path = "../../src/workload.rs"]
pub mod workload;
