//! A look at the engine's journals before the engine reads them: what a power cut tore off is cut off, damage is told.
//!
//! The engine replays its journals up to the first record it cannot parse and drops the rest without a word;
//! a record it can parse whose checksum is wrong makes it refuse to open, for ever. Neither tells a write that
//! a power cut tore (to be cut off: nobody was told it was safe) from bytes that changed since (to be reported).
//! The traces differ: what never reached the disk reads as zeros or lies beyond the end of the file, and every
//! journal but the last was synced whole before the next was begun. Sequence numbers are under no checksum, so
//! damage to one of them goes unseen.
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

/// Why the journals cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub(super) enum JournalError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("journal {name} is damaged at byte {at}", name = .path.display())]
    Damaged { path: PathBuf, at: u64 },
}

/// Inspects every journal in the engine's directory, and cuts off what was never written whole.
pub(super) fn inspect(engine: &Path) -> Result<(), JournalError> {
    let mut journals = journals(engine)?.into_iter().peekable();
    while let Some((_, path)) = journals.next() {
        inspect_one(path, journals.peek().is_none())?;
    }
    Ok(())
}

fn inspect_one(path: PathBuf, is_last: bool) -> Result<(), JournalError> {
    let mut file = BufReader::with_capacity(READ_BYTES, File::open(&path)?);
    let at = intact(&mut file)?;
    let end = written_end(&mut file, at)?;
    if at == end {
        return Ok(());
    }
    if !torn(&mut file, at, end, is_last)? {
        return Err(JournalError::Damaged { path, at });
    }
    tracing::warn!(journal = %path.display(), at, "cutting off writes that were never completed");
    let file = File::options().write(true).open(&path)?;
    file.set_len(at)?;
    Ok(file.sync_all()?)
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

/// Where the intact batches at the beginning end.
fn intact(journal: &mut impl BufRead) -> io::Result<u64> {
    let mut at = 0;
    while let Some(len) = batch_len(journal)? {
        at += len;
    }
    Ok(at)
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
    let is_batch = |from: &usize| matches!(batch_len(&mut &bytes[*from..]), Ok(Some(_)));
    let next = (before as usize + 1..bytes.len()).find(is_batch);
    let bad = &bytes[..next.unwrap_or(bytes.len())];
    let lost = bad.chunks_exact(SECTOR_BYTES).any(is_lost);
    Ok((is_last && lost) || (next.is_none() && !bad.ends_with(TRAILER)))
}

/// The length of the batch that comes next, if it is there whole and its checksum is right.
fn batch_len(journal: &mut impl BufRead) -> io::Result<Option<u64>> {
    let Some(start) = take::<START_BYTES>(journal)?.filter(|start| start[0] == START) else {
        return Ok(None);
    };
    let [_, items @ .., _, _, _, _, _, _, _, _] = start;
    let (mut hash, mut len) = (Xxh3Default::new(), (START_BYTES + END_BYTES) as u64);
    for _ in 0..u32::from_le_bytes(items) {
        let Some(item) = hash_item(journal, &mut hash)? else { return Ok(None) };
        len += item;
    }
    let end = take::<END_BYTES>(journal)?;
    let expected = hash.digest().to_le_bytes();
    let is_intact = end.is_some_and(|end| end[0] == END && end[1..9] == expected && end.ends_with(TRAILER));
    Ok(is_intact.then_some(len))
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
