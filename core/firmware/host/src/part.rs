//! The parts of the core, as programs of their own on a board.

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use crate::board::Board;
use crate::elf::{Memory, memory};
use crate::qemu;

/// One part: the program `part-…` and what it does.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The program's name.
    pub program: &'static str,
    /// What it does, for people.
    pub does: &'static str,
    /// Whether it is promised that it cannot panic.
    pub panic_free: bool,
    /// Whether it reads images, and so is twice the code with two widths of words.
    pub reads_images: bool,
}

/// The program that holds what every program does.
pub const BASE: &str = "part-base";

/// All parts.
pub const PARTS: [Part; 7] = [
    Part { program: "part-load", does: "load and check an image", panic_free: true, reads_images: true },
    Part { program: "part-find", does: "… and find webhooks", panic_free: true, reads_images: true },
    Part { program: "part-explain", does: "… and explain", panic_free: true, reads_images: true },
    Part { program: "part-decode", does: "decode frames and events", panic_free: true, reads_images: false },
    Part {
        program: "part-encode",
        does: "encode an event as a frame",
        panic_free: true,
        reads_images: false,
    },
    Part { program: "part-sign", does: "sign a request", panic_free: false, reads_images: false },
    Part {
        program: "part-build",
        does: "build a table on the device",
        panic_free: false,
        reads_images: false,
    },
];

/// What a part takes of a board.
#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    /// Bytes of flash over those of the base.
    pub flash: u64,
    /// Bytes of variables over those of the base.
    pub ram: u64,
    /// The most bytes of stack that were in use.
    pub stack: u32,
}

/// Measures a part on a board.
///
/// # Panics
/// When its program fails.
pub fn footprint(board: Board, programs: &Path, part: Part) -> Footprint {
    let (base, own) = (memory(&programs.join(BASE)), memory(&programs.join(part.program)));
    let Memory { flash, ram } = Memory { flash: own.flash - base.flash, ram: own.ram - base.ram };
    Footprint { flash, ram, stack: stack(board, &programs.join(part.program)) }
}

/// The program paints its stack, and says how much of the paint is gone.
fn stack(board: Board, program: &Path) -> u32 {
    let folder = tempdir().expect("a folder");
    qemu::run(board, program, folder.path(), &[]);
    let used = fs::read(folder.path().join("stack")).expect("what the program wrote");
    u32::from_le_bytes(used.try_into().expect("four bytes"))
}
