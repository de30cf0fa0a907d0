//! Checking the nodes of an image: each leads to the root by codes that are there, and its list is one.

use crate::limits::SEGMENTS_MAX;

use super::layout::Part;
use super::shapes::{Shape, Shapes};
use super::view::{Slots, View};
use super::walk::{FIRST_SEGMENT, ROWS};
use super::width::{Kind, Slot, Width, none, ones};

/// Nodes whose shape is remembered: those that come after them are below them more often than not.
const RECENT: usize = 64;

/// What was not checked yet of the postings: lists follow each other without a gap.
pub(super) struct Lists<'t, W: Width> {
    postings: &'t [W::Word],
    webhooks: u32,
}

impl<'t, W: Width> Lists<'t, W> {
    pub(super) fn new(view: &View<'t, W>) -> Self {
        Self { postings: view.words(Part::Postings), webhooks: view.head.counts.webhooks }
    }

    pub(super) fn all_checked(&self) -> bool {
        self.postings.is_empty()
    }

    /// Whether the next words are a list of rows of this length.
    pub(super) fn next(&mut self, length: u32) -> bool {
        let Some((list, rest)) = self.postings.split_at_checked(length as usize) else { return false };
        self.postings = rest;
        list.is_sorted_by(|a, b| W::number(*a) < W::number(*b))
            && list.last().is_none_or(|last| W::number(*last) < self.webhooks)
    }

    /// The same of the list of a node, which starts with its length.
    fn next_of_node(&mut self) -> bool {
        let Some((length, rest)) = self.postings.split_first() else { return false };
        self.postings = rest;
        self.next(W::number(*length))
    }

    /// How many words were checked.
    pub(super) fn checked(&self, view: &View<'_, W>) -> u32 {
        view.head.counts.postings.wrapping_sub(self.postings.len() as u32)
    }
}

/// Checks all nodes and their lists, and gives the shapes of the patterns.
pub(super) fn nodes<W: Width>(view: &View<'_, W>, lists: &mut Lists<'_, W>) -> Option<Shapes> {
    let slots = view.slots();
    let codes = view.head.counts.segments.saturating_add(FIRST_SEGMENT);
    let mut paths = Paths { slots, codes, recent: [(0, Shape::ROOT); RECENT] };
    let mut shapes = Shapes::default();
    for number in 0..view.head.counts.slots {
        let slot = slots.slot(number)?;
        if number == 0 {
            shapes.add(root(&slots)?);
        } else if !slot.is_free(size_of::<W::Word>() as u8) {
            shapes.add(paths.shape(number, slot)?);
            let sound = match slot.kind() {
                Kind::Row => slot.base < lists.webhooks,
                Kind::List => slot.base == lists.checked(view) && lists.next_of_node(),
                Kind::Inner | Kind::Both => true,
            };
            sound.then_some(())?;
        }
    }
    Some(shapes)
}

/// The shape of the root; `None` when it is none.
fn root<W: Width>(slots: &Slots<'_, W>) -> Option<Shape> {
    let root = slots.slot(0)?;
    let is_root = root.parent() == none(size_of::<W::Word>() as u8) && root.kind() == Kind::Inner;
    is_root.then_some(Shape::ROOT)
}

/// The ways from nodes to the root.
struct Paths<'t, W: Width> {
    slots: Slots<'t, W>,
    /// One more than the largest code.
    codes: u32,
    /// Nodes by the lower bits of their numbers, and their shapes.
    recent: [(u32, Shape); RECENT],
}

impl<W: Width> Paths<'_, W> {
    /// The shape of a node that is not the root; `None` when it is no node of the trie.
    #[inline]
    fn shape(&mut self, number: u32, slot: Slot) -> Option<Shape> {
        let above = match self.known(slot.parent()) {
            Some(shape) => shape,
            None => self.climb(slot.parent())?,
        };
        let shape = above.with(self.code(number, slot)?)?;
        self.remember(number, shape);
        Some(shape)
    }

    /// The same by going up until a shape is known.
    #[inline(never)]
    fn climb(&mut self, mut number: u32) -> Option<Shape> {
        let mut path = heapless::Vec::<(u32, u32), SEGMENTS_MAX>::new();
        let mut shape = loop {
            if let Some(shape) = self.known(number) {
                break shape;
            }
            let slot = self.slots.slot(number)?;
            path.push((number, self.code(number, slot)?)).ok()?;
            number = slot.parent();
        };
        for (number, code) in path.into_iter().rev() {
            shape = shape.with(code)?;
            self.remember(number, shape);
        }
        Some(shape)
    }

    /// The code that leads from its parent to a node; `None` when none can.
    #[inline]
    fn code(&self, number: u32, slot: Slot) -> Option<u32> {
        let parent = self.slots.slot(slot.parent())?;
        let code = number.wrapping_sub(parent.base) & ones(size_of::<W::Word>() as u8);
        let sound = match parent.kind() {
            Kind::Inner => code != ROWS,
            Kind::Both => code != ROWS || matches!(slot.kind(), Kind::Row | Kind::List),
            Kind::Row | Kind::List => false,
        };
        (sound && code < self.codes).then_some(code)
    }

    #[inline]
    fn known(&self, number: u32) -> Option<Shape> {
        if number == 0 {
            return Some(Shape::ROOT);
        }
        self.recent.get(number as usize % RECENT).filter(|known| known.0 == number).map(|known| known.1)
    }

    #[inline]
    fn remember(&mut self, number: u32, shape: Shape) {
        if let Some(place) = self.recent.get_mut(number as usize % RECENT) {
            *place = (number, shape);
        }
    }
}
