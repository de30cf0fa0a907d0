//! Merging lists of rows: a window of rows at a time, a bit for each row.

use super::view::View;
use super::walk::{Codes, Found, walk_codes};
use super::width::Width;
use crate::steps;

const WORDS: usize = 32;
/// Rows of a window.
pub(super) const WINDOW_ROWS: u32 = WORDS as u32 * u64::BITS;

/// A run of rows, and which of them are in any list.
pub(super) struct Window {
    /// First row of the window.
    base: u32,
    /// First row behind the window; `None` when no row is.
    next: Option<u32>,
    /// A bit for each word that has bits and was not taken out.
    full: u32,
    bits: [u64; WORDS],
}

/// Up to 64 rows.
#[derive(Clone, Copy)]
pub(super) struct Batch {
    /// The row of the lowest bit.
    pub(super) base: u32,
    pub(super) bits: u64,
}

impl Batch {
    pub(super) const EMPTY: Self = Self { base: 0, bits: 0 };

    /// Takes out the first row.
    #[inline]
    pub(super) fn take(&mut self) -> Option<u32> {
        if self.bits == 0 {
            return None;
        }
        let row = self.base.wrapping_add(self.bits.trailing_zeros());
        self.bits &= self.bits.wrapping_sub(1);
        Some(row)
    }
}

impl Window {
    /// No row, before all windows.
    pub(super) const EMPTY: Self = Self { base: 0, next: Some(0), full: 0, bits: [0; WORDS] };

    /// Takes out the first rows of the window.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Batch> {
        let word = self.full.trailing_zeros();
        let bits = core::mem::take(self.bits.get_mut(word as usize)?);
        self.full &= self.full.wrapping_sub(1);
        Some(Batch { base: self.base.wrapping_add(word.wrapping_mul(u64::BITS)), bits })
    }

    /// Moves the window, which is empty, to where it starts with a row.
    #[inline]
    pub(super) fn start_at(&mut self, base: u32) {
        (self.base, self.next) = (base, base.checked_add(WINDOW_ROWS));
    }

    /// Adds the rows of an ascending list that are in the window, and gives how many they are. None is before it.
    #[inline]
    pub(super) fn add<W: Width>(&mut self, rows: &[W::Word]) -> usize {
        let mut read = 0_usize;
        for row in rows {
            let distance = W::number(*row).wrapping_sub(self.base);
            let word = distance / u64::BITS;
            let Some(bits) = self.bits.get_mut(word as usize) else { break };
            *bits |= 1 << (distance % u64::BITS);
            self.full |= 1_u32.wrapping_shl(word);
            read = read.wrapping_add(1);
        }
        read
    }

    /// Keeps those rows for which `keep` says so.
    #[inline]
    pub(super) fn retain(&mut self, mut keep: impl FnMut(u32) -> bool) {
        let mut full = self.full;
        while full != 0 {
            let word = full.trailing_zeros();
            full &= full.wrapping_sub(1);
            let Some(bits) = self.bits.get_mut(word as usize) else { return };
            let base = self.base.wrapping_add(word.wrapping_mul(u64::BITS));
            let mut left = Batch { base, bits: *bits };
            while let Some(row) = left.take() {
                if !keep(row) {
                    *bits &= !1_u64.wrapping_shl(row.wrapping_sub(base));
                }
            }
            if *bits == 0 {
                self.full &= !1_u32.wrapping_shl(word);
            }
        }
    }

    /// Moves the window to the next row of any list of a topic; takes two walks.
    #[inline(never)]
    pub(super) fn fill_by_walking<W: Width>(&mut self, view: &View<'_, W>, codes: &Codes) -> Option<()> {
        let from = self.next?;
        let mut first = None;
        walk_codes(view, codes, |found| {
            let row = rest(view, &found, from).first().map(|word| W::number(*word));
            first = [first, row].into_iter().flatten().min();
        });
        let first = first?;
        self.start_at(first);
        walk_codes(view, codes, |found| {
            self.add::<W>(rest(view, &found, first));
        });
        Some(())
    }
}

/// The rows of a list from row `from` on.
fn rest<'t, W: Width>(view: &View<'t, W>, found: &Found, from: u32) -> &'t [W::Word] {
    let list = view.rows(found.start, found.end);
    let is_before = |word: &W::Word| {
        steps::count(1);
        W::number(*word) < from
    };
    list.get(list.partition_point(is_before)..).unwrap_or_default()
}
