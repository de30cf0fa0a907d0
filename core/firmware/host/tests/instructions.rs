//! Finding the webhooks of an event takes no more instructions than it did.

use bellwire_firmware_host::board::BOARDS;
use bellwire_firmware_host::build::Variant;
use bellwire_firmware_host::instructions::{Count, count, kept};
use bellwire_firmware_host::programs;

/// How many times what is kept a count may be. Every run counts the same: this is room for changes elsewhere that move
/// code about.
const GROWTH: f64 = 1.02;
/// The same against counts of another compiler, as long as there are none of this one.
const GROWTH_OF_ANOTHER_COMPILER: f64 = 1.15;

/// Most instructions that a count may come to.
fn allowed(kept: &[Count], now: &Count) -> f64 {
    if let Some(row) = kept.iter().find(|row| row.is_of_the_same(now)) {
        return row.instructions * GROWTH;
    }
    eprintln!(
        "nothing is kept for {}: cargo run -p bellwire-firmware-host --bin board_instructions",
        now.compiler
    );
    let other = kept.iter().rfind(|row| (&row.board, &row.way) == (&now.board, &now.way));
    other.expect("counts of some compiler").instructions * GROWTH_OF_ANOTHER_COMPILER
}

#[test]
fn an_event_takes_no_more_instructions_than_it_did() {
    let kept = kept();
    for board in BOARDS {
        let Some(programs) = programs(board, Variant::Fast) else { continue };
        for now in count(board, &programs) {
            let most = allowed(&kept, &now);
            assert!(now.instructions <= most, "{now:?} is more than {most}");
        }
    }
}
