//! A list of rows as it stands in an image.

/// Rows of webhooks in ascending order, as numbers in little-endian.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'t> {
    /// In words of two bytes.
    Narrow(&'t [[u8; 2]]),
    /// In words of four bytes.
    Wide(&'t [[u8; 4]]),
}

impl Rows<'_> {
    /// How many there are.
    pub const fn len(&self) -> usize {
        match self {
            Self::Narrow(rows) => rows.len(),
            Self::Wide(rows) => rows.len(),
        }
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row in place `at`.
    pub fn at(&self, at: usize) -> Option<u32> {
        match self {
            Self::Narrow(rows) => rows.get(at).map(|row| u16::from_le_bytes(*row).into()),
            Self::Wide(rows) => rows.get(at).map(|row| u32::from_le_bytes(*row)),
        }
    }

    /// Calls `with` for each row.
    #[inline]
    pub fn for_each(&self, mut with: impl FnMut(u32)) {
        match self {
            Self::Narrow(rows) => rows.iter().for_each(|row| with(u16::from_le_bytes(*row).into())),
            Self::Wide(rows) => rows.iter().for_each(|row| with(u32::from_le_bytes(*row))),
        }
    }
}
