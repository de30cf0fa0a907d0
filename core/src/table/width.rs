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
    /// The two words of a slot.
    fn slot(slot: Self::Slot) -> Slot;
    /// The number of a list's rows as one slice.
    fn rows(words: &[Self::Word]) -> super::Rows<'_>;
}

/// A node of the trie of patterns, or a free place among the nodes.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    /// Added to a code, it gives the slot of the child. Of a node with rows and no child, the row or their list.
    pub(super) base: u32,
    /// Slot of the parent, and what the base is in two bits: see [`Kind`].
    link: u32,
}

impl Slot {
    /// Slot of the parent.
    #[inline]
    pub(super) const fn parent(self) -> u32 {
        self.link >> KIND_BITS
    }

    /// Whether no node is here, in an image of words of so many bytes.
    pub(super) const fn is_free(self, word_bytes: u8) -> bool {
        self.link == ones(word_bytes)
    }

    #[inline]
    pub(super) const fn kind(self) -> Kind {
        match self.link & 3 {
            0 => Kind::Inner,
            1 => Kind::Row,
            2 => Kind::List,
            _ => Kind::Both,
        }
    }
}

/// What a node is, and so what its base is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// No pattern ends here; the base leads to children.
    Inner = 0,
    /// A pattern ends here, and none goes on: the base is the only row that has it.
    Row = 1,
    /// The same with several rows: the base is where their list starts among the postings, with how many they are.
    List = 2,
    /// A pattern ends here and others go on: the base leads to children, and the child for rows has the rows.
    Both = 3,
}

const KIND_BITS: u32 = 2;

/// The second word of a slot.
pub(super) const fn link(parent: u32, kind: Kind) -> u32 {
    parent << KIND_BITS | kind as u32
}

/// The largest word. A free place has it for its parent and kind.
pub(super) const fn ones(word_bytes: u8) -> u32 {
    if word_bytes == 2 { 0xffff } else { u32::MAX }
}

/// The parent of the root, in words of either width: no slot has this number.
pub(super) const fn none(word_bytes: u8) -> u32 {
    ones(word_bytes) >> KIND_BITS
}

/// Where the child `code` of a node with this base is: the sum, cut to the width of a word.
#[inline]
pub(super) const fn child(word_bytes: u8, base: u32, code: u32) -> u32 {
    base.wrapping_add(code) & ones(word_bytes)
}

/// Words of two bytes.
#[derive(Clone, Copy)]
pub(super) struct Narrow;

impl Width for Narrow {
    type Word = [u8; 2];
    type Slot = [u8; 4];

    fn words(bytes: &[u8]) -> &[[u8; 2]] {
        bytes.as_chunks().0
    }

    fn slots(bytes: &[u8]) -> &[[u8; 4]] {
        bytes.as_chunks().0
    }

    #[inline]
    fn number(word: [u8; 2]) -> u32 {
        u16::from_le_bytes(word).into()
    }

    #[inline]
    fn slot(slot: [u8; 4]) -> Slot {
        let both = u32::from_le_bytes(slot);
        Slot { base: both & 0xffff, link: both >> 16 }
    }

    fn rows(words: &[[u8; 2]]) -> super::Rows<'_> {
        super::Rows::Narrow(words)
    }
}

/// Words of four bytes.
#[cfg(feature = "wide")]
#[derive(Clone, Copy)]
pub(super) struct Wide;

#[cfg(feature = "wide")]
impl Width for Wide {
    type Word = [u8; 4];
    type Slot = [u8; 8];

    fn words(bytes: &[u8]) -> &[[u8; 4]] {
        bytes.as_chunks().0
    }

    fn slots(bytes: &[u8]) -> &[[u8; 8]] {
        bytes.as_chunks().0
    }

    #[inline]
    fn number(word: [u8; 4]) -> u32 {
        u32::from_le_bytes(word)
    }

    #[inline]
    fn slot([a, b, c, d, e, f, g, h]: [u8; 8]) -> Slot {
        Slot { base: u32::from_le_bytes([a, b, c, d]), link: u32::from_le_bytes([e, f, g, h]) }
    }

    fn rows(words: &[[u8; 4]]) -> super::Rows<'_> {
        super::Rows::Wide(words)
    }
}
