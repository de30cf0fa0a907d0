//! Finding the webhooks of an event: the lists of rows that its topic leads to, merged in ascending order.

use crate::filter::Attributes;
use crate::limits::TABLE_GROUP_ROWS_MIN;
use crate::topic::Topic;

use super::group::{REST, key, rows_under};
use super::judge::Judge;
use super::layout::Part;
use super::view::{AnyView, View};
use super::walk::{Codes, Found, walk};
use super::width::Width;
use super::window::Window;

/// So many lists are read side by side; with more of them, each window of rows takes a walk.
pub(super) const CURSORS_MAX: usize = 32;

/// Iterator over the webhooks of one event, made by [`MatchTable::find`](super::MatchTable::find).
pub struct Matches<'t, A: ?Sized> {
    view: AnyView<'t>,
    /// The webhook of each row; nothing when it is the row.
    listed: &'t [[u8; 4]],
    /// Whether any webhook has filters.
    filtered: bool,
    judge: Judge<'t, A>,
    /// What was not read yet of each list.
    cursors: heapless::Vec<Cursor, CURSORS_MAX>,
    /// The topic once more when there are more lists than cursors.
    codes: Option<Codes>,
    window: Window,
}

/// A list among the postings, from the row on that was not read yet.
#[derive(Clone, Copy)]
struct Cursor {
    start: u32,
    end: u32,
}

impl<'t, A: Attributes + ?Sized> Matches<'t, A> {
    #[inline]
    pub(super) fn new(view: AnyView<'t>, topic: &Topic<'_>, attributes: &'t A) -> Self {
        let mut matches = Self {
            view,
            listed: &[],
            filtered: false,
            judge: Judge::new(attributes),
            cursors: heapless::Vec::new(),
            codes: None,
            window: Window::EMPTY,
        };
        match view {
            AnyView::Narrow(view) => matches.open_lists(&view, topic),
            AnyView::Wide(view) => matches.open_lists(&view, topic),
        }
        matches
    }

    #[inline]
    fn open_lists<W: Width>(&mut self, view: &View<'t, W>, topic: &Topic<'_>) {
        (self.listed, self.filtered) = (view.long_words(Part::Webhooks), view.head.counts.words > 0);
        let codes = Codes::new(view, topic);
        let grouped = view.head.counts.groups > 0;
        walk(&view.slots(), &codes, |found| {
            let many = found.end.wrapping_sub(found.start) as usize >= TABLE_GROUP_ROWS_MIN;
            let opened =
                grouped && many && self.open_groups(view, &found) || self.open(found.start, found.end);
            if !opened {
                self.codes = Some(codes);
            }
        });
    }

    /// Opens a list; false when there is no cursor left.
    #[inline]
    fn open(&mut self, start: u32, end: u32) -> bool {
        start >= end || self.cursors.push(Cursor { start, end }).is_ok()
    }

    /// Opens those groups of a node that the event can be in; false when it has none, or too many for the cursors.
    #[inline(never)]
    fn open_groups<W: Width>(&mut self, view: &View<'t, W>, found: &Found) -> bool {
        let Some(group) = view.group(found.slot) else { return false };
        let room = CURSORS_MAX.saturating_sub(self.cursors.len());
        if room <= group.docs.count_ones() as usize {
            return false;
        }
        let keys = view.keys_of(&group);
        for doc in group.docs() {
            let under =
                self.judge.value_number(view, doc).and_then(|value| rows_under(keys, key(doc, value)));
            if let Some(rows) = under {
                self.open(rows.start, rows.end);
            }
        }
        if let Some(rest) = rows_under(keys, REST) {
            self.open(rest.start, rest.end);
        }
        true
    }

    /// Moves the window to the next row of any list.
    fn fill_in<W: Width>(&mut self, view: &View<'t, W>) -> Option<()> {
        let Self { cursors, codes, window, .. } = self;
        let postings = view.words(Part::Postings);
        if let Some(codes) = codes {
            return window.fill_by_walking(view, postings, codes);
        }
        let rest =
            |cursor: &Cursor| postings.get(cursor.start as usize..cursor.end as usize).unwrap_or_default();
        let heads = cursors.iter().filter_map(|cursor| rest(cursor).first());
        window.start_at(heads.map(|word| W::number(*word)).min()?);
        for cursor in cursors {
            let read = window.add::<W>(rest(cursor));
            cursor.start = cursor.start.wrapping_add(read);
        }
        Some(())
    }
}

impl<'t, A: Attributes + ?Sized> Matches<'t, A> {
    #[inline(never)]
    fn fill(&mut self) -> Option<()> {
        match self.view {
            AnyView::Narrow(view) => self.fill_in(&view),
            AnyView::Wide(view) => self.fill_in(&view),
        }
    }

    #[inline(never)]
    fn passes(&mut self, row: u32) -> bool {
        match self.view {
            AnyView::Narrow(view) => self.judge.passes(&view, row),
            AnyView::Wide(view) => self.judge.passes(&view, row),
        }
    }
}

impl<A: Attributes + ?Sized> Iterator for Matches<'_, A> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        loop {
            match self.window.take() {
                None => self.fill()?,
                Some(row) if self.filtered && !self.passes(row) => {}
                Some(row) if self.listed.is_empty() => return Some(row),
                Some(row) => {
                    return self.listed.get(row as usize).map(|webhook| u32::from_le_bytes(*webhook));
                }
            }
        }
    }
}
