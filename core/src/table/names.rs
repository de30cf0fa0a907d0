//! Interned names: each stands in the image once and is found by its hash; texts decide, never the hash.

use super::width::Width;
use crate::steps;

const FNV_PRIME: u32 = 0x0100_0193;
/// FNV's own offset basis, where hashing starts unless an image chose another seed.
pub(super) const FNV_BASIS: u32 = 0x811c_9dc5;

/// FNV-1a over bytes, from `seed` on. The builder looks names up by it; an image has [`hash`].
pub(super) fn fnv1a(seed: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(seed, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(FNV_PRIME))
}

/// The hash of a name in an image: FNV-1a in two lanes that take turns, because a processor can go on with one while it
/// multiplies the other.
#[inline]
pub(super) fn hash(seed: u32, bytes: &[u8]) -> u32 {
    let step = |lane: u32, byte: &u8| (lane ^ u32::from(*byte)).wrapping_mul(FNV_PRIME);
    let (fours, rest) = bytes.as_chunks::<4>();
    let (mut this, mut that) = (seed, seed);
    for [a, b, c, d] in fours {
        (this, that) = (step(step(this, a), c), step(step(that, b), d));
    }
    for byte in rest {
        (this, that) = (that, step(this, byte));
    }
    this ^ that.rotate_left(16)
}

/// The bits of a hash that choose a bucket: the upper ones are folded in, because the lower bits of FNV-1a depend on
/// the lower bits of the text alone.
#[inline]
pub(super) fn fold(hash: u32) -> u32 {
    hash ^ (hash >> 15)
}

/// The names of an image in the order of their buckets; a name's place is its number in this order.
#[derive(Clone, Copy)]
pub(super) struct Names<'a, W: Width> {
    /// The words and the bytes of the whole image.
    pub(super) words: &'a [W::Word],
    pub(super) bytes: &'a [u8],
    /// Among the words, the place of the first name of each bucket, and one more.
    pub(super) buckets_at: usize,
    /// Among the words, where each name starts in the text, and one more.
    pub(super) starts_at: usize,
    /// Among the bytes, the text.
    pub(super) text_at: usize,
}

impl<'a, W: Width> Names<'a, W> {
    /// The place of the name whose hash this is, and its length; its bytes are compared by `is_it`.
    #[inline]
    pub(super) fn find(&self, hash: u32, length: usize, is_it: impl Fn(&[u8]) -> bool) -> Option<u32> {
        // There are two buckets less one in the mask: a power of two, and one bound more.
        let mask = self.starts_at.wrapping_sub(self.buckets_at).checked_sub(2)?;
        let bucket = (fold(hash) as usize & mask).wrapping_add(self.buckets_at);
        let (first, end) = self.pair(bucket)?;
        (first..end).find(|place| {
            steps::count(1);
            self.is_at(*place, length, &is_it)
        })
    }

    /// Whether the name in a place has this length, and bytes that `is_it` knows.
    #[inline]
    pub(super) fn is_at(&self, place: u32, length: usize, is_it: impl Fn(&[u8]) -> bool) -> bool {
        let Some((start, end)) = self.pair(self.starts_at.wrapping_add(place as usize)) else { return false };
        end.wrapping_sub(start) as usize == length && self.text(start, end).is_some_and(is_it)
    }

    /// The bytes of the name in a place.
    #[inline]
    pub(super) fn bytes(&self, place: u32) -> Option<&'a [u8]> {
        let (start, end) = self.pair(self.starts_at.wrapping_add(place as usize))?;
        self.text(start, end)
    }

    #[inline]
    fn text(&self, start: u32, end: u32) -> Option<&'a [u8]> {
        let at = |offset: u32| self.text_at.wrapping_add(offset as usize);
        self.bytes.get(at(start)..at(end))
    }

    #[inline]
    fn pair(&self, at: usize) -> Option<(u32, u32)> {
        let second = W::number(*self.words.get(at.wrapping_add(1))?);
        Some((W::number(*self.words.get(at)?), second))
    }
}
