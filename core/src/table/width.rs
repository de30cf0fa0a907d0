//! The two widths of an image: words of two bytes where every number fits, of four bytes otherwise.

/// Numbers of an image, read in place from its bytes.
pub(super) trait Width: Copy {
    /// A word in its bytes.
    type Word: Copy + 'static;
    /// A slot in its bytes.
    type Slot: Copy + 'static;

    /// Bytes as words; bytes left over at the end are no word.
    fn words(bytes: &[u8]) -> &[Self::Word];
    /// Bytes as slots.
    fn slots(bytes: &[u8]) -> &[Self::Slot];
    /// The number that a word is.
    fn number(word: Self::Word) -> u32;
    /// The three words of a slot.
    fn slot(slot: Self::Slot) -> Slot;
    /// The number of a list's rows as one slice.
    fn rows(words: &[Self::Word]) -> super::Rows<'_>;
}

/// A node of the trie of patterns, or a free place among the nodes.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    /// Added to a code, it gives the slot of the child.
    pub(super) base: u32,
    /// Slot of the parent.
    pub(super) parent: u32,
    /// Where its list of rows starts; the list ends where that of the next slot starts.
    pub(super) rows: u32,
}

/// The parent of a free place, in words of either width: no slot has this number.
pub(super) const fn none(word_bytes: u8) -> u32 {
    if word_bytes == 2 { 0xffff } else { u32::MAX }
}

/// Where the child `code` of a node with this base is: the sum, cut to the width of a word.
#[inline]
pub(super) const fn child(word_bytes: u8, base: u32, code: u32) -> u32 {
    base.wrapping_add(code) & none(word_bytes)
}

/// Words of two bytes.
#[derive(Clone, Copy)]
pub(super) struct Narrow;

impl Width for Narrow {
    type Word = [u8; 2];
    type Slot = [u8; 6];

    fn words(bytes: &[u8]) -> &[[u8; 2]] {
        bytes.as_chunks().0
    }

    fn slots(bytes: &[u8]) -> &[[u8; 6]] {
        bytes.as_chunks().0
    }

    #[inline]
    fn number(word: [u8; 2]) -> u32 {
        u16::from_le_bytes(word).into()
    }

    #[inline]
    fn slot([a, b, c, d, e, f]: [u8; 6]) -> Slot {
        let number = |low, high| u16::from_le_bytes([low, high]).into();
        Slot { base: number(a, b), parent: number(c, d), rows: number(e, f) }
    }

    fn rows(words: &[[u8; 2]]) -> super::Rows<'_> {
        super::Rows::Narrow(words)
    }
}

/// Words of four bytes.
#[derive(Clone, Copy)]
pub(super) struct Wide;

impl Width for Wide {
    type Word = [u8; 4];
    type Slot = [u8; 12];

    fn words(bytes: &[u8]) -> &[[u8; 4]] {
        bytes.as_chunks().0
    }

    fn slots(bytes: &[u8]) -> &[[u8; 12]] {
        bytes.as_chunks().0
    }

    #[inline]
    fn number(word: [u8; 4]) -> u32 {
        u32::from_le_bytes(word)
    }

    #[inline]
    fn slot([a, b, c, d, e, f, g, h, i, j, k, l]: [u8; 12]) -> Slot {
        Slot {
            base: u32::from_le_bytes([a, b, c, d]),
            parent: u32::from_le_bytes([e, f, g, h]),
            rows: u32::from_le_bytes([i, j, k, l]),
        }
    }

    fn rows(words: &[[u8; 4]]) -> super::Rows<'_> {
        super::Rows::Wide(words)
    }
}
