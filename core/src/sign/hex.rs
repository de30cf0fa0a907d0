//! Lower-case hexadecimal, both ways, and upper-case for percent escapes.

/// The two lower-case digits of a byte.
pub(super) fn digits(byte: u8) -> [char; 2] {
    [byte >> 4, byte & 15].map(|half| char::from_digit(half.into(), 16).unwrap_or_default())
}

/// The two upper-case digits of a byte.
pub(super) fn upper(byte: u8) -> [u8; 2] {
    digits(byte).map(|digit| digit.to_ascii_uppercase() as u8)
}

/// The bytes of exactly 64 lower-case digits.
pub(super) fn decode(text: &str) -> Option<[u8; 32]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut bytes = [0; 32];
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = half(*high)? << 4 | half(*low)?;
    }
    Some(bytes)
}

fn half(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
