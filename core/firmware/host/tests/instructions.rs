//! x
use bellwire_firmware_host::board::BOARDS;
use bellwire_firmware_host::build::Variant;
use bellwire_firmware_host::{instructions, programs};
#[test]
fn t() {
    for variant in [Variant::Small, Variant::Fast] {
        for board in BOARDS {
            let p = programs(board, variant).unwrap();
            eprintln!("{} {variant:?} {}", board.name, instructions::per_event(board, &p));
        }
    }
}
