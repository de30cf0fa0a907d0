//! Writing the types of postcard into a slice.
//!
//! postcard's own writer would do, but it writes numbers through an array, whose bounds the compiler does not see to
//! hold when it optimises for size: the program would keep a panic that cannot happen.

use super::error::EncodeError;

/// Bits of a number in each byte.
const BITS: u32 = 7;
/// Says that another byte follows.
const MORE: u8 = 1 << BITS;

/// What is left of a slice to write to.
pub(super) struct Writer<'b> {
    rest: &'b mut [u8],
}

impl<'b> Writer<'b> {
    pub(super) const fn new(bytes: &'b mut [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    pub(super) const fn left(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn byte(&mut self, byte: u8) -> Result<(), EncodeError> {
        self.all(&[byte])
    }

    /// A number of any width: seven bits a byte, the lowest first.
    pub(super) fn number(&mut self, number: impl Into<u128>) -> Result<(), EncodeError> {
        let mut rest: u128 = number.into();
        while rest >= u128::from(MORE) {
            self.byte(rest as u8 | MORE)?;
            rest >>= BITS;
        }
        self.byte(rest as u8)
    }

    /// A number with a sign: in zigzag, so that small ones of either sign are short.
    pub(super) fn signed(&mut self, number: i64) -> Result<(), EncodeError> {
        let zigzag = (number << 1) ^ (number >> (i64::BITS - 1));
        self.number(zigzag as u64)
    }

    /// Bytes behind their number.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.number(bytes.len() as u64)?;
        self.all(bytes)
    }

    fn all(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let rest = core::mem::take(&mut self.rest).split_at_mut_checked(bytes.len());
        let (place, rest) = rest.ok_or(EncodeError::BufferTooSmall)?;
        place.copy_from_slice(bytes);
        self.rest = rest;
        Ok(())
    }
}
