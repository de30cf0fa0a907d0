//! Runs a program on a board of QEMU, with a folder for the files that both sides use.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
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
    let mut child = Command::new(emulator)
        .args(machine)
        .args(["-nographic", "-monitor", "none"])
        .args(options)
        .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
        .arg(program)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the emulator");
    let mut printed = String::new();
    let stdout = child.stdout.take().map(|mut stdout| {
        std::thread::spawn(move || {
            let mut printed = String::new();
            stdout.read_to_string(&mut printed).map(|_| printed)
        })
    });
    let ended = wait(&mut child);
    if let Some(reader) = stdout {
        printed = reader.join().expect("a reader").expect("text");
    }
    assert!(ended, "{} on {} failed: {printed}", program.display(), board.name);
    printed
}

/// Whether the program ended well; one that hangs is ended.
fn wait(child: &mut Child) -> bool {
    let until = Instant::now() + Duration::from_secs(RUN_SECONDS_MAX);
    while Instant::now() < until {
        if let Some(status) = child.try_wait().expect("a child") {
            return status.success();
        }
        sleep(LOOK);
    }
    child.kill().and_then(|()| child.wait()).expect("a child");
    false
}
