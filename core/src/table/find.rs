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
    /// What was not read yet of each list.
    cursors: heapless::Vec<Cursor, CURSORS_MAX>,
    /// The topic once more when there are more lists than cursors: then each window takes a walk.
    codes: Option<Codes>,
    window: Window,
}

/// A list from the row on that was not read yet.
#[derive(Clone, Copy)]
struct Cursor {
    start: u32,
    end: u32,
}

impl<'t, W: Width, A: Attributes + ?Sized> Merge<'t, W, A> {
    #[inline]
    fn new(view: View<'t, W>, topic: &Topic<'_>, attributes: &'t A) -> Self {
        let mut merge = Self {
            view,
            judge: Judge::new(view, attributes),
            postings: view.words(Part::Postings),
            cursors: heapless::Vec::new(),
            codes: None,
            window: Window::EMPTY,
        };
        let codes = Codes::new(&view, topic);
        let grouped = view.head.counts.groups > 0;
        walk(&view.slots(), &codes, |found| {
            let many = found.end.wrapping_sub(found.start) as usize >= TABLE_GROUP_ROWS_MIN;
            let opened = grouped && many && merge.open_groups(&found) || merge.open(found.start, found.end);
            if !opened {
                merge.codes = Some(codes);
            }
        });
        merge
    }

    /// Opens a list; false when there is no cursor left.
    #[inline]
    fn open(&mut self, start: u32, end: u32) -> bool {
        start >= end || self.cursors.push(Cursor { start, end }).is_ok()
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
    fn next(&mut self) -> Option<u32> {
        loop {
            let Some(row) = self.window.take() else {
                self.fill()?;
                continue;
            };
            if self.judge.passes(row) {
                return self.view.webhook(row);
            }
        }
    }

    /// Moves the window to the next row of any list.
    #[inline]
    fn fill(&mut self) -> Option<()> {
        let Self { view, postings, cursors, codes, window, .. } = self;
        if let Some(codes) = codes {
            return window.fill_by_walking(view, postings, codes);
        }
        let rest = |cursor: &Cursor| {
            postings.get(cursor.start as usize..cursor.end as usize).unwrap_or_default()
        };
        let first = cursors.iter().filter_map(|cursor| rest(cursor).first()).map(|word| W::number(*word)).min()?;
        window.start_at(first);
        for cursor in cursors {
            let read = window.add::<W>(rest(cursor));
            cursor.start = cursor.start.wrapping_add(read);
        }
        Some(())
    }
}
