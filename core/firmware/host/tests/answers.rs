//! The firmware in QEMU answers random batches as this machine does.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use bellwire_firmware_host::answer::{answer, image_bytes_max};
use bellwire_firmware_host::batch::batch;
use bellwire_firmware_host::board::{Board, CORTEX_M0, CORTEX_M4, RISC_V};
use bellwire_firmware_host::build::Variant;
use bellwire_firmware_host::{programs, qemu};
use tempfile::tempdir;

/// Cases that each board has to answer at least; a case is a table that was loaded, with one event.
const CASES_MIN: usize = 100_000;
/// What the line of a table with words of 4 bytes starts with.
const LARGE_TABLE: &str = "table 4 ";
/// What the line of a case starts with.
const CASE: &str = "event ";

/// What a board is asked, and what it has to answer.
struct Task {
    batch: Vec<u8>,
    answers: String,
}

/// For boards that have room for large tables, and for those that have not.
static LARGE: LazyLock<Task> = LazyLock::new(|| task(image_bytes_max(false)));
static SMALL: LazyLock<Task> = LazyLock::new(|| task(image_bytes_max(true)));

fn task(image_bytes_max: usize) -> Task {
    let (batch, mut room, mut answers) = (batch(image_bytes_max), vec![0; image_bytes_max], Vec::new());
    answer(&*batch, &mut room, &mut answers).unwrap();
    let answers = String::from_utf8(answers).unwrap();
    assert!(answers.lines().filter(|line| line.starts_with(CASE)).count() >= CASES_MIN);
    Task { batch, answers }
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

fn answers_as_this_machine_does(board: Board, task: &LazyLock<Task>) {
    let Some(programs) = programs(board, Variant::Small) else { return };
    compare(board, &task.answers, &answers_there(board, &programs, &task.batch));
}

#[test]
fn a_cortex_m0_answers_as_this_machine_does() {
    answers_as_this_machine_does(CORTEX_M0, &SMALL);
}

#[test]
fn a_cortex_m4_answers_as_this_machine_does() {
    answers_as_this_machine_does(CORTEX_M4, &LARGE);
}

#[test]
fn a_risc_v_answers_as_this_machine_does() {
    answers_as_this_machine_does(RISC_V, &LARGE);
}

#[test]
fn large_tables_are_among_the_tasks() {
    assert!(LARGE.answers.lines().any(|line| line.starts_with(LARGE_TABLE)));
}
