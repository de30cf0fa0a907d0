//! An image as its parts: what matching, explaining and checking read.

use core::marker::PhantomData;

use crate::filter::Value;
use crate::steps;

use super::head::{HEAD_BYTES, Head, TAILS};
use super::layout::{Layout, Part};
use super::names::{Names, hash};
use super::program::Programs;
use super::value;
#[cfg(feature = "wide")]
use super::width::Wide;
use super::width::{Kind, Narrow, Slot, Width, child};

/// An image of words of width `W`. Every read is checked: a wrong number gives nothing.
pub(super) struct View<'t, W> {
    bytes: &'t [u8],
    pub(super) head: &'t Head,
    layout: &'t Layout,
    width: PhantomData<W>,
}

impl<W> Clone for View<'_, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for View<'_, W> {}

/// An image of either width.
#[derive(Clone, Copy)]
pub(super) enum AnyView<'t> {
    Narrow(View<'t, Narrow>),
    #[cfg(feature = "wide")]
    Wide(View<'t, Wide>),
}

impl<'t> AnyView<'t> {
    #[inline]
    pub(super) fn new(bytes: &'t [u8], head: &'t Head, layout: &'t Layout) -> Self {
        #[cfg(feature = "wide")]
        if head.width != 2 {
            return Self::Wide(View { bytes, head, layout, width: PhantomData });
        }
        Self::Narrow(View { bytes, head, layout, width: PhantomData })
    }
}

/// The expression for the view at hand, compiled for each of the widths.
macro_rules! with_view {
    ($any:expr, $view:ident => $with:expr) => {
        match $any {
            $crate::table::view::AnyView::Narrow($view) => $with,
            #[cfg(feature = "wide")]
            $crate::table::view::AnyView::Wide($view) => $with,
        }
    };
}
pub(super) use with_view;

impl<'t, W: Width> View<'t, W> {
    #[inline]
    pub(super) fn part(&self, part: Part) -> &'t [u8] {
        self.bytes.get(self.layout.range(part)).unwrap_or_default()
    }

    #[inline]
    pub(super) fn words(&self, part: Part) -> &'t [W::Word] {
        W::words(self.part(part))
    }

    /// Numbers of four bytes, whatever the width.
    pub(super) fn long_words(&self, part: Part) -> &'t [[u8; 4]] {
        self.part(part).as_chunks().0
    }

    /// Where a part starts.
    #[inline]
    pub(super) fn offset(&self, part: Part) -> usize {
        self.layout.start(part)
    }

    #[inline]
    pub(super) fn segments(&self) -> Names<'t, W> {
        self.names([Part::SegmentBuckets, Part::SegmentStarts, Part::SegmentText])
    }

    #[inline]
    pub(super) fn values(&self) -> Names<'t, W> {
        self.names([Part::ValueBuckets, Part::ValueStarts, Part::ValueText])
    }

    #[inline]
    fn names(&self, [buckets, starts, text]: [Part; 3]) -> Names<'t, W> {
        let words_before = |part| self.offset(part) / size_of::<W::Word>();
        Names {
            words: W::words(self.bytes),
            bytes: self.bytes,
            buckets_at: words_before(buckets),
            starts_at: words_before(starts),
            text_at: self.offset(text),
        }
    }

    /// The number of a segment.
    #[inline]
    pub(super) fn segment_number(&self, segment: &[u8]) -> Option<u32> {
        let names = self.segments();
        let place = names.find(hash(self.head.seed, segment), segment.len(), |name| name == segment)?;
        let numbers_at = self.offset(Part::SegmentNumbers) / size_of::<W::Word>();
        names.words.get(numbers_at.wrapping_add(place as usize)).map(|number| W::number(*number))
    }

    #[inline]
    pub(super) fn slots(&self) -> Slots<'t, W> {
        Slots {
            slots: W::slots(self.bytes.get(HEAD_BYTES..self.layout.end(Part::Slots)).unwrap_or_default()),
            words: W::words(self.bytes),
            postings_at: self.offset(Part::Postings) / size_of::<W::Word>(),
            tails: self.head.flags & TAILS != 0,
        }
    }

    /// The rows in a range of the image's words.
    #[inline]
    pub(super) fn rows(&self, start: usize, end: usize) -> &'t [W::Word] {
        W::words(self.bytes).get(start..end).unwrap_or_default()
    }

    pub(super) fn programs(&self) -> Programs<'t, W> {
        Programs { starts: self.words(Part::ProgramStarts), words: self.words(Part::Words) }
    }

    /// The number of the webhook in `row`.
    #[inline]
    pub(super) fn webhook(&self, row: u32) -> Option<u32> {
        let listed = self.long_words(Part::Webhooks);
        if listed.is_empty() {
            (row < self.head.counts.webhooks).then_some(row)
        } else {
            listed.get(row as usize).map(|number| u32::from_le_bytes(*number))
        }
    }

    /// The row of a webhook.
    pub(super) fn row(&self, webhook: u32) -> Option<u32> {
        let listed = self.long_words(Part::Webhooks);
        if listed.is_empty() {
            return (webhook < self.head.counts.webhooks).then_some(webhook);
        }
        let row = listed.binary_search_by_key(&webhook, |number| u32::from_le_bytes(*number));
        row.ok().map(|row| row as u32)
    }

    /// A segment as the table has it; `None` when no pattern names it.
    pub(super) fn segment(&self, segment: &[u8]) -> Option<&'t str> {
        let names = self.segments();
        let place = names.find(hash(self.head.seed, segment), segment.len(), |name| name == segment)?;
        core::str::from_utf8(names.bytes(place)?).ok()
    }

    /// The value with this number.
    pub(super) fn value(&self, number: u32) -> Option<Value<'t>> {
        value::from_bytes(self.values().bytes(number)?)
    }

    /// The bytes of the text with this number.
    pub(super) fn text_bytes(&self, number: u32) -> Option<&'t [u8]> {
        let (kind, bytes) = self.values().bytes(number)?.split_first()?;
        (*kind == value::TEXT).then_some(bytes)
    }

    /// The integer with this number.
    pub(super) fn integer(&self, number: u32) -> Option<i64> {
        match self.value(number)? {
            Value::Integer(integer) => Some(integer),
            _ => None,
        }
    }

    /// The name of an attribute.
    pub(super) fn doc(&self, doc: u8) -> Option<&'t str> {
        core::str::from_utf8(self.doc_bytes(doc)?).ok()
    }

    /// The same in its bytes.
    pub(super) fn doc_bytes(&self, doc: u8) -> Option<&'t [u8]> {
        self.text_bytes(W::number(*self.words(Part::Docs).get(usize::from(doc))?))
    }

    /// The bytes of an automaton.
    pub(super) fn dfa(&self, number: u32) -> Option<&'t [u8]> {
        let starts = self.long_words(Part::DfaStarts);
        let bound = |at: usize| starts.get(at).map(|start| u32::from_le_bytes(*start) as usize);
        let range = bound(number as usize)?..bound((number as usize).checked_add(1)?)?;
        self.part(Part::DfaBytes).get(range)
    }
}

/// The nodes of the trie of patterns.
#[derive(Clone, Copy)]
pub(super) struct Slots<'t, W: Width> {
    slots: &'t [W::Slot],
    /// The words of the whole image, and where among them the postings start.
    words: &'t [W::Word],
    postings_at: usize,
    /// Whether any pattern ends with `**`.
    pub(super) tails: bool,
}

impl<W: Width> Slots<'_, W> {
    /// The root, where a walk starts.
    #[inline]
    pub(super) fn root(&self) -> Option<Slot> {
        let root = self.slot(0)?;
        steps::count(1);
        Some(root)
    }

    #[inline]
    pub(super) fn slot(&self, number: u32) -> Option<Slot> {
        self.slots.get(number as usize).map(|slot| W::slot(*slot))
    }

    /// The child of a node under a code, if it has one.
    #[inline]
    pub(super) fn child(&self, parent: u32, base: u32, code: u32) -> Option<(u32, Slot)> {
        let number = child(size_of::<W::Word>() as u8, base, code);
        let slot = self.slot(number).filter(|slot| slot.parent() == parent)?;
        steps::count(1);
        Some((number, slot))
    }

    /// The rows of a node that has some and no child, as a range of the image's words.
    #[inline]
    pub(super) fn list(&self, number: u32, slot: Slot) -> Option<(usize, usize)> {
        if slot.kind() == Kind::Inner {
            return None;
        }
        let own = (HEAD_BYTES / size_of::<W::Word>()).wrapping_add((number as usize).wrapping_mul(2));
        let is_row = slot.kind() == Kind::Row;
        let at = if is_row { own } else { self.postings_at.wrapping_add(slot.base as usize) };
        let word = W::number(*self.words.get(at)?) as usize;
        let (start, count) = if is_row { (at, 1) } else { (at.wrapping_add(1), word) };
        Some((start, start.wrapping_add(count)))
    }
}
