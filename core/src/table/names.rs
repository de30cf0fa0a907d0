//! Interned names: each stands in the image once and is found by its hash; texts decide, never the hash.

use super::width::Width;

const FNV_PRIME: u32 = 0x0100_0193;
/// FNV's own offset basis, where hashing starts unless an image chose another seed.
pub(super) const FNV_BASIS: u32 = 0x811c_9dc5;

/// FNV-1a over bytes, from `seed` on.
#[inline]
pub(super) fn fnv1a(seed: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(seed, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(FNV_PRIME))
}

/// The bits of a hash that choose a bucket: the upper ones are folded in, because the lower bits of FNV-1a depend on
/// the lower bits of the text alone.
#[inline]
pub(super) fn fold(hash: u32) -> u32 {
    hash ^ (hash >> 15)
}

/// The names of an image: a bucket for each hash, whose entries are numbers of names.
#[derive(Clone, Copy)]
pub(super) struct Names<'a, W: Width> {
    /// The first entry of each bucket, and one more.
    pub(super) buckets: &'a [W::Word],
    /// The numbers of names, bucket after bucket.
    pub(super) entries: &'a [W::Word],
    /// Where each name starts in the text, and one more.
    pub(super) starts: &'a [W::Word],
    pub(super) text: &'a [u8],
}

impl<'a, W: Width> Names<'a, W> {
    /// The number of the name whose hash this is; its parts are compared with the name's bytes by `is_it`.
    #[inline]
    pub(super) fn find(&self, hash: u32, is_it: impl Fn(&[u8]) -> bool) -> Option<u32> {
        // There are two buckets less one in the mask: a power of two, and one bound more.
        let mask = self.buckets.len().wrapping_sub(2);
        let bucket = fold(hash) as usize & mask;
        let first = W::number(*self.buckets.get(bucket)?);
        let end = W::number(*self.buckets.get(bucket.wrapping_add(1))?);
        let entries = self.entries.get(first as usize..end as usize)?.iter();
        entries.map(|entry| W::number(*entry)).find(|number| self.bytes(*number).is_some_and(&is_it))
    }

    /// The number of a name.
    #[inline]
    pub(super) fn number(&self, seed: u32, name: &[u8]) -> Option<u32> {
        self.find(fnv1a(seed, name), |bytes| bytes == name)
    }

    /// The bytes of a name.
    #[inline]
    pub(super) fn bytes(&self, number: u32) -> Option<&'a [u8]> {
        let start = W::number(*self.starts.get(number as usize)?);
        let end = W::number(*self.starts.get((number as usize).wrapping_add(1))?);
        self.text.get(start as usize..end as usize)
    }
}
