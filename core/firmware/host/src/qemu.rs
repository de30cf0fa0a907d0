//! Runs a program on a board of QEMU, with a folder for the files that both sides use.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::board::Board;

/// A program that runs longer hangs.
const RUN_SECONDS_MAX: u64 = 300;
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Whether the emulator of a board is here.
pub fn is_here(board: Board) -> bool {
    Command::new(board.emulator[0]).arg("--version").stdout(Stdio::null()).status().is_ok()
}

/// Runs a program to its end, with `options` of the emulator, and gives what it printed.
///
/// # Panics
/// When the program ends with another code than 0, or not at all.
pub fn run(board: Board, program: &Path, folder: &Path, options: &[&str]) -> String {
    let (emulator, machine) = board.emulator.split_first().expect("an emulator");
    let printed = folder.join("printed");
    let mut child = Command::new(emulator)
        .args(machine)
        .args(["-nographic", "-monitor", "none"])
        .args(options)
        .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
        .arg(program)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(File::create(&printed).expect("a folder to write to"))
        .spawn()
        .expect("the emulator");
    let status = wait(&mut child);
    let printed = fs::read_to_string(printed).expect("text");
    assert!(
        status.is_some_and(|status| status.success()),
        "{} on {}: {status:?}, {printed}",
        program.display(),
        board.name
    );
    printed
}

/// How the program ended; one that hangs is killed.
fn wait(child: &mut Child) -> Option<ExitStatus> {
    let until = Instant::now() + Duration::from_secs(RUN_SECONDS_MAX);
    while Instant::now() < until {
        if let Some(status) = child.try_wait().expect("a child") {
            return Some(status);
        }
        sleep(LOOK);
    }
    child.kill().and_then(|()| child.wait()).expect("a child");
    None
}
