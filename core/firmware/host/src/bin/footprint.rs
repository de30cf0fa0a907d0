//! Prints how much flash, RAM and stack each part of the core takes on each board.

use bellwire_firmware_host::board::{BOARDS, Board};
use bellwire_firmware_host::build::Variant;
use bellwire_firmware_host::part::{Footprint, PARTS, Part, footprint};
use bellwire_firmware_host::programs;

fn main() {
    let boards: Vec<_> = BOARDS
        .into_iter()
        .filter_map(|board| programs(board, Variant::Small).map(|programs| (board, programs)))
        .collect();
    let heading = |(board, _): &(Board, _)| format!(" {} flash | stack |", board.name);
    println!("| part | static RAM |{}", boards.iter().map(heading).collect::<String>());
    println!("|---|--:|{}", "--:|--:|".repeat(boards.len()));
    for part in PARTS {
        let footprints = boards.iter().map(|(board, programs)| footprint(*board, programs, part));
        println!("{}", row(part, &footprints.collect::<Vec<_>>()));
    }
}

fn row(part: Part, footprints: &[Footprint]) -> String {
    let ram = footprints.iter().map(|footprint| footprint.ram).max().unwrap_or_default();
    let cells = footprints.iter().map(|Footprint { flash, stack, .. }| format!(" {flash} | {stack} |"));
    format!("| {} | {ram} |{}", part.does, cells.collect::<String>())
}
