//! The walk: from a topic to the lists of rows whose patterns take it in.

use crate::limits::SEGMENTS_MAX;
use crate::topic::Topic;

use super::view::{Slots, View};
use super::width::{Slot, Width};

/// The code of `*`.
pub(super) const ANY: u32 = 0;
/// The code of `**`.
pub(super) const TAIL: u32 = 1;
/// The code of the first segment.
pub(super) const FIRST_SEGMENT: u32 = 2;
/// A segment that no pattern names: no node has a child of this code, neither when it is cut to two bytes.
const UNKNOWN: u32 = u32::MAX;

/// A topic as codes of its segments.
#[derive(Clone, Copy)]
pub(super) struct Codes {
    codes: [u32; SEGMENTS_MAX],
    count: usize,
}

impl Codes {
    #[inline]
    pub(super) fn new<W: Width>(view: &View<'_, W>, topic: &Topic<'_>) -> Self {
        let names = view.segments();
        let code = |segment: &str| {
            let number = names.number(view.head.seed, segment.as_bytes());
            number.map_or(UNKNOWN, |number| number.wrapping_add(FIRST_SEGMENT))
        };
        let mut codes = [UNKNOWN; SEGMENTS_MAX];
        if topic.has_two_segments() {
            // The two do not wait for each other, so a processor hashes them side by side.
            let [first, second, ..] = &mut codes;
            (*first, *second) = (code(topic.kind()), code(topic.action()));
            return Self { codes, count: 2 };
        }
        let mut count = 0_usize;
        for (place, segment) in codes.iter_mut().zip(topic.segments()) {
            *place = code(segment);
            count = count.wrapping_add(1);
        }
        Self { codes, count }
    }

    /// The code at a level; `None` behind the last.
    #[inline]
    fn at(&self, level: u32) -> Option<u32> {
        self.codes.get(..self.count)?.get(level as usize).copied()
    }
}

/// A list of rows that the walk came to.
#[derive(Clone, Copy)]
pub(super) struct Found {
    /// The node whose list it is.
    pub(super) slot: u32,
    /// The list among the postings.
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Calls `found` for each list of rows whose pattern takes the topic in, and for empty lists on the way.
///
/// It visits a node for each shape that patterns have, a shape being where they have stars: `visits_max` of an image
/// counts them.
#[inline]
pub(super) fn walk<W: Width>(slots: &Slots<'_, W>, codes: &Codes, mut found: impl FnMut(Found)) {
    if let Codes { codes: [first, second, ..], count: 2 } = *codes {
        walk_two(slots, [first, second], &mut found);
    } else {
        walk_more(slots, codes, &mut found);
    }
}

/// The walk for a topic of two segments, without a loop.
#[inline]
fn walk_two<W: Width>(slots: &Slots<'_, W>, [first, second]: [u32; 2], found: &mut impl FnMut(Found)) {
    let Some(root) = slots.slot(0) else { return };
    for (number, slot) in
        [slots.child(0, root.base, first), slots.child(0, root.base, ANY)].into_iter().flatten()
    {
        list(slots, slots.child(number, slot.base, second), found);
        list(slots, slots.child(number, slot.base, ANY), found);
        if slots.tails {
            list(slots, slots.child(number, slot.base, TAIL), found);
        }
    }
    if slots.tails {
        list(slots, slots.child(0, root.base, TAIL), found);
    }
}

/// The walk for any topic. Where a node has a child for the segment and one for `*`, the latter waits; so one node waits
/// for each level at most.
fn walk_more<W: Width>(slots: &Slots<'_, W>, codes: &Codes, found: &mut impl FnMut(Found)) {
    let Some(root) = slots.slot(0) else { return };
    let mut waiting = [0_u32; SEGMENTS_MAX + 1];
    let mut levels_waiting = 0_u32;
    let (mut number, mut slot, mut level) = (0, root, 0_u32);
    loop {
        let mut next = None;
        if let Some(code) = codes.at(level) {
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

#[inline]
fn list<W: Width>(slots: &Slots<'_, W>, node: Option<(u32, Slot)>, found: &mut impl FnMut(Found)) {
    if let Some((slot, Slot { rows: start, .. })) = node {
        found(Found { slot, start, end: slots.rows_end(slot) });
    }
}
