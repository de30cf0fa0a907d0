//! The head of an image. `docs/match-table.md` gives the same as a table of bytes.

use super::layout::Counts;

/// First bytes of every image.
pub(super) const MAGIC: [u8; 4] = *b"BWMT";
/// Version of the layout. Another layout gets another number.
pub(super) const VERSION: u8 = 1;
/// Bytes of the head.
pub(super) const HEAD_BYTES: usize = 80;
/// Where the checksum is.
pub(super) const CHECKSUM_AT: usize = 4;
/// The checksum covers all bytes from here on.
pub(super) const CHECKED_FROM: usize = 8;

/// Flag: some pattern ends with `**`.
pub(super) const TAILS: u8 = 1;
/// Flag: the image lists the webhooks' numbers; without it, a webhook's number is its row.
pub(super) const LISTED: u8 = 2;

/// What the head of an image says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Bytes of a word: 2 or 4.
    pub(super) width: u8,
    pub(super) flags: u8,
    /// Most names in a bucket.
    pub(super) bucket_max: u8,
    /// Bytes of the image.
    pub(super) bytes: u32,
    /// What hashing starts from.
    pub(super) seed: u32,
    /// Most steps of one event.
    pub(super) steps_max: u32,
    /// Most nodes visited for one event.
    pub(super) visits_max: u32,
    pub(super) counts: Counts,
}

impl Head {
    /// The head of a table of no webhook and no bytes.
    pub(super) const EMPTY: Self = Self {
        width: 2,
        flags: 0,
        bucket_max: 0,
        bytes: 0,
        seed: 0,
        steps_max: 0,
        visits_max: 0,
        counts: Counts::ZERO,
    };

    /// The head in the first bytes of an image; `None` when they are too few. Magic and version are not looked at.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let words = bytes.first_chunk::<HEAD_BYTES>()?.as_chunks::<4>().0;
        let mut numbers = words.iter().skip(3).map(|word| u32::from_le_bytes(*word));
        let mut next = || numbers.next().unwrap_or_default();
        let [_, width, flags, bucket_max] = *words.get(2)?;
        let (bytes, seed, steps_max, visits_max) = (next(), next(), next(), next());
        let counts = Counts {
            webhooks: next(),
            segments: next(),
            segment_bytes: next(),
            values: next(),
            value_bytes: next(),
            docs: next(),
            words: next(),
            dfas: next(),
            dfa_bytes: next(),
            groups: next(),
            group_keys: next(),
            postings: next(),
            slots: next(),
        };
        Some(Self { width, flags, bucket_max, bytes, seed, steps_max, visits_max, counts })
    }

    /// The head in bytes, the checksum zero.
    pub(super) fn to_bytes(self) -> [u8; HEAD_BYTES] {
        let Counts { webhooks, segments, segment_bytes, values, value_bytes, docs, words, .. } = self.counts;
        let Counts { dfas, dfa_bytes, groups, group_keys, postings, slots, .. } = self.counts;
        let numbers = [
            u32::from_le_bytes(MAGIC),
            0,
            u32::from_le_bytes([VERSION, self.width, self.flags, self.bucket_max]),
            self.bytes,
            self.seed,
            self.steps_max,
            self.visits_max,
            webhooks,
            segments,
            segment_bytes,
            values,
            value_bytes,
            docs,
            words,
            dfas,
            dfa_bytes,
            groups,
            group_keys,
            postings,
            slots,
        ];
        let mut bytes = [0; HEAD_BYTES];
        for (place, number) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(numbers) {
            *place = number.to_le_bytes();
        }
        bytes
    }
}
