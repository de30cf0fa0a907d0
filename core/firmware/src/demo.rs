//! What lies in flash: the image of a table, and frames as a device would receive them.
//!
//! `cargo run -p bellwire-firmware-host --bin demo` makes both.

/// The image of a table with every kind of pattern and filter.
pub static IMAGE: &[u8] = include_bytes!("../demo/table.bwmt");
/// Frames of events.
pub static FRAMES: &[u8] = include_bytes!("../demo/events.frames");
