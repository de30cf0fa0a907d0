//! The demo's table in flash is today's, and every board prints what this machine does.

use std::fs;
use std::path::Path;

use bellwire_firmware_host::answer::answer_one;
use bellwire_firmware_host::board::{BOARDS, CORTEX_M0};
use bellwire_firmware_host::build::Variant;
use bellwire_firmware_host::{demo, programs, qemu};
use tempfile::tempdir;

#[test]
fn what_lies_in_flash_is_what_is_made_today() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo");
    let kept = |name| fs::read(folder.join(name)).unwrap();
    let same = (kept("table.bwmt"), kept("events.frames")) == (demo::image(), demo::frames());
    assert!(same, "make it anew: cargo run -p bellwire-firmware-host --bin demo");
}

#[test]
fn every_board_prints_what_this_machine_does() {
    let mut here = Vec::new();
    answer_one(&demo::image(), &mut &*demo::frames(), &mut here).unwrap();
    let here = String::from_utf8(here).unwrap();
    for board in BOARDS {
        let Some(programs) = programs(board, Variant::Small) else { continue };
        let folder = tempdir().unwrap();
        assert_eq!(qemu::run(board, &programs.join("demo"), folder.path(), &[]), here, "{}", board.name);
    }
}

#[test]
fn a_device_without_regular_expressions_refuses_a_table_that_has_some() {
    let Some(programs) = programs(CORTEX_M0, Variant::WithoutRegexp) else { return };
    let folder = tempdir().unwrap();
    let printed = qemu::run(CORTEX_M0, &programs.join("demo"), folder.path(), &[]);
    let sentence = "the match table holds regular expressions, which are not supported here";
    assert_eq!(printed, format!("refused RegexpsUnsupported: {sentence}\n"));
}
