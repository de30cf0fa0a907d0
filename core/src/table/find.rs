//! Finding the webhooks of an event: the lists of rows that its topic leads to, merged in ascending order.

use crate::filter::Attributes;
use crate::limits::TABLE_GROUP_ROWS_MIN;
use crate::topic::Topic;

use super::group::{REST, key, rows_under};
use super::judge::Judge;
use super::layout::Part;
use super::view::{AnyView, View};
use super::walk::{Codes, Found, walk};
use super::width::{Narrow, Wide, Width};
use super::window::Window;

/// So many lists are merged side by side; more of them are gone through window by window.
pub(super) const CURSORS_MAX: usize = 32;

/// Iterator over the webhooks of one event, made by [`MatchTable::find`](super::MatchTable::find).
pub struct Matches<'t, A: ?Sized> {
    merge: AnyMerge<'t, A>,
}

enum AnyMerge<'t, A: ?Sized> {
    Narrow(Merge<'t, Narrow, A>),
    Wide(Merge<'t, Wide, A>),
}

impl<'t, A: Attributes + ?Sized> Matches<'t, A> {
    #[inline]
    pub(super) fn new(view: AnyView<'t>, topic: &Topic<'_>, attributes: &'t A) -> Self {
        let merge = match view {
            AnyView::Narrow(view) => AnyMerge::Narrow(Merge::new(view, topic, attributes)),
            AnyView::Wide(view) => AnyMerge::Wide(Merge::new(view, topic, attributes)),
        };
        Self { merge }
    }
}

impl<A: Attributes + ?Sized> Iterator for Matches<'_, A> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        match &mut self.merge {
            AnyMerge::Narrow(merge) => merge.next(),
            AnyMerge::Wide(merge) => merge.next(),
        }
    }
}

/// The lists of one event on their way to be one.
struct Merge<'t, W: Width, A: ?Sized> {
    view: View<'t, W>,
    judge: Judge<'t, W, A>,
    postings: &'t [W::Word],
    /// A heap: the list with the smallest row comes first.
    cursors: heapless::Vec<Cursor, CURSORS_MAX>,
    /// Takes over when there are more lists than cursors.
    window: Option<Window>,
}

/// A list and how far it was read.
#[derive(Clone, Copy)]
struct Cursor {
    /// The row it stands at.
    row: u32,
    at: u32,
    end: u32,
}

impl<'t, W: Width, A: Attributes + ?Sized> Merge<'t, W, A> {
    #[inline]
    fn new(view: View<'t, W>, topic: &Topic<'_>, attributes: &'t A) -> Self {
        let (judge, postings) = (Judge::new(view, attributes), view.words(Part::Postings));
        let mut merge = Self { view, judge, postings, cursors: heapless::Vec::new(), window: None };
        let codes = Codes::new(&view, topic);
        let grouped = view.head.counts.groups > 0;
        walk(&view.slots(), &codes, |found| {
            let many = found.end.wrapping_sub(found.start) as usize >= TABLE_GROUP_ROWS_MIN;
            let taken = grouped && many && merge.open_groups(&found) || merge.open(found.start, found.end);
            if !taken && merge.window.is_none() {
                merge.window = Some(Window::new(codes));
            }
        });
        merge
    }

    /// Opens a list; false when there is no cursor left.
    fn open(&mut self, start: u32, end: u32) -> bool {
        let Some(row) = self.row(start) else { return true };
        let pushed = self.cursors.push(Cursor { row, at: start, end }).is_ok();
        if pushed {
            self.sift_up(self.cursors.len().wrapping_sub(1));
        }
        pushed
    }

    /// Opens those groups of a node that the event can be in; false when it has none, or too many for the cursors.
    #[inline(never)]
    fn open_groups(&mut self, found: &Found) -> bool {
        let Some(group) = self.view.group(found.slot) else { return false };
        let room = CURSORS_MAX.saturating_sub(self.cursors.len());
        if room <= group.docs.count_ones() as usize {
            return false;
        }
        let keys = self.view.keys_of(&group);
        for doc in group.docs() {
            let under = self.judge.value_number(doc).and_then(|value| rows_under(keys, key(doc, value)));
            if let Some(rows) = under {
                self.open(rows.start, rows.end);
            }
        }
        if let Some(rest) = rows_under(keys, REST) {
            self.open(rest.start, rest.end);
        }
        true
    }

    #[inline]
    fn row(&self, at: u32) -> Option<u32> {
        self.postings.get(at as usize).map(|word| W::number(*word))
    }

    #[inline]
    fn next(&mut self) -> Option<u32> {
        loop {
            let row = match &mut self.window {
                None => self.next_row()?,
                Some(window) => window.next_row(&self.view, self.postings)?,
            };
            if self.judge.passes(row) {
                return self.view.webhook(row);
            }
        }
    }

    /// The smallest row of all lists, which all of them then leave behind.
    #[inline]
    fn next_row(&mut self) -> Option<u32> {
        let row = self.cursors.first()?.row;
        while let Some(first) = self.cursors.first().copied()
            && first.row == row
        {
            self.advance(first);
        }
        Some(row)
    }

    /// Moves the first list on by one row, or closes it.
    #[inline]
    fn advance(&mut self, first: Cursor) {
        let at = first.at.wrapping_add(1);
        let next = if at < first.end { self.row(at) } else { None };
        match (next, self.cursors.first_mut()) {
            (Some(row), Some(place)) => *place = Cursor { row, at, end: first.end },
            _ => {
                let last = self.cursors.pop();
                if let (Some(last), Some(place)) = (last, self.cursors.first_mut()) {
                    *place = last;
                }
            }
        }
        self.sift_down();
    }

    fn row_of(&self, cursor: usize) -> Option<u32> {
        self.cursors.get(cursor).map(|cursor| cursor.row)
    }

    fn swap(&mut self, a: usize, b: usize) {
        if let (Some(one), Some(other)) = (self.cursors.get(a).copied(), self.cursors.get(b).copied()) {
            if let Some(place) = self.cursors.get_mut(a) {
                *place = other;
            }
            if let Some(place) = self.cursors.get_mut(b) {
                *place = one;
            }
        }
    }

    fn sift_up(&mut self, mut at: usize) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.row_of(parent) <= self.row_of(at) {
                return;
            }
            self.swap(parent, at);
            at = parent;
        }
    }

    #[inline]
    fn sift_down(&mut self) {
        let mut at = 0_usize;
        loop {
            let (left, right) = (at.wrapping_mul(2).wrapping_add(1), at.wrapping_mul(2).wrapping_add(2));
            let Some(left_row) = self.row_of(left) else { return };
            let child = if self.row_of(right).is_some_and(|row| row < left_row) { right } else { left };
            if self.row_of(at) <= self.row_of(child) {
                return;
            }
            self.swap(at, child);
            at = child;
        }
    }
}
