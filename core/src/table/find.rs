//! Finding the webhooks of an event: the lists of rows that its topic leads to, merged in ascending order.

use crate::filter::Attributes;
use crate::limits::TABLE_GROUP_ROWS_MIN;
use crate::topic::Topic;

use super::group::{GroupKey, key, rows_of_the_rest, rows_under};
use super::judge::Judge;
use super::layout::Part;
use super::view::{AnyView, View, with_view};
use super::walk::{Codes, Found, walk};
use super::width::Width;
use super::window::{Batch, Window};

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
    /// The next rows.
    batch: Batch,
    /// The rows behind, of which the filters hold; nothing before it is needed.
    window: Option<Window>,
}

/// A list of rows from the row on that was not read yet, as a range of the image's words.
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
            batch: Batch::EMPTY,
            window: None,
        };
        with_view!(view, view => matches.open_lists(&view, topic));
        matches
    }

    #[inline]
    fn open_lists<W: Width>(&mut self, view: &View<'t, W>, topic: &Topic<'_>) {
        (self.listed, self.filtered) = (view.long_words(Part::Webhooks), view.head.counts.words > 0);
        let grouped = view.head.counts.groups > 0;
        let mut all_opened = true;
        walk(view, topic, |found| {
            let rows = found.end.wrapping_sub(found.start);
            all_opened &= grouped && rows >= TABLE_GROUP_ROWS_MIN && self.open_groups(view, &found)
                || self.open(found.start, found.end);
        });
        if !all_opened {
            self.codes = Some(Codes::new(view, topic));
        }
    }

    /// Opens a list; false when there is no cursor left.
    #[inline]
    fn open(&mut self, start: usize, end: usize) -> bool {
        self.cursors.push(Cursor { start: start as u32, end: end as u32 }).is_ok()
    }

    /// Opens those groups of a node that the event can be in; false when it has none, or too many for the cursors.
    #[inline(never)]
    fn open_groups<W: Width>(&mut self, view: &View<'t, W>, found: &Found) -> bool {
        let Some(group) = view.group(found.slot) else { return false };
        let room = CURSORS_MAX.saturating_sub(self.cursors.len());
        if room <= group.docs.count_ones() as usize {
            return false;
        }
        let (keys, postings_at) = (view.keys_of(&group), view.offset(Part::Postings) / size_of::<W::Word>());
        let open = |rows: Option<GroupKey>, cursors: &mut heapless::Vec<Cursor, CURSORS_MAX>| {
            if let Some(GroupKey { start, end, .. }) = rows {
                let at = |row: u32| (row as usize).wrapping_add(postings_at);
                let _ = cursors.push(Cursor { start: at(start) as u32, end: at(end) as u32 });
            }
        };
        for doc in group.docs() {
            let value = self.judge.value_number(view, doc);
            open(value.and_then(|value| rows_under(keys, key(doc, value))), &mut self.cursors);
        }
        open(rows_of_the_rest(keys), &mut self.cursors);
        true
    }

    /// Fills the window with the next rows of any list, and keeps those whose filters hold.
    #[inline(never)]
    fn fill(&mut self) -> Option<()> {
        with_view!(self.view, view => {
            self.fill_in(&view)?;
            if self.filtered {
                self.judge_in(&view);
            }
        });
        Some(())
    }

    #[inline(never)]
    fn judge_in<W: Width>(&mut self, view: &View<'t, W>) {
        let (judge, programs) = (&mut self.judge, view.programs());
        if let Some(window) = &mut self.window {
            window.retain(|row| judge.passes(view, &programs, row));
        }
    }

    #[inline]
    fn fill_in<W: Width>(&mut self, view: &View<'t, W>) -> Option<()> {
        let Self { cursors, codes, window, .. } = self;
        if cursors.is_empty() {
            return None;
        }
        let window = window.get_or_insert(Window::EMPTY);
        if let Some(codes) = codes {
            return window.fill_by_walking(view, codes);
        }
        let rest = |cursor: &Cursor| view.rows(cursor.start as usize, cursor.end as usize);
        let heads = cursors.iter().filter_map(|cursor| rest(cursor).first());
        window.start_at(heads.map(|word| W::number(*word)).min()?);
        for cursor in cursors {
            let read = window.add::<W>(rest(cursor));
            cursor.start = cursor.start.wrapping_add(read as u32);
        }
        Some(())
    }

    /// Goes on to the next rows.
    fn next_batch(&mut self) -> Option<()> {
        loop {
            match self.window.as_mut().and_then(Window::take) {
                None => self.fill()?,
                Some(batch) => {
                    self.batch = batch;
                    return Some(());
                }
            }
        }
    }
}

impl<A: Attributes + ?Sized> Iterator for Matches<'_, A> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        loop {
            match self.batch.take() {
                None => self.next_batch()?,
                Some(row) if self.listed.is_empty() => return Some(row),
                Some(row) => {
                    return self.listed.get(row as usize).map(|webhook| u32::from_le_bytes(*webhook));
                }
            }
        }
    }
}
