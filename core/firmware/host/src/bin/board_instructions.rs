//! Counts the instructions of an event on each board, shows them beside those that are kept, and keeps them.

use std::io;

use bellwire_firmware_host::board::BOARDS;
use bellwire_firmware_host::build::Variant;
use bellwire_firmware_host::instructions::{count, keep, kept};
use bellwire_firmware_host::programs;

fn main() -> io::Result<()> {
    for board in BOARDS {
        let Some(programs) = programs(board, Variant::Fast) else { continue };
        let (counts, before) = (count(board, &programs), kept());
        for now in &counts {
            let same = |row: &&_| now.is_of_the_same(row);
            let before =
                before.iter().find(same).map_or_else(String::new, |row| row.instructions.to_string());
            println!("{} {} {}: {before} -> {}", now.compiler, now.board, now.way, now.instructions);
        }
        keep(&counts)?;
    }
    Ok(())
}
