//! The shapes of patterns: where they have stars. A topic leads to one node of each shape at most.

use crate::limits::SEGMENTS_MAX;

use super::walk::{ANY, ROWS, TAIL};

/// Where the codes that lead to a node are stars.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// A bit for each code but `**`, behind a one that tells their number.
    stars: u16,
    /// What the last code is when it is no segment.
    end: End,
}

/// How the codes that lead to a node end.
#[derive(Clone, Copy)]
enum End {
    /// With a segment or `*`.
    Plain,
    /// With `**`.
    Tail,
    /// With the code for rows.
    Rows,
}

impl Shape {
    /// No code.
    pub(super) const ROOT: Self = Self { stars: 1, end: End::Plain };

    /// The shape with one code more, which comes before those there are.
    #[inline]
    pub(super) const fn below(self, code: u32) -> Self {
        match code {
            TAIL => Self { end: End::Tail, ..self },
            ROWS => Self { end: End::Rows, ..self },
            _ => Self { stars: self.stars << 1 | (code == ANY) as u16, ..self },
        }
    }
}

impl Shape {
    /// How many segments such a pattern has.
    pub(super) const fn segments(self) -> usize {
        // The lowest bit changes nothing but what the compiler knows: that there is a bit, so no panic is needed.
        let plain = (self.stars | 1).ilog2() as usize;
        if matches!(self.end, End::Tail) { plain.saturating_add(1) } else { plain }
    }
}

const WORDS: usize = (2 << SEGMENTS_MAX) / 64;

/// A set of shapes.
#[derive(Clone, Copy, Default)]
pub(super) struct Shapes {
    plain: [u64; WORDS],
    tails: [u64; WORDS],
    rows: [u64; WORDS],
}

impl Shapes {
    /// Adds a shape.
    #[inline]
    pub(super) fn add(&mut self, shape: Shape) {
        let bits = match shape.end {
            End::Plain => &mut self.plain,
            End::Tail => &mut self.tails,
            End::Rows => &mut self.rows,
        };
        if let Some(bits) = bits.get_mut(usize::from(shape.stars / 64)) {
            *bits |= 1 << (shape.stars % 64);
        }
    }

    /// How many shapes there are: so many nodes an event visits at most.
    pub(super) fn count(&self) -> u32 {
        [self.plain, self.tails, self.rows]
            .iter()
            .flatten()
            .map(|bits| bits.count_ones())
            .fold(0, u32::saturating_add)
    }

    /// Whether a pattern ends with `**`.
    pub(super) fn tails(&self) -> bool {
        self.tails.iter().any(|bits| *bits != 0)
    }
}
