//! The firmware in QEMU answers random batches as this machine does.

use std::fs;
use std::path::Path;

use bellwire_firmware_host::answer::answer;
use bellwire_firmware_host::batch::batch;
use bellwire_firmware_host::board::{Board, CORTEX_M0, CORTEX_M4, RISC_V};
use bellwire_firmware_host::build::Variant;
use bellwire_firmware_host::{programs, qemu};
use tempfile::tempdir;

/// Cases that each board has to answer at least; a case is a table that was loaded, with one event.
const CASES_MIN: usize = 100_000;
/// What the line of a case starts with.
const CASE: &str = "event ";

fn answers_here(board: Board, batch: &[u8]) -> String {
    let (mut room, mut answers) = (vec![0; board.image_bytes_max()], Vec::new());
    answer(batch, &mut room, &mut answers).unwrap();
    String::from_utf8(answers).unwrap()
}

fn answers_there(board: Board, programs: &Path, batch: &[u8]) -> String {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("batch"), batch).unwrap();
    qemu::run(board, &programs.join("answers"), folder.path(), &[]);
    fs::read_to_string(folder.path().join("answers")).unwrap()
}

/// Compares line by line, so that the first difference can be read.
fn compare(board: Board, here: &str, there: &str) {
    let mut table = "";
    for (number, (expected, found)) in here.lines().zip(there.lines()).enumerate() {
        table = if expected.starts_with("table ") { expected } else { table };
        assert_eq!(found, expected, "line {number} on {}, of {table}", board.name);
    }
    assert_eq!(here.len(), there.len(), "{} did not answer all", board.name);
}

fn answers_as_this_machine_does(board: Board) {
    let Some(programs) = programs(board, Variant::Small) else { return };
    let batch = batch(board);
    let here = answers_here(board, &batch);
    compare(board, &here, &answers_there(board, &programs, &batch));
    assert!(here.lines().filter(|line| line.starts_with(CASE)).count() >= CASES_MIN);
}

#[test]
fn a_cortex_m0_answers_as_this_machine_does() {
    answers_as_this_machine_does(CORTEX_M0);
}

#[test]
fn a_cortex_m4_answers_as_this_machine_does() {
    answers_as_this_machine_does(CORTEX_M4);
}

#[test]
fn a_risc_v_answers_as_this_machine_does() {
    answers_as_this_machine_does(RISC_V);
}
