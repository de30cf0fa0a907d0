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
/// A segment that no pattern names.
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
        let mut count = 0;
        for (place, segment) in codes.iter_mut().zip(topic.segments()) {
            *place = code(segment);
            count += 1;
        }
        Self { codes, count }
    }

    /// The code at a level; `None` behind the last.
    #[inline]
    fn at(&self, level: usize) -> Option<u32> {
        self.codes.get(..self.count)?.get(level).copied()
    }
}

/// A list of rows that the walk came to.
#[derive(Clone, Copy)]
pub(super) struct Found {
    /// The node whose list it is.
    pub(super) slot: u32,
    /// The list among the postings; it is not empty.
    pub(super) start: u32,
    pub(super) end: u32,
}

/// A node on the way, and how many segments lead to it.
#[derive(Clone, Copy)]
struct Place {
    number: u32,
    slot: Slot,
    level: usize,
}

/// Calls `found` for each list of rows whose pattern takes the topic in.
///
/// It visits a node for each shape that patterns have, a shape being where they have stars: `visits_max` of an image
/// counts them. Only a node that has a child for the segment and one for `*` sends the walk two ways, so no more nodes
/// wait than there are segments.
#[inline]
pub(super) fn walk<W: Width>(slots: &Slots<'_, W>, codes: &Codes, mut found: impl FnMut(Found)) {
    let Some(slot) = slots.slot(0) else { return };
    let mut place = Place { number: 0, slot, level: 0 };
    let (mut waiting, mut waits) = ([place; SEGMENTS_MAX], 0_usize);
    loop {
        let Place { number, slot, level } = place;
        let below = |(number, slot)| Place { number, slot, level: level.wrapping_add(1) };
        let next = match codes.at(level) {
            None => {
                list(slots, number, slot.rows, &mut found);
                None
            }
            Some(code) => {
                if slots.tails && let Some((tail, slot)) = slots.child(number, slot.base, TAIL) {
                    list(slots, tail, slot.rows, &mut found);
                }
                let any = slots.child(number, slot.base, ANY).map(below);
                let exact = if code == UNKNOWN { None } else { slots.child(number, slot.base, code).map(below) };
                match (exact, any) {
                    (Some(exact), Some(any)) => {
                        if let Some(free) = waiting.get_mut(waits) {
                            *free = any;
                            waits = waits.wrapping_add(1);
                        }
                        Some(exact)
                    }
                    (exact, any) => exact.or(any),
                }
            }
        };
        place = match next {
            Some(place) => place,
            None => {
                waits = waits.wrapping_sub(1);
                let Some(place) = waiting.get(waits) else { return };
                *place
            }
        };
    }
}

#[inline]
fn list<W: Width>(slots: &Slots<'_, W>, slot: u32, start: u32, found: &mut impl FnMut(Found)) {
    let end = slots.rows_end(slot);
    if start < end {
        found(Found { slot, start, end });
    }
}
