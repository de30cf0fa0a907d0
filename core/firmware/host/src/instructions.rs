//! Counts the instructions that a board takes for an event, and keeps the counts.

use std::path::{Path, PathBuf};
use std::{fs, io};

use tempfile::tempdir;

use crate::batch::section;
use crate::board::Board;
use crate::elf::compiler;
use crate::qemu;
use crate::workload::{Workload, plain};

/// The program that counts.
const PROGRAM: &str = "instructions";
/// Webhooks of the workload, each with one pattern and no filters.
const WEBHOOKS: usize = 256;
/// Topics that the program times together.
const TOPICS: usize = 32;
/// The way to ask for webhooks that comes to none of them.
const START: &str = "find";

/// One count.
#[derive(Clone, Debug, PartialEq)]
pub struct Count {
    /// Version of the compiler: another one makes other instructions.
    pub compiler: String,
    /// Name of the board.
    pub board: String,
    /// The way in which webhooks were asked for: the lists of rows, the start of finding, all that are found.
    pub way: String,
    /// Instructions an event, on average.
    pub instructions: f64,
}

impl Count {
    /// Whether another count is of the same program, whatever it came to.
    pub fn is_of_the_same(&self, other: &Count) -> bool {
        (&self.compiler, &self.board, &self.way) == (&other.compiler, &other.board, &other.way)
    }
}

/// What a board takes for an event with 256 webhooks, in each way.
///
/// # Panics
/// When the program fails, or finds another number of webhooks than this machine.
pub fn count(board: Board, programs: &Path) -> Vec<Count> {
    let (workload, folder, program) = (plain(WEBHOOKS), tempdir().expect("a folder"), programs.join(PROGRAM));
    fs::write(folder.path().join("workload"), file(&workload)).expect("a folder to write to");
    let printed = qemu::run(board, &program, folder.path(), &["-icount", "shift=0"]);
    let compiler = compiler(&program);
    let counts = printed.lines().map(|line| {
        let [way, webhooks, instructions] = fields(line);
        let complete = way == START || webhooks == found(&workload).to_string();
        assert!(complete, "{} finds {webhooks} webhooks", board.name);
        let instructions = instructions.parse().expect("a number");
        Count { compiler: compiler.clone(), board: board.name.into(), way: way.into(), instructions }
    });
    counts.collect()
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

fn fields<const N: usize>(line: &str) -> [&str; N] {
    let fields: Vec<&str> = line.split_whitespace().collect();
    fields.try_into().unwrap_or_else(|_| panic!("{N} fields, not {line:?}"))
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../instructions.txt")
}

/// The counts that are kept, oldest compiler first.
///
/// # Panics
/// When the file is missing or holds something else.
pub fn kept() -> Vec<Count> {
    let text = fs::read_to_string(path()).expect("the counts that are kept");
    let rows = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let [compiler, board, way, instructions] = fields(line).map(str::to_string);
        Count { compiler, board, way, instructions: instructions.parse().expect("a number") }
    });
    rows.collect()
}

/// Keeps counts, in the place of those of the same compiler and board.
///
/// # Errors
/// When the file cannot be written.
pub fn keep(counts: &[Count]) -> io::Result<()> {
    let is_new = |row: &Count| {
        counts.iter().any(|count| (&count.compiler, &count.board) == (&row.compiler, &row.board))
    };
    let mut rows = kept();
    rows.retain(|row| !is_new(row));
    rows.extend_from_slice(counts);
    rows.sort_by(|a, b| a.compiler.cmp(&b.compiler));
    let mut text = String::from("# compiler, board, way, instructions an event with 256 webhooks\n");
    for Count { compiler, board, way, instructions } in rows {
        text += &format!("{compiler} {board} {way} {instructions}\n");
    }
    fs::write(path(), text)
}
