//! Merging more lists than there are cursors: a window of rows at a time, a bit for each row.

use super::view::View;
use super::walk::{Codes, Found, walk};
use super::width::Width;

const WORDS: usize = 8;
/// Rows of a window.
pub(super) const WINDOW_ROWS: u32 = WORDS as u32 * u64::BITS;

/// The rows of an event, a window at a time. Each window takes two walks.
pub(super) struct Window {
    codes: Codes,
    /// First row of the window.
    base: u32,
    /// First row behind the window; `None` behind the last.
    next: Option<u32>,
    bits: [u64; WORDS],
}

impl Window {
    pub(super) fn new(codes: Codes) -> Self {
        Self { codes, base: 0, next: Some(0), bits: [0; WORDS] }
    }

    /// The next row of any list.
    pub(super) fn next_row<W: Width>(&mut self, view: &View<'_, W>, postings: &[W::Word]) -> Option<u32> {
        loop {
            if let Some(row) = self.take() {
                return Some(row);
            }
            self.fill(view, postings)?;
        }
    }

    /// Takes the first row out of the window.
    fn take(&mut self) -> Option<u32> {
        let (number, bits) = (0_u32..).zip(&mut self.bits).find(|(_, bits)| **bits != 0)?;
        let bit = bits.trailing_zeros();
        *bits &= bits.wrapping_sub(1);
        Some(self.base.wrapping_add(number.wrapping_mul(u64::BITS)).wrapping_add(bit))
    }

    /// Moves the window to the next row of any list, and fills it.
    fn fill<W: Width>(&mut self, view: &View<'_, W>, postings: &[W::Word]) -> Option<()> {
        let from = self.next?;
        let mut first = None;
        walk(&view.slots(), &self.codes, |found| {
            let row = rest::<W>(postings, &found, from).first().map(|word| W::number(*word));
            first = [first, row].into_iter().flatten().min();
        });
        self.base = first?;
        self.next = self.base.checked_add(WINDOW_ROWS);
        let (base, bits) = (self.base, &mut self.bits);
        walk(&view.slots(), &self.codes, |found| {
            for word in rest::<W>(postings, &found, base) {
                let distance = W::number(*word).wrapping_sub(base);
                let Some(bits) = bits.get_mut((distance / u64::BITS) as usize) else { break };
                *bits |= 1 << (distance % u64::BITS);
            }
        });
        Some(())
    }
}

/// The rows of a list from row `from` on.
fn rest<'t, W: Width>(postings: &'t [W::Word], found: &Found, from: u32) -> &'t [W::Word] {
    let list = postings.get(found.start as usize..found.end as usize).unwrap_or_default();
    list.get(list.partition_point(|word| W::number(*word) < from)..).unwrap_or_default()
}
