//! The walk: from a topic to the lists of rows whose patterns take it in.

use crate::limits::SEGMENTS_MAX;
use crate::topic::Topic;

use super::view::{Slots, View};
use super::width::{Kind, Slot, Width};

/// The code of `**`.
pub(super) const TAIL: u32 = 0;
/// The code of a child that has the rows of its parent, because that has other children as well.
pub(super) const ROWS: u32 = 1;
/// The code of `*`, next to those of segments, because the children of most nodes are both.
pub(super) const ANY: u32 = 2;
/// The code of the first segment.
pub(super) const FIRST_SEGMENT: u32 = 3;
/// A segment that no pattern names: no node has a child of this code, neither when it is cut to two bytes.
const UNKNOWN: u32 = u32::MAX;

/// A topic as codes of its segments.
#[derive(Clone, Copy)]
pub(super) struct Codes {
    codes: [u32; SEGMENTS_MAX],
    count: usize,
}

impl Codes {
    #[inline(never)]
    pub(super) fn new<W: Width>(view: &View<'_, W>, topic: &Topic<'_>) -> Self {
        let (mut codes, mut count) = ([UNKNOWN; SEGMENTS_MAX], 0_usize);
        let segments = topic.as_str().as_bytes().split(|byte| *byte == b'.');
        for (place, segment) in codes.iter_mut().zip(segments) {
            *place = code(view, segment);
            count = count.wrapping_add(1);
        }
        Self { codes, count }
    }
}

/// The code of a segment.
#[inline]
fn code<W: Width>(view: &View<'_, W>, segment: &[u8]) -> u32 {
    view.segment_number(segment).map_or(UNKNOWN, |number| number.wrapping_add(FIRST_SEGMENT))
}

/// A list of rows that the walk came to.
#[derive(Clone, Copy)]
pub(super) struct Found {
    /// The node that has it.
    pub(super) slot: u32,
    /// Where it is among the words of the image.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Calls `found` for each list of rows whose pattern takes the topic in.
///
/// It visits a node for each shape that patterns have, a shape being where they have stars: `visits_max` of an image
/// counts them.
#[inline]
pub(super) fn walk<W: Width>(view: &View<'_, W>, topic: &Topic<'_>, mut found: impl FnMut(Found)) {
    match topic.two_segments() {
        Some([kind, action]) => walk_two(&view.slots(), [code(view, kind), code(view, action)], &mut found),
        None => walk_codes(view, &Codes::new(view, topic), found),
    }
}

/// The walk for a topic of two segments.
#[inline]
fn walk_two<W: Width>(slots: &Slots<'_, W>, [first, second]: [u32; 2], found: &mut impl FnMut(Found)) {
    let Some(root) = slots.root() else { return };
    for code in [first, ANY] {
        if let Some((number, slot)) = slots.child(0, root.base, code) {
            list(slots, slots.child(number, slot.base, second), found);
            list(slots, slots.child(number, slot.base, ANY), found);
            if slots.tails {
                list(slots, slots.child(number, slot.base, TAIL), found);
            }
        }
    }
    if slots.tails {
        list(slots, slots.child(0, root.base, TAIL), found);
    }
}

/// The walk for a topic in codes. Where a node has a child for the segment and one for `*`, the latter waits; so one node
/// waits for each level at most.
pub(super) fn walk_codes<W: Width>(view: &View<'_, W>, codes: &Codes, mut found: impl FnMut(Found)) {
    let (slots, found) = (&view.slots(), &mut found);
    let codes = codes.codes.get(..codes.count).unwrap_or_default();
    let Some(root) = slots.root() else { return };
    let mut waiting = [0_u32; SEGMENTS_MAX + 1];
    let mut levels_waiting = 0_u32;
    let (mut number, mut slot, mut level) = (0, root, 0_u32);
    loop {
        let mut next = None;
        if let Some(&code) = codes.get(level as usize) {
            let below = level.wrapping_add(1);
            if slots.tails {
                list(slots, slots.child(number, slot.base, TAIL), found);
            }
            let any = slots.child(number, slot.base, ANY);
            next = slots.child(number, slot.base, code);
            match (next, any, waiting.get_mut(below as usize)) {
                (Some(_), Some((any, _)), Some(place)) => {
                    *place = any;
                    levels_waiting |= 1 << below;
                }
                (None, any, _) => next = any,
                _ => {}
            }
            level = below;
        } else {
            list(slots, Some((number, slot)), found);
        }
        if next.is_none() && levels_waiting != 0 {
            level = levels_waiting.ilog2();
            levels_waiting ^= 1 << level;
            let any = waiting.get(level as usize).copied().unwrap_or_default();
            next = slots.slot(any).map(|slot| (any, slot));
        }
        let Some(place) = next else { return };
        (number, slot) = place;
    }
}

/// The rows of a node, if a pattern ends there.
#[inline]
fn list<W: Width>(slots: &Slots<'_, W>, node: Option<(u32, Slot)>, found: &mut impl FnMut(Found)) {
    let Some((mut number, mut slot)) = node else { return };
    if slot.kind() == Kind::Both {
        let Some(child) = slots.child(number, slot.base, ROWS) else { return };
        (number, slot) = child;
    }
    if let Some((start, end)) = slots.list(number, slot) {
        found(Found { slot: number, start, end });
    }
}
