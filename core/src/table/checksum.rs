//! The checksum of an image: XXH32 with seed 0, which reads four words at a time and so keeps up with memory.

const PRIME: [u32; 5] = [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d, 0x27d4_eb2f, 0x1656_67b1];

/// XXH32 of `bytes`, as the xxHash specification defines it.
pub(super) fn xxh32(bytes: &[u8]) -> u32 {
    let [p1, p2, p3, p4, p5] = PRIME;
    let (stripes, rest) = bytes.as_chunks::<16>();
    let mut hash = if stripes.is_empty() { p5 } else { hash_stripes(stripes) };
    hash = hash.wrapping_add(bytes.len() as u32);
    let (words, rest) = rest.as_chunks::<4>();
    for word in words {
        let mixed = hash.wrapping_add(u32::from_le_bytes(*word).wrapping_mul(p3));
        hash = mixed.rotate_left(17).wrapping_mul(p4);
    }
    for byte in rest {
        let mixed = hash.wrapping_add(u32::from(*byte).wrapping_mul(p5));
        hash = mixed.rotate_left(11).wrapping_mul(p1);
    }
    hash = (hash ^ (hash >> 15)).wrapping_mul(p2);
    hash = (hash ^ (hash >> 13)).wrapping_mul(p3);
    hash ^ (hash >> 16)
}

fn hash_stripes(stripes: &[[u8; 16]]) -> u32 {
    let [p1, p2, ..] = PRIME;
    let (mut a, mut b, mut c, mut d) = (p1.wrapping_add(p2), p2, 0_u32, 0_u32.wrapping_sub(p1));
    let round = |lane: u32, word: [u8; 4]| {
        let mixed = lane.wrapping_add(u32::from_le_bytes(word).wrapping_mul(p2));
        mixed.rotate_left(13).wrapping_mul(p1)
    };
    for [a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3] in stripes {
        a = round(a, [*a0, *a1, *a2, *a3]);
        b = round(b, [*b0, *b1, *b2, *b3]);
        c = round(c, [*c0, *c1, *c2, *c3]);
        d = round(d, [*d0, *d1, *d2, *d3]);
    }
    let mixed = a.rotate_left(1).wrapping_add(b.rotate_left(7));
    mixed.wrapping_add(c.rotate_left(12)).wrapping_add(d.rotate_left(18))
}

#[cfg(test)]
mod tests {
    use super::xxh32;

    #[test]
    fn published_vectors() {
        assert_eq!(xxh32(b""), 0x02cc_5d05);
        assert_eq!(xxh32(b"a"), 0x550d_7456);
        assert_eq!(xxh32(b"abc"), 0x32d1_53ff);
        assert_eq!(xxh32(b"Nobody inspects the spammish repetition"), 0xe229_3b2f);
    }
}
