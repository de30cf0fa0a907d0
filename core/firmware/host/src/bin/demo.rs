//! Writes what lies in the firmware's flash, after the table's format or the wire's has changed.

use std::path::Path;
use std::{fs, io};

use bellwire_firmware_host::demo;

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("table.bwmt"), demo::image())?;
    fs::write(folder.join("events.frames"), demo::frames())
}
