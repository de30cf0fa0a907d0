//! Loading an image: what its head must say, and that its parts are as the head says.

use super::checksum::xxh32;
use super::error::LoadError;
use super::head::{CHECKED_FROM, CHECKSUM_AT, HEAD_BYTES, Head, LISTED, MAGIC, TAILS, VERSION};
use super::layout::Layout;
use super::survey::survey;
use super::view::{AnyView, with_view};
use crate::limits::TABLE_STEPS_MAX;

/// The head and the parts of an image, once everything in it is sound.
pub(super) fn check(bytes: &[u8]) -> Result<(Head, Layout), LoadError> {
    let (head, layout) = check_head(bytes)?;
    if checksum(bytes) != Some(xxh32(bytes.get(CHECKED_FROM..).unwrap_or_default())) {
        return Err(LoadError::Checksum);
    }
    if head.width != 2 && cfg!(not(feature = "wide")) {
        return Err(LoadError::WideUnsupported);
    }
    if head.counts.dfas > 0 && cfg!(not(feature = "regexp")) {
        return Err(LoadError::RegexpsUnsupported);
    }
    let found = with_view!(AnyView::new(bytes, &head, &layout), view => survey(&view))
        .map_err(|offset| LoadError::Malformed { offset })?;
    if found.steps_max > TABLE_STEPS_MAX {
        return Err(LoadError::TooManySteps { steps: found.steps_max });
    }
    if found.is_of(&head) { Ok((head, layout)) } else { Err(LoadError::Malformed { offset: 0 }) }
}

fn check_head(bytes: &[u8]) -> Result<(Head, Layout), LoadError> {
    let head = Head::read(bytes).ok_or(LoadError::TooShort)?;
    if !bytes.starts_with(&MAGIC) {
        return Err(LoadError::NotAnImage);
    }
    match bytes.get(CHECKED_FROM) {
        Some(&VERSION) => {}
        found => return Err(LoadError::Version { found: found.copied().unwrap_or_default() }),
    }
    let malformed = LoadError::Malformed { offset: CHECKED_FROM };
    if !matches!(head.width, 2 | 4) || head.flags & !(TAILS | LISTED) != 0 {
        return Err(malformed);
    }
    // Every webhook has a pattern, and so a row in a list or in a slot. Nothing else bounds how many there are when the
    // image lists none.
    if head.counts.webhooks > head.counts.postings.saturating_add(head.counts.slots) {
        return Err(malformed);
    }
    if u32::try_from(bytes.len()) != Ok(head.bytes) {
        return Err(LoadError::Length { expected: head.bytes });
    }
    let layout = Layout::new(&head).filter(|layout| layout.bytes() == head.bytes).ok_or(malformed)?;
    Ok((head, layout))
}

fn checksum(bytes: &[u8]) -> Option<u32> {
    let bytes = bytes.get(CHECKSUM_AT..CHECKED_FROM)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

// The head has room for what comes before the part that is checked.
const _: () = assert!(CHECKSUM_AT + 4 == CHECKED_FROM && CHECKED_FROM < HEAD_BYTES);
