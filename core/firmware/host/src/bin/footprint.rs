//! Prints how much flash, RAM and stack each part of the core takes on each board.

use bellwire_firmware_host::board::{BOARDS, Board};
use bellwire_firmware_host::build::Variant;
use bellwire_firmware_host::part::{Footprint, PARTS, Part, footprint};
use bellwire_firmware_host::programs;

fn main() {
    let heading = |board: Board| format!(" {} flash | stack |", board.name);
    println!("| part | static RAM |{}", BOARDS.map(heading).concat());
    println!("|---|--:|{}", "--:|--:|".repeat(BOARDS.len()));
    PARTS.into_iter().for_each(|part| print(part, Variant::Narrow, part.does));
    for part in PARTS.into_iter().filter(|part| part.reads_images) {
        print(part, Variant::Small, &format!("{}, feature `wide`", part.does));
    }
}

fn print(part: Part, variant: Variant, does: &str) {
    let measure = |board| programs(board, variant).map(|programs| footprint(board, &programs, part));
    let footprints = BOARDS.map(measure);
    let ram = footprints.iter().flatten().map(|footprint| footprint.ram).max().unwrap_or_default();
    println!("| {does} | {ram} |{}", footprints.map(cells).concat());
}

/// Nothing where this machine cannot build for the board.
fn cells(footprint: Option<Footprint>) -> String {
    match footprint {
        Some(Footprint { flash, stack, .. }) => format!(" {flash} | {stack} |"),
        None => " | |".to_owned(),
    }
}
