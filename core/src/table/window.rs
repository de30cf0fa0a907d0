//! Merging lists of rows: a window of rows at a time, a bit for each row.

use super::view::View;
use super::walk::{Codes, Found, walk};
use super::width::Width;

const WORDS: usize = 32;
/// Rows of a window.
pub(super) const WINDOW_ROWS: u32 = WORDS as u32 * u64::BITS;

/// A run of rows, and which of them are in any list.
pub(super) struct Window {
    /// First row of the window.
    base: u32,
    /// First row behind the window; `None` when no row is.
    next: Option<u32>,
    /// Words before have no bit left.
    word: usize,
    bits: [u64; WORDS],
}

impl Window {
    /// No row, before all windows.
    pub(super) const EMPTY: Self = Self { base: 0, next: Some(0), word: WORDS, bits: [0; WORDS] };

    /// Takes the first row out of the window.
    #[inline]
    pub(super) fn take(&mut self) -> Option<u32> {
        loop {
            let bits = self.bits.get_mut(self.word)?;
            if *bits != 0 {
                let bit = bits.trailing_zeros();
                *bits &= bits.wrapping_sub(1);
                return Some(
                    self.base.wrapping_add((self.word as u32).wrapping_mul(u64::BITS)).wrapping_add(bit),
                );
            }
            self.word = self.word.wrapping_add(1);
        }
    }

    /// An empty window that starts at a row.
    #[inline]
    pub(super) fn start_at(&mut self, base: u32) {
        *self = Self { base, next: base.checked_add(WINDOW_ROWS), word: 0, bits: [0; WORDS] };
    }

    /// Adds the rows of an ascending list that are in the window, and gives how many they are. None is before it.
    #[inline]
    pub(super) fn add<W: Width>(&mut self, rows: &[W::Word]) -> u32 {
        let mut read = 0_u32;
        for row in rows {
            let distance = W::number(*row).wrapping_sub(self.base);
            let Some(bits) = self.bits.get_mut((distance / u64::BITS) as usize) else { break };
            *bits |= 1 << (distance % u64::BITS);
            read = read.wrapping_add(1);
        }
        read
    }

    /// Moves the window to the next row of any list of a topic; takes two walks.
    #[inline(never)]
    pub(super) fn fill_by_walking<W: Width>(
        &mut self,
        view: &View<'_, W>,
        postings: &[W::Word],
        codes: &Codes,
    ) -> Option<()> {
        let from = self.next?;
        let mut first = None;
        walk(&view.slots(), codes, |found| {
            let row = rest::<W>(postings, &found, from).first().map(|word| W::number(*word));
            first = [first, row].into_iter().flatten().min();
        });
        let first = first?;
        self.start_at(first);
        walk(&view.slots(), codes, |found| {
            self.add::<W>(rest::<W>(postings, &found, first));
        });
        Some(())
    }
}

/// The rows of a list from row `from` on.
fn rest<'t, W: Width>(postings: &'t [W::Word], found: &Found, from: u32) -> &'t [W::Word] {
    let list = postings.get(found.start as usize..found.end as usize).unwrap_or_default();
    list.get(list.partition_point(|word| W::number(*word) < from)..).unwrap_or_default()
}
