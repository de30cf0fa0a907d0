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
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3Default;

use super::damage::Damage;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const START_BYTES: usize = 13;
const ITEM_HEAD_BYTES: usize = 21;
const END_BYTES: usize = 13;
const TRAILER: &[u8] = b"FJL\x03";

/// The least a disk writes whole.
const SECTOR_BYTES: usize = 512;

/// What is read of a journal at once.
const READ_BYTES: usize = 256 * 1024;

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
    let mut file = BufReader::with_capacity(READ_BYTES, File::open(path)?);
    let damaged = |at| Damage::At { path: path.to_path_buf(), at };
    let (at, sequence) = intact(&mut file, before)?.map_err(damaged)?;
    let end = written_end(&mut file, at)?;
    if at == end {
        return Ok(sequence);
    }
    if !torn(&mut file, at, end, is_last)? {
        return Err(damaged(at));
    }
    tracing::warn!(journal = %path.display(), at, "cutting off writes that were never completed");
    let file = File::options().write(true).open(path)?;
    file.set_len(at)?;
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

fn is_lost(sector: &[u8]) -> bool {
    sector == [0; SECTOR_BYTES]
}

/// Where the intact batches at the beginning end, and the sequence number of the last one; or where one stands that is
/// intact but for its sequence number, or the one before.
fn intact(journal: &mut impl BufRead, before: Option<u64>) -> io::Result<Result<(u64, Option<u64>), u64>> {
    let (mut at, mut last) = (0, before);
    while let Some((sequence, len)) = next_batch(journal)? {
        if last.is_some_and(|last| sequence <= last || sequence - last >= SEQUENCE_STEP_MAX) {
            return Ok(Err(at));
        }
        last = Some(sequence);
        at += len;
    }
    Ok(Ok((at, last)))
}

/// Where the zeros begin that go on to the end, `from` at the least.
fn written_end(file: &mut (impl BufRead + Seek), from: u64) -> io::Result<u64> {
    let mut at = file.seek(SeekFrom::Start(from))?;
    let mut end = from;
    loop {
        let bytes = file.fill_buf()?;
        let len = bytes.len();
        if len == 0 {
            return Ok(end);
        }
        if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
            end = at + last as u64 + 1;
        }
        at += len as u64;
        file.consume(len);
    }
}

/// Whether what stands at `at`, where no intact batch does, is a write that was never completed: a beginning with
/// nothing behind it, or, in a journal that was not synced whole, a lost sector before the next intact batch.
fn torn(file: &mut (impl Read + Seek), at: u64, end: u64, is_last: bool) -> io::Result<bool> {
    let before = at % SECTOR_BYTES as u64;
    file.seek(SeekFrom::Start(at - before))?;
    let mut bytes = Vec::new();
    file.take(end - at + before).read_to_end(&mut bytes)?;
    let is_batch = |from: &usize| matches!(next_batch(&mut &bytes[*from..]), Ok(Some(_)));
    let next = (before as usize + 1..bytes.len()).find(is_batch);
    let bad = &bytes[..next.unwrap_or(bytes.len())];
    let lost = bad.chunks_exact(SECTOR_BYTES).any(is_lost);
    Ok((is_last && lost) || (next.is_none() && !bad.ends_with(TRAILER)))
}

/// The sequence number and the length of the batch that comes next, if it is there whole and its checksum is right.
fn next_batch(journal: &mut impl BufRead) -> io::Result<Option<(u64, u64)>> {
    let Some(start) = take::<START_BYTES>(journal)?.filter(|start| start[0] == START) else {
        return Ok(None);
    };
    let items = u32::from_le_bytes([start[1], start[2], start[3], start[4]]);
    let sequence = start.last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let (mut hash, mut len) = (Xxh3Default::new(), (START_BYTES + END_BYTES) as u64);
    for _ in 0..items {
        let Some(item) = hash_item(journal, &mut hash)? else { return Ok(None) };
        len += item;
    }
    let end = take::<END_BYTES>(journal)?;
    let expected = hash.digest().to_le_bytes();
    let is_intact = end.is_some_and(|end| end[0] == END && end[1..9] == expected && end.ends_with(TRAILER));
    Ok(is_intact.then_some((sequence, len)))
}

/// Passes over an item and adds it to the checksum. Answers with its length, if it is there whole.
fn hash_item(journal: &mut impl BufRead, hash: &mut Xxh3Default) -> io::Result<Option<u64>> {
    let Some(head) = take::<ITEM_HEAD_BYTES>(journal)?.filter(|head| head[0] == ITEM) else {
        return Ok(None);
    };
    hash.update(&head);
    let key = u16::from_le_bytes([head[11], head[12]]);
    let value = u32::from_le_bytes([head[17], head[18], head[19], head[20]]);
    let mut left = usize::from(key) + value as usize;
    let len = (ITEM_HEAD_BYTES + left) as u64;
    while left > 0 {
        let bytes = journal.fill_buf()?;
        let part = bytes.len().min(left);
        if part == 0 {
            return Ok(None);
        }
        hash.update(&bytes[..part]);
        journal.consume(part);
        left -= part;
    }
    Ok(Some(len))
}

/// So many bytes, if they are there.
fn take<const BYTES: usize>(journal: &mut impl Read) -> io::Result<Option<[u8; BYTES]>> {
    let mut bytes = [0; BYTES];
    match journal.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
