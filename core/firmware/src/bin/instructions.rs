//! Prints how many instructions finding an event's webhooks takes, for the table and topics in the host's file `workload`.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::str::from_utf8;

use bellwire_core::table::{MatchTable, TableRef};
use bellwire_core::topic::Topic;
use bellwire_firmware::Sections;
use bellwire_firmware::board::{Input, entry, exit};
use bellwire_firmware::counter;
use embedded_io::{Error, ErrorKind};
use heapless::Vec;

const IMAGE_BYTES_MAX: usize = 6 * 1024;
/// Topics that are timed together: a section of the file has them, one a line.
const TOPICS_MAX: usize = 32;
const TOPICS_BYTES_MAX: usize = 1024;
/// So often they are gone through, so that the length of a tick hardly counts.
const REPEATS: u32 = 16;

/// The ways to ask for an event's webhooks that are measured, and what the host calls them.
const WAYS: [(&str, Way); 3] = [("lists", lists), ("find", find), ("find-all", find_all)];

/// Gives how many webhooks it came to, if it counts them.
type Way = fn(&TableRef<'_>, &Topic<'_>) -> usize;

/// The lists of webhooks that a topic leads to, which may have a webhook more than once.
fn lists(table: &TableRef<'_>, topic: &Topic<'_>) -> usize {
    let mut rows = 0_usize;
    table.for_each_list(topic, |list| rows = rows.wrapping_add(list.len()));
    rows
}

/// Everything up to the first webhook.
fn find(table: &TableRef<'_>, topic: &Topic<'_>) -> usize {
    black_box(table.find(topic, NO_ATTRIBUTES));
    0
}

/// All webhooks, one by one.
fn find_all(table: &TableRef<'_>, topic: &Topic<'_>) -> usize {
    table.find(topic, NO_ATTRIBUTES).count()
}

const NO_ATTRIBUTES: &[(&str, &str)] = &[];

#[entry]
fn main() -> ! {
    match WAYS.iter().try_for_each(|(name, way)| measure(*way).map(|measured| measured.print(name))) {
        Ok(()) => exit(0),
        Err(kind) => {
            semihosting::println!("the workload was not measured: {kind:?}");
            exit(1)
        }
    }
}

#[derive(Default)]
struct Measured {
    events: u64,
    /// Webhooks that were found, for the host to compare.
    webhooks: u64,
    instructions: u64,
}

#[inline(never)]
fn measure(way: Way) -> Result<Measured, ErrorKind> {
    let (mut image, mut lines) = ([0; IMAGE_BYTES_MAX], [0; TOPICS_BYTES_MAX]);
    let mut workload = Sections::new(Input::open(c"workload").map_err(|error| error.kind())?);
    let image = workload.read_whole(&mut image)?.ok_or(ErrorKind::InvalidData)?;
    let table = MatchTable::load(image).map_err(|_| ErrorKind::InvalidData)?;
    let mut measured = Measured::default();
    while let Some(lines) = workload.read_whole(&mut lines)? {
        let lines = from_utf8(lines).map_err(|_| ErrorKind::InvalidData)?.lines();
        let topics: Vec<Topic<'_>, TOPICS_MAX> = lines.filter_map(|line| Topic::parse(line).ok()).collect();
        measured.add(&table, &topics, way);
    }
    Ok(measured)
}

impl Measured {
    /// What one way takes beyond going through the topics.
    fn add(&mut self, table: &TableRef<'_>, topics: &[Topic<'_>], way: Way) {
        self.webhooks += topics.iter().map(|topic| way(table, topic)).sum::<usize>() as u64;
        self.events += topics.len() as u64 * u64::from(REPEATS);
        let all = counter::count(|| repeat(table, topics, way));
        let nothing = counter::count(|| repeat(table, topics, |_, _| 0));
        self.instructions += all.saturating_sub(nothing);
    }

    fn print(&self, name: &str) {
        let tenths = self.instructions * 10 / self.events.max(1);
        semihosting::println!("{name} {} {}.{}", self.webhooks, tenths / 10, tenths % 10);
    }
}

fn repeat(table: &TableRef<'_>, topics: &[Topic<'_>], way: Way) {
    for topic in (0..REPEATS).flat_map(|_| topics) {
        black_box(way(table, black_box(topic)));
    }
}
