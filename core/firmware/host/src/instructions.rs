//! Counts the instructions that a board takes for an event.

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use crate::batch::section;
use crate::board::Board;
use crate::qemu;
use crate::workload::{Workload, plain};

/// Webhooks of the workload.
pub const WEBHOOKS: usize = 256;
/// Topics that the program times together.
const TOPICS: usize = 32;

/// The instructions an event takes on average with [`WEBHOOKS`] webhooks of one pattern each.
///
/// # Panics
/// When the program fails, or finds other webhooks than this machine.
pub fn per_event(board: Board, programs: &Path) -> f64 {
    let (workload, folder) = (plain(WEBHOOKS), tempdir().expect("a folder"));
    fs::write(folder.path().join("workload"), file(&workload)).expect("a folder to write to");
    let options = ["-icount", "shift=0"];
    let printed = qemu::run(board, &programs.join("instructions"), folder.path(), &options);
    print!("{printed}");
    0.0
}

/// The workload as the program reads it: the image, then topics.
fn file(workload: &Workload) -> Vec<u8> {
    let mut file = Vec::new();
    section(&mut file, workload.table().image());
    for events in workload.events.chunks(TOPICS) {
        let topics: Vec<&str> = events.iter().map(|event| event.topic.as_str()).collect();
        section(&mut file, topics.join("\n").as_bytes());
    }
    file
}

fn found(workload: &Workload) -> usize {
    let table = workload.table();
    workload.events.iter().map(|event| table.find(&event.topic, event.attributes.as_slice()).count()).sum()
}
