//! Beside the firmware: builds it, runs it in QEMU, and makes what it is fed with.

#[path = "../../src/answer.rs"]
pub mod answer;
pub mod batch;
pub mod board;
pub mod build;
pub mod demo;
pub mod elf;
pub mod instructions;
pub mod part;
pub mod qemu;
#[path = "../../../tests/support/regexps.rs"]
mod regexps;
#[path = "../../src/sections.rs"]
mod sections;
#[path = "../../../tests/support/webhooks.rs"]
mod webhooks;
#[path = "../../../../benches/src/workload.rs"]
pub mod workload;

use std::io::Write;
use std::path::PathBuf;

use board::Board;
use build::Variant;
pub use sections::Sections;

/// The programs for a board, when this machine can build and run them. Otherwise it says why not, and nothing more can
/// be tried.
///
/// # Panics
/// When it cannot and the variable `CI` is set, and when the build fails.
pub fn programs(board: Board, variant: Variant) -> Option<PathBuf> {
    let emulator = board.emulator[0];
    if !qemu::is_here(board) {
        skip(&format!("{} needs {emulator}", board.name));
        return None;
    }
    let programs = build::programs(board, variant);
    if programs.is_none() {
        skip(&format!("{} needs the target {}", board.name, board.target));
    }
    programs
}

/// Says what is not tested past the test runner's capture of output. Not on a build server.
fn skip(reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "the firmware cannot be tested: {reason}");
    let _ = writeln!(std::io::stderr(), "\n*** SKIPPED: the firmware was NOT tested: {reason} ***\n");
}
