//! Where the parts of an image are, and how its size follows from what it holds.

use core::ops::Range;

use crate::limits::TABLE_BYTES_MAX;

use super::head::{HEAD_BYTES, Head, LISTED};
use super::width::none;

/// How much of everything an image holds: its size follows from it.
///
/// ```
/// use bellwire_core::table::Counts;
///
/// // 256 webhooks with a pattern each, over 30 types and 12 actions of 8 bytes, in 240 nodes.
/// let counts = Counts { webhooks: 256, segments: 42, segment_bytes: 336, postings: 256, slots: 240, ..Counts::ZERO };
/// assert!(counts.image_bytes(2) < 2700);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Webhooks.
    pub webhooks: u32,
    /// Different segments of patterns.
    pub segments: u32,
    /// Bytes of these segments.
    pub segment_bytes: u32,
    /// Different values and attributes that filters name.
    pub values: u32,
    /// Bytes of these values; each has one byte more, for its type.
    pub value_bytes: u32,
    /// Different attributes that filters name.
    pub docs: u32,
    /// Words of filters.
    pub words: u32,
    /// Different regular expressions.
    pub dfas: u32,
    /// Bytes of their automata.
    pub dfa_bytes: u32,
    /// Nodes whose rows are grouped by a value.
    pub groups: u32,
    /// Values that they are grouped by.
    pub group_keys: u32,
    /// Words of the lists of nodes and groups: a row is one, and so is the length of a node's list. A pattern that only
    /// one webhook has needs none.
    pub postings: u32,
    /// Places for nodes of the trie.
    pub slots: u32,
}

impl Counts {
    /// Nothing of anything.
    pub const ZERO: Self = Self {
        webhooks: 0,
        segments: 0,
        segment_bytes: 0,
        values: 0,
        value_bytes: 0,
        docs: 0,
        words: 0,
        dfas: 0,
        dfa_bytes: 0,
        groups: 0,
        group_keys: 0,
        postings: 0,
        slots: 0,
    };

    /// What `patterns` patterns of webhooks without filters need at most: one each, of `segments_each` segments, of which
    /// there are `names` different ones with `name_bytes` bytes on average. Patterns that start alike, or that several
    /// webhooks have, need less. The trie may have a few more slots that stay free.
    ///
    /// ```
    /// use bellwire_core::table::Counts;
    ///
    /// let counts = Counts::of_patterns(256, 2, 42, 9);
    /// assert!(counts.image_bytes(2) < 4096);
    /// ```
    pub const fn of_patterns(patterns: u32, segments_each: u32, names: u32, name_bytes: u32) -> Self {
        Self {
            webhooks: patterns,
            segments: names,
            segment_bytes: names.saturating_mul(name_bytes),
            // A list of two rows or more has a length before them.
            postings: patterns.saturating_add(patterns / 2),
            slots: patterns.saturating_mul(segments_each).saturating_add(1),
            ..Self::ZERO
        }
    }

    /// Bytes of an image that holds so much, with words of two or of four bytes. Webhooks count with their rows as
    /// numbers; other numbers cost four bytes a webhook more.
    ///
    /// Words of two bytes do when there are at most 16,383 slots and every other count stays under 65,520, those of groups
    /// and automata's bytes aside.
    pub const fn image_bytes(&self, word_bytes: u8) -> u64 {
        let (mut bytes, mut part) = (HEAD_BYTES as u64, 0);
        while part < PARTS {
            bytes += self.part_bytes(part, word_bytes as u64, false);
            part += 1;
        }
        bytes
    }

    /// Whether words of two bytes can hold every number of the image.
    pub(super) fn is_narrow(&self) -> bool {
        let Self { webhooks, segment_bytes, values, value_bytes, words, dfas, postings, slots, .. } = *self;
        let counts = [webhooks, segment_bytes, values, value_bytes, words, dfas, postings];
        counts.into_iter().all(|count| count < 0xfff0) && slots <= none(2)
    }

    /// Bytes of one part, by its number in [`Part`].
    const fn part_bytes(&self, part: usize, word: u64, listed: bool) -> u64 {
        let (size, count) = match part {
            0 => (word.saturating_mul(2), self.slots as u64),
            1 => (word, bounds(bucket_count(self.segments))),
            2 => (word, bounds(self.segments)),
            3 => (word, self.segments as u64),
            4 => (word, bounds(bucket_count(self.values))),
            5 => (word, bounds(self.values)),
            6 => (word, self.docs as u64),
            7 if self.words > 0 => (word, bounds(self.webhooks)),
            8 => (word, self.words as u64),
            9 => (word, self.postings as u64),
            10 if listed => (4, self.webhooks as u64),
            11 => (16, self.groups as u64),
            12 => (12, self.group_keys as u64),
            13 => (4, bounds(self.dfas)),
            14 => (1, self.segment_bytes as u64),
            15 => (1, self.value_bytes as u64),
            16 => (1, self.dfa_bytes as u64),
            _ => (0, 0),
        };
        count.saturating_mul(size)
    }
}

/// Numbers that bound `count` lists which follow each other; none without lists.
const fn bounds(count: u32) -> u64 {
    if count == 0 { 0 } else { (count as u64).saturating_add(1) }
}

/// Buckets for so many names.
pub(super) const fn bucket_count(names: u32) -> u32 {
    match names.checked_next_power_of_two() {
        _ if names == 0 => 0,
        Some(buckets) => buckets,
        None => u32::MAX,
    }
}

/// The parts of an image in their order behind the head. Words come first, so that a word is at a multiple of its size;
/// texts come last.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Slots,
    SegmentBuckets,
    SegmentStarts,
    SegmentNumbers,
    ValueBuckets,
    ValueStarts,
    Docs,
    ProgramStarts,
    Words,
    Postings,
    Webhooks,
    Groups,
    GroupKeys,
    DfaStarts,
    SegmentText,
    ValueText,
    DfaBytes,
}

const PARTS: usize = Part::DfaBytes as usize + 1;

/// Where the parts of an image are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Where each part starts; the last is where the image ends.
    starts: [u32; PARTS + 1],
}

impl Layout {
    /// An image without any part.
    pub(super) const EMPTY: Self = Self { starts: [0; PARTS + 1] };

    /// The parts of an image with this head; `None` when it is larger than any image may be.
    pub(super) fn new(head: &Head) -> Option<Self> {
        let mut layout = Self::EMPTY;
        let mut at = HEAD_BYTES as u64;
        for (part, start) in layout.starts.iter_mut().enumerate() {
            *start = u32::try_from(at).ok().filter(|start| *start as usize <= TABLE_BYTES_MAX)?;
            let bytes = head.counts.part_bytes(part, head.width.into(), head.flags & LISTED != 0);
            at = at.saturating_add(bytes);
        }
        Some(layout)
    }

    /// Where a part is.
    #[inline]
    pub(super) fn range(&self, part: Part) -> Range<usize> {
        self.start(part)..self.end(part)
    }

    /// Where a part starts.
    #[inline]
    pub(super) fn start(&self, part: Part) -> usize {
        self.starts.get(part as usize).copied().unwrap_or_default() as usize
    }

    /// Where a part ends.
    #[inline]
    pub(super) fn end(&self, part: Part) -> usize {
        self.starts.get(part as usize + 1).copied().unwrap_or_default() as usize
    }

    /// Bytes of the whole image.
    pub(super) fn bytes(&self) -> u32 {
        self.starts.last().copied().unwrap_or_default()
    }
}
