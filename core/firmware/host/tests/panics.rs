//! Nothing that loads, matches, explains, decodes or encodes on a device can panic: no such code is linked.

use bellwire_firmware_host::board::BOARDS;
use bellwire_firmware_host::build::Variant;
use bellwire_firmware_host::elf::panics;
use bellwire_firmware_host::part::PARTS;
use bellwire_firmware_host::programs;

#[test]
fn no_code_that_panics_is_linked() {
    for board in BOARDS {
        let Some(programs) = programs(board, Variant::Small) else { continue };
        for part in PARTS.iter().filter(|part| part.panic_free) {
            let found = panics(&programs.join(part.program));
            assert!(found.is_empty(), "{} on {}: {found:?}", part.program, board.name);
        }
    }
}

#[test]
fn code_that_panics_would_be_seen() {
    for board in BOARDS {
        let Some(programs) = programs(board, Variant::Small) else { continue };
        // It formats texts, and that can panic.
        assert!(!panics(&programs.join("answers")).is_empty(), "{}", board.name);
    }
}
