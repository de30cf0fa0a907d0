//! The shapes of patterns: where they have stars. A topic leads to one node of each shape at most.

use crate::limits::SEGMENTS_MAX;

use super::walk::{ANY, ROWS, TAIL};

/// Where the codes that lead to a node are stars.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// A bit for each segment and each `*`, behind a one that tells their number.
    stars: u16,
    /// What the last code is when it is none of these.
    end: End,
}

/// How the codes that lead to a node end.
#[derive(Clone, Copy, PartialEq, Eq)]
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

    /// The shape with one code more at its end; `None` when no pattern is that long, or goes on there.
    #[inline]
    pub(super) fn with(self, code: u32) -> Option<Self> {
        let segments = self.stars.ilog2() as usize;
        match code {
            _ if self.end != End::Plain => None,
            ROWS => Some(Self { end: End::Rows, ..self }),
            _ if segments == SEGMENTS_MAX => None,
            TAIL => Some(Self { end: End::Tail, ..self }),
            _ => Some(Self { stars: self.stars << 1 | u16::from(code == ANY), ..self }),
        }
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
