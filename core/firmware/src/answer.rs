//! Answers a batch: what every table finds for each of its events, and why.

use bellwire_core::event::Event;
use bellwire_core::table::{MatchTable, TableRef};
use bellwire_core::wire::{ReadFrameError, read_frame};
use embedded_io::{Error, ErrorKind, Read, Write};

use crate::Sections;

/// Largest content of a frame that is received; a longer one is answered with the error.
pub const FRAME_CONTENT_BYTES_MAX: usize = 1024;

/// Largest image of a table that a board has room for beside the stack: on a small one, with 16 KiB of RAM, or on another.
pub const fn image_bytes_max(small: bool) -> usize {
    if small { 5 * 1024 } else { 2 * 1024 * 1024 }
}

/// Every so many events, a webhook is asked for that hardly any table has.
const UNKNOWN_WEBHOOK_EVERY: u32 = 16;

/// Answers a batch, whose sections are the image of a table and the frames of its events, again and again.
///
/// A table has a line, an event has one. Images are loaded into `room`.
///
/// # Errors
/// [`ErrorKind::OutOfMemory`] when an image is larger than `room`; otherwise what reader or writer say.
pub fn answer(batch: impl Read, room: &mut [u8], answers: &mut impl Write) -> Result<(), ErrorKind> {
    let mut sections = Sections::new(batch);
    while let Some(image) = sections.read_whole(room)? {
        answer_one(image, sections.open()?, answers)?;
    }
    Ok(())
}

/// Answers for one table: its image, and the frames of its events.
///
/// # Errors
/// What reader or writer say.
pub fn answer_one(image: &[u8], frames: &mut impl Read, answers: &mut impl Write) -> Result<(), ErrorKind> {
    match MatchTable::load(image) {
        Ok(table) => answer_events(&table, frames, answers)?,
        Err(error) => {
            write(answers, format_args!("refused {error:?}: {error}\n"))?;
            skip(frames)?;
        }
    }
    answers.flush().map_err(|error| error.kind())
}

fn answer_events(
    table: &TableRef<'_>,
    frames: &mut impl Read,
    answers: &mut impl Write,
) -> Result<(), ErrorKind> {
    write(answers, format_args!("table {} {table:?}\n", table.word_bytes()))?;
    let mut buffer = [0; FRAME_CONTENT_BYTES_MAX];
    for number in 0.. {
        match read_frame(frames, &mut buffer) {
            Ok(None) => break,
            Ok(Some(event)) => answer_event(table, number, &event, answers)?,
            Err(ReadFrameError::Frame(error)) => write(answers, format_args!("lost {error:?}\n"))?,
            Err(ReadFrameError::Io(error)) => return Err(error.kind()),
        }
    }
    Ok(())
}

/// What came in, the webhooks that are found, then verdicts.
fn answer_event(
    table: &TableRef<'_>,
    number: u32,
    event: &Event<'_>,
    answers: &mut impl Write,
) -> Result<(), ErrorKind> {
    let Event { id, topic, occurred_at_ms, payload, .. } = event;
    write(answers, format_args!("event {id:x} {topic} {occurred_at_ms} {}:", payload.len()))?;
    for webhook in table.find(topic, event) {
        write(answers, format_args!(" {webhook}"))?;
    }
    for webhook in asked(table, number, event).into_iter().flatten() {
        write(answers, format_args!("; {webhook} {:?}", table.explain(webhook, topic, event)))?;
    }
    write(answers, format_args!("\n"))
}

/// The webhooks that are explained: one that is found, one after the other of all, now and then one that is not there.
fn asked(table: &TableRef<'_>, number: u32, event: &Event<'_>) -> [Option<u32>; 3] {
    let row = number.checked_rem(table.len() as u32).unwrap_or_default();
    let unknown = number.is_multiple_of(UNKNOWN_WEBHOOK_EVERY).then_some(u32::MAX);
    [table.find(&event.topic, event).next(), table.webhook(row), unknown]
}

fn skip(section: &mut impl Read) -> Result<(), ErrorKind> {
    let mut passed = [0; 64];
    while section.read(&mut passed).map_err(|error| error.kind())? > 0 {}
    Ok(())
}

fn write(answers: &mut impl Write, text: core::fmt::Arguments<'_>) -> Result<(), ErrorKind> {
    // The other case of the error is a `Display` that fails without a cause; ours do not.
    answers.write_fmt(text).map_err(|_| ErrorKind::WriteZero)
}
