//! What fuzz targets share: webhooks and events that the fuzzer chooses, images that it damages, automata.

#[path = "../../std-adapter/src/webhooks/dfa.rs"]
mod dfa;
pub mod image;
pub mod regexps;
pub mod webhooks;
