//! A look at the engine's journals before the engine reads them: what a power cut tore off is cut off, damage is told.
//!
//! The engine replays its journals up to the first record it cannot parse and drops the rest without a word;
//! a record it can parse whose checksum is wrong makes it refuse to open, for ever. Neither tells a write that
//! a power cut tore (to be cut off: nobody was told it was safe) from bytes that changed since (to be reported).
//! The traces differ: what never reached the disk reads as zeros or lies beyond the end of the file, and every
//! journal but the last was synced whole before the next was begun. Sequence numbers are under no checksum;
//! what is looked at is that they grow from batch to batch, and not by far. So damage to one goes unseen only where it
//! does not change their order, and in the last digits of the oldest one.
//!
//! The layout, all numbers little-endian: a batch is a start (`1`, number of items `u32`, sequence `u64`), its
//! items, and an end (`3`, xxh3 of the items `u64`, four bytes of trailer). An item is `2`, its kind `u8`, its
//! compression `u8`, keyspace `u64`, lengths of the key `u16`, of the value `u32` and of the value as stored
//! `u32`, the key, the value as stored. Behind the last batch the file may go on with zeros. A fourth kind of record
//! empties a keyspace; we never ask for it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::damage::Damage;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const START_BYTES: usize = 13;
const SEQUENCE_AT: usize = 5;
const ITEM_HEAD_BYTES: usize = 21;
const END_BYTES: usize = 13;
const TRAILER: &[u8] = b"FJL\x03";

/// The least a disk writes whole.
const SECTOR_BYTES: usize = 512;

/// Sequence numbers of two batches in a row are less than this apart: flushing and compaction take some, too.
const SEQUENCE_STEP_MAX: u64 = 1 << 16;

/// Inspects every journal in the engine's directory, and cuts off what was never written whole.
pub(super) fn inspect(engine: &Path) -> Result<(), Damage> {
    let journals = journals(engine)?;
    check_numbers(engine, &journals)?;
    let mut sequence = None;
    for (number, path) in &journals {
        let is_last = Some(number) == journals.last().map(|(last, _)| last);
        sequence = inspect_one(path, is_last, sequence)?;
    }
    Ok(())
}

/// The engine makes the first journal with the store and deletes the oldest first, so there is one, and no gap.
fn check_numbers(engine: &Path, journals: &[(u64, PathBuf)]) -> Result<(), Damage> {
    let first = journals.first().map_or(0, |(first, _)| *first);
    let missing = (first..).zip(journals).find(|(expected, (number, _))| expected != number);
    match missing {
        None if !journals.is_empty() => Ok(()),
        missing => {
            let number = missing.map_or(first, |(expected, _)| expected);
            Err(Damage::Missing { path: engine.join(format!("{number}.jnl")) })
        }
    }
}

/// Inspects a journal whose first batch comes after that with this sequence number. Answers with that of its last batch.
fn inspect_one(path: &Path, is_last: bool, before: Option<u64>) -> Result<Option<u64>, Damage> {
    let mut bytes = fs::read(path)?;
    bytes.truncate(bytes.len() - zeros_at_end(&bytes));
    let damaged = |at| Damage::At { path: path.to_path_buf(), at };
    let (at, sequence) = intact(&bytes, before).map_err(damaged)?;
    if at == bytes.len() {
        return Ok(sequence);
    }
    if !torn(&bytes, at, is_last) {
        return Err(damaged(at));
    }
    tracing::warn!(journal = %path.display(), at, "cutting off writes that were never completed");
    let file = File::options().write(true).open(path)?;
    file.set_len(at as u64)?;
    file.sync_all()?;
    Ok(sequence)
}

/// The journals by number, which is the order in which they were begun.
fn journals(engine: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut journals = Vec::new();
    for entry in fs::read_dir(engine)? {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if let Some(number) = number.filter(|_| path.extension().is_some_and(|extension| extension == "jnl"))
        {
            journals.push((number, path));
        }
    }
    journals.sort();
    Ok(journals)
}

/// How many zeros stand at the end: most of a young journal, so they are compared sector by sector.
fn zeros_at_end(bytes: &[u8]) -> usize {
    let sectors =
        bytes.rchunks_exact(SECTOR_BYTES).take_while(|sector| is_lost(sector)).count() * SECTOR_BYTES;
    sectors + bytes[..bytes.len() - sectors].iter().rev().take_while(|byte| **byte == 0).count()
}

fn is_lost(sector: &[u8]) -> bool {
    sector == [0; SECTOR_BYTES]
}

/// Where the intact batches at the beginning end, and the sequence number of the last one; or where one stands that is
/// intact but for its sequence number, or the one before.
fn intact(bytes: &[u8], before: Option<u64>) -> Result<(usize, Option<u64>), usize> {
    let (mut at, mut last) = (0, before);
    while let Some(len) = batch_len(&bytes[at..]) {
        let sequence = bytes[at + SEQUENCE_AT..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        if last.is_some_and(|last| sequence <= last || sequence - last >= SEQUENCE_STEP_MAX) {
            return Err(at);
        }
        last = Some(sequence);
        at += len;
    }
    Ok((at, last))
}

/// Whether what stands at `at`, where no intact batch does, is a write that was never completed: a beginning with
/// nothing behind it, or, in a journal that was not synced whole, a lost sector before the next intact batch.
fn torn(bytes: &[u8], at: usize, is_last: bool) -> bool {
    let next = (at + 1..bytes.len()).find(|next| batch_len(&bytes[*next..]).is_some());
    let bad = &bytes[..next.unwrap_or(bytes.len())];
    let lost = bad.chunks_exact(SECTOR_BYTES).skip(at / SECTOR_BYTES).any(is_lost);
    (is_last && lost) || (next.is_none() && !bad.ends_with(TRAILER))
}

/// The length of the batch at the beginning of `bytes`, if it is there whole and its checksum is right.
fn batch_len(bytes: &[u8]) -> Option<usize> {
    let (start, mut rest) = bytes.split_at_checked(START_BYTES)?;
    if start[0] != START {
        return None;
    }
    let items = u32::from_le_bytes(start[1..5].try_into().ok()?);
    for _ in 0..items {
        rest = rest.get(item_len(rest)?..)?;
    }
    let end = rest.get(..END_BYTES)?;
    let items = &bytes[START_BYTES..bytes.len() - rest.len()];
    let intact = end[0] == END && end[1..9] == xxh3_64(items).to_le_bytes() && &end[9..] == TRAILER;
    intact.then_some(START_BYTES + items.len() + END_BYTES)
}

fn item_len(bytes: &[u8]) -> Option<usize> {
    let head = bytes.get(..ITEM_HEAD_BYTES).filter(|head| head[0] == ITEM)?;
    let key = u16::from_le_bytes(head[11..13].try_into().ok()?);
    let value = u32::from_le_bytes(head[17..21].try_into().ok()?);
    ITEM_HEAD_BYTES.checked_add(usize::from(key))?.checked_add(usize::try_from(value).ok()?)
}
