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
    println!("| part |{}", row(boards.iter().map(|(board, _)| *board), heading));
    println!("|---|{}", row(boards.iter(), |_| "--:|--:|--:|".into()));
    for part in PARTS {
        let footprints = boards.iter().map(|(board, programs)| footprint(*board, programs, part));
        println!("| {} |{}", name(part), row(footprints, cells));
    }
}

fn row<T>(items: impl Iterator<Item = T>, cell: impl Fn(T) -> String) -> String {
    items.map(cell).collect()
}

fn heading(board: Board) -> String {
    format!(" {} flash | static RAM | stack |", board.name)
}

fn name(part: Part) -> &'static str {
    part.does
}

fn cells(Footprint { flash, ram, stack }: Footprint) -> String {
    format!(" {flash} | {ram} | {stack} |")
}
