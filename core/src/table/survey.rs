//! Going through a whole image once: every number in range, and what one event can cost.
//!
//! After it, matching cannot leave the image and comes to an end. The builder surveys what it wrote for the bounds that
//! it puts into the head; a loader surveys again and compares.

use crate::limits::{
    ATTRIBUTE_NAME_BYTES_MAX, ATTRIBUTE_VALUE_BYTES_MAX, REGEXP_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENTS_MAX,
    TABLE_BUCKET_MAX, TABLE_DOCS_MAX, TABLE_VALUES_MAX,
};

use super::find::CURSORS_MAX;
use super::group::{Group, GroupKey, REST};
use super::head::{Head, TAILS};
use super::judge::DOCS_KNOWN;
use super::layout::Part;
use super::names::Names;
use super::nodes::{Lists, nodes};
use super::program::{Clause, Operator, Programs};
use super::value::{self, INTEGER, TEXT};
use super::view::View;
use super::width::Width;
use super::window::WINDOW_ROWS;
use crate::filter::Value;

/// What a survey finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Survey {
    pub(super) bucket_max: u8,
    pub(super) visits_max: u32,
    pub(super) steps_max: u32,
    pub(super) tails: bool,
}

impl Survey {
    /// Whether a head says the same.
    pub(super) fn is_of(&self, head: &Head) -> bool {
        (self.bucket_max, self.visits_max, self.steps_max)
            == (head.bucket_max, head.visits_max, head.steps_max)
            && self.tails == (head.flags & TAILS != 0)
    }
}

/// Checks all parts of an image.
///
/// # Errors
/// Where the part starts that is malformed.
pub(super) fn survey<W: Width>(view: &View<'_, W>) -> Result<Survey, usize> {
    let part = |part: Part| view.offset(part);
    let parts = [Part::SegmentBuckets, Part::SegmentStarts, Part::SegmentText];
    let segment_bucket = names(view, parts, &view.segments(), is_segment);
    let segment_bucket = segment_bucket.ok_or(part(Part::SegmentBuckets))?;
    let parts = [Part::ValueBuckets, Part::ValueStarts, Part::ValueText];
    let value_bucket = names(view, parts, &view.values(), is_value).ok_or(part(Part::ValueBuckets))?;
    check(docs(view), part(Part::Docs))?;
    check(
        ascends(view.long_words(Part::Webhooks).iter().map(|word| u32::from_le_bytes(*word))),
        part(Part::Webhooks),
    )?;
    check(dfas(view), part(Part::DfaStarts))?;
    check(keys_are_shared_out(view), part(Part::Groups))?;
    let filter_steps = filters(view, value_bucket.into()).ok_or(part(Part::ProgramStarts))?;
    check(segment_numbers(view), part(Part::SegmentNumbers))?;
    let mut lists = Lists::new(view);
    let shapes = nodes(view, &mut lists).ok_or(part(Part::Slots))?;
    check(groups(view, &mut lists), part(Part::Groups))?;
    check(lists.all_checked(), part(Part::Postings))?;
    let bucket_max = segment_bucket.max(value_bucket);
    let visits_max = shapes.count();
    let costs = Costs { bucket_max: bucket_max.into(), visits: visits_max.into(), filters: filter_steps };
    Ok(Survey { bucket_max, visits_max, steps_max: costs.steps(view.head), tails: shapes.tails() })
}

fn check(sound: bool, offset: usize) -> Result<(), usize> {
    if sound { Ok(()) } else { Err(offset) }
}

/// What the steps of one event are made of.
struct Costs {
    bucket_max: u64,
    visits: u64,
    filters: u64,
}

impl Costs {
    fn steps(&self, head: &Head) -> u32 {
        let counts = &head.counts;
        // No product comes near the limit of 64 bits.
        let product = |factors: [u64; 3]| factors.into_iter().fold(1, u64::saturating_mul);
        let bits = u64::from(u32::BITS);
        let docs = u64::from(counts.docs).min(DOCS_KNOWN as u64);
        let names = product([docs.saturating_add(SEGMENTS_MAX as u64), self.bucket_max, 1]);
        let groups = u64::from(counts.groups).min(self.visits);
        let searches = product([groups, DOCS_KNOWN as u64 + 2, bits]);
        let windows = u64::from(counts.webhooks / WINDOW_ROWS).saturating_add(1).saturating_mul(2);
        let windows = product([windows, self.visits, bits + 1]);
        let windows = if self.visits > CURSORS_MAX as u64 { windows } else { 0 };
        let steps = [names, self.visits, searches, windows].into_iter().fold(0, u64::saturating_add);
        u32::try_from(steps.saturating_add(self.filters)).unwrap_or(u32::MAX)
    }
}

/// Whether `numbers` ascend, each greater than the one before.
fn ascends(mut numbers: impl Iterator<Item = u32>) -> bool {
    let Some(mut last) = numbers.next() else { return true };
    numbers.all(|number| core::mem::replace(&mut last, number) < number)
}

/// Whether bounds start at 0, never descend, and end at `end`; none are the bounds of nothing.
fn bounds(bounds: impl Iterator<Item = u32>, end: usize) -> bool {
    let mut last = None;
    let ordered = bounds.into_iter().all(|bound| match last.replace(bound) {
        None => bound == 0,
        Some(before) => before <= bound,
    });
    ordered && last.unwrap_or_default() as usize == end
}

/// Checks names, and gives how many the largest bucket has.
fn names<W: Width>(
    view: &View<'_, W>,
    [buckets, starts, text]: [Part; 3],
    names: &Names<'_, W>,
    is_name: impl Fn(&[u8]) -> bool,
) -> Option<u8> {
    let number = |word: &W::Word| W::number(*word);
    let (buckets, starts) = (view.words(buckets), view.words(starts));
    let count = starts.len().saturating_sub(1);
    let bounded =
        bounds(buckets.iter().map(number), count) && bounds(starts.iter().map(number), view.part(text).len());
    if !bounded
        || count > TABLE_VALUES_MAX
        || !(0..count as u32).all(|name| names.bytes(name).is_some_and(&is_name))
    {
        return None;
    }
    let sizes = buckets.windows(2).map(|pair| match pair {
        [start, end] => W::number(*end).wrapping_sub(W::number(*start)),
        _ => 0,
    });
    let most = sizes.max().unwrap_or_default();
    (most as usize <= TABLE_BUCKET_MAX).then_some(most as u8)
}

fn segment_numbers<W: Width>(view: &View<'_, W>) -> bool {
    let count = view.head.counts.segments;
    view.words(Part::SegmentNumbers).iter().all(|number| W::number(*number) < count)
}

fn is_segment(name: &[u8]) -> bool {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=SEGMENT_BYTES_MAX).contains(&name.len()) && name.iter().all(belongs)
}

fn is_value(name: &[u8]) -> bool {
    // The longest text is that of a regular expression.
    name.len() <= 1 + REGEXP_BYTES_MAX && value::from_bytes(name).is_some()
}

fn docs<W: Width>(view: &View<'_, W>) -> bool {
    let docs = view.words(Part::Docs);
    let is_name = |doc| view.doc(doc).is_some_and(|doc| (1..=ATTRIBUTE_NAME_BYTES_MAX).contains(&doc.len()));
    docs.len() <= TABLE_DOCS_MAX && (0..docs.len() as u8).all(is_name)
}

#[cfg(feature = "regexp")]
fn dfas<W: Width>(view: &View<'_, W>) -> bool {
    let starts = view.long_words(Part::DfaStarts);
    bounds(starts.iter().map(|start| u32::from_le_bytes(*start)), view.part(Part::DfaBytes).len())
        && (0..view.head.counts.dfas).all(|dfa| view.dfa(dfa).is_some_and(crate::filter::Dfa::check))
}

/// An image with automata is refused before; nothing would run them.
#[cfg(not(feature = "regexp"))]
fn dfas<W: Width>(view: &View<'_, W>) -> bool {
    view.head.counts.dfas == 0 && view.part(Part::DfaBytes).is_empty()
}

/// Checks all filters, and gives the steps of judging every one of them.
fn filters<W: Width>(view: &View<'_, W>, bucket_max: u64) -> Option<u64> {
    let programs = view.programs();
    if !bounds(programs.starts.iter().map(|start| W::number(*start)), programs.words.len()) {
        return None;
    }
    let rows = programs.starts.len().saturating_sub(1) as u32;
    (0..rows).try_fold(0_u64, |steps, row| {
        Some(steps.saturating_add(row_steps(view, &programs, row, bucket_max)?))
    })
}

/// Checks the filters of one row, and gives the steps of judging them.
fn row_steps<W: Width>(
    view: &View<'_, W>,
    programs: &Programs<'_, W>,
    row: u32,
    bucket_max: u64,
) -> Option<u64> {
    let mut clauses = programs.clauses(row);
    let mut steps = 0_u64;
    for clause in clauses.by_ref() {
        is_clause(view, &clause).then_some(())?;
        // Attributes that are not remembered are looked up again.
        let looked_up = if usize::from(clause.doc) < DOCS_KNOWN { 0 } else { bucket_max };
        steps = steps.saturating_add(clause.steps().into()).saturating_add(looked_up);
    }
    clauses.words.is_empty().then_some(steps)
}

fn is_clause<W: Width>(view: &View<'_, W>, clause: &Clause<'_, W::Word>) -> bool {
    let mut numbers = clause.operands.iter().map(|word| W::number(*word));
    let values = view.head.counts.values;
    let is_integer = |number| matches!(view.value(number), Some(Value::Integer(_)));
    let is_text = |number| view.text_bytes(number).is_some();
    u32::from(clause.doc) < view.head.counts.docs
        && match clause.operator {
            Operator::Exists => true,
            Operator::Equals | Operator::In => numbers.all(|number| number < values),
            Operator::Prefix => numbers.all(is_text),
            Operator::Regexp => {
                numbers.next().is_some_and(|dfa| dfa < view.head.counts.dfas) && numbers.all(is_text)
            }
            _ => numbers.all(is_integer),
        }
}

/// Whether groups have no more keys together than there are: otherwise going through them could take the square of the
/// image's size.
fn keys_are_shared_out<W: Width>(view: &View<'_, W>) -> bool {
    let groups = view.groups().iter().map(Group::read);
    let own = groups.map(|group| u64::from(group.keys_end.saturating_sub(group.keys_start)));
    own.fold(0, u64::saturating_add) <= view.group_keys().len() as u64
}

fn groups<W: Width>(view: &View<'_, W>, lists: &mut Lists<'_, W>) -> bool {
    let groups = || view.groups().iter().map(Group::read);
    let sound = |bytes: &[u8; 12]| {
        let GroupKey { start, end, .. } = GroupKey::read(bytes);
        start == lists.checked(view) && start <= end && lists.next(end.wrapping_sub(start))
    };
    ascends(groups().map(|group| group.slot))
        && groups().all(|group| group.docs >> DOCS_KNOWN == 0 && keys_are(view, &group))
        && view.group_keys().iter().all(sound)
}

fn keys_are<W: Width>(view: &View<'_, W>, group: &Group) -> bool {
    let keys = view.keys_of(group);
    let is_of = |key| key == REST || group.docs & 1_u32.checked_shl(key >> 24).unwrap_or_default() != 0;
    let mut numbers = keys.iter().map(|bytes| GroupKey::read(bytes).key);
    group.keys_start.checked_add(keys.len() as u32) == Some(group.keys_end)
        && ascends(numbers.clone())
        && numbers.all(is_of)
}

// A value's name is a byte for the type and its bytes; the longest is a regular expression.
const _: () = assert!(ATTRIBUTE_VALUE_BYTES_MAX <= REGEXP_BYTES_MAX && TEXT != INTEGER);
