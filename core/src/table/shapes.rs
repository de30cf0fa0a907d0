//! The shapes of patterns: where they have stars. A topic leads to one node of each shape at most.

use crate::limits::SEGMENTS_MAX;

use super::walk::{ANY, TAIL};

/// A bit for each shape of up to `SEGMENTS_MAX` segments, and one for each that goes on with `**`.
#[derive(Clone, Copy, Default)]
pub(super) struct Shapes {
    plain: [u64; (2 << SEGMENTS_MAX) / 64],
    tails: [u64; (2 << SEGMENTS_MAX) / 64],
}

impl Shapes {
    /// Adds the shape of a node, given the codes that lead to it, the last first.
    pub(super) fn add(&mut self, codes: impl Iterator<Item = u32>) {
        // A one before the bits tells their number.
        let (mut shape, mut tail) = (1_usize, false);
        for code in codes {
            if code == TAIL {
                tail = true;
            } else {
                shape = shape << 1 | usize::from(code == ANY);
            }
        }
        let bits = if tail { &mut self.tails } else { &mut self.plain };
        if let Some(bits) = bits.get_mut(shape / 64) {
            *bits |= 1 << (shape % 64);
        }
    }

    /// How many shapes there are: so many nodes an event visits at most.
    pub(super) fn count(&self) -> u32 {
        self.plain.iter().chain(&self.tails).map(|bits| bits.count_ones()).sum()
    }

    /// Whether a pattern ends with `**`.
    pub(super) fn tails(&self) -> bool {
        self.tails.iter().any(|bits| *bits != 0)
    }
}
